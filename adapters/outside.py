"""What may go wrong with any system outside; the kind says what may be done next. Texts carry nothing that was sent."""


class OutsideFault(Exception):
    """Something between us and a system outside."""


class Unavailable(OutsideFault):
    """Not now: ask again with the same key (which keeps it from happening twice), not before `retry_after` seconds."""

    def __init__(self, system: str, retry_after: float | None = None) -> None:
        super().__init__(f"The {system} is away. Ask again later with the same key.")
        self.retry_after = retry_after


class OutcomeUnknown(OutsideFault):
    """The request went out and no answer came: ask `find(key)` before anything else."""

    def __init__(self, system: str) -> None:
        super().__init__(f"No answer came from the {system}, and it may have been done. Ask find(key) for the outcome.")


class KeyConflict(OutsideFault):
    """The key was used before with other parameters: a fault of ours, never to be retried."""

    def __init__(self) -> None:
        super().__init__("This operation key was used before with other parameters. Look for who uses it twice.")


class NotUnderstood(OutsideFault):
    """An answer that makes no sense here (wrong address, wrong account, a fault of ours): a person looks."""

    def __init__(self, system: str, status: int, code: str | None = None) -> None:
        super().__init__(
            f"The {system} answered {status} ({code or 'no code'}). Check its address, account and version."
        )
        self.status = status


class NotKnown(OutsideFault):
    """The system knows nothing under this id."""

    def __init__(self, system: str) -> None:
        super().__init__(f"The {system} knows nothing under this id. Check that it is the right system and account.")
