"""What can keep the stack from running. Each error names the problem and what to do about it."""


class StackError(Exception):
    """A problem of the embedded stack, with a remedy that a person can carry out."""

    def __init__(self, problem: str, remedy: str, *, detail: str = "") -> None:
        super().__init__(problem, remedy)
        self.problem = problem
        self.remedy = remedy
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.problem} {self.remedy}"


class AlreadyRunning(StackError):
    """Another stack works with this data folder."""


class NotRunning(StackError):
    """No stack works with this data folder."""


class PortTaken(StackError):
    """A port that was asked for by number belongs to someone else."""


class DataUnusable(StackError):
    """The data folder is missing something, full, or made by another version or user."""


class NoPostgres(StackError):
    """The PostgreSQL binaries are not installed or cannot run here."""


class NoTemporal(StackError):
    """No Temporal server was found, and none could be had."""


class ProcessFailed(StackError):
    """A program of the stack did not start or did not become ready."""
