"""A refused command reaches its caller as a failure that carries the refusal."""

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from domain.refusals import Refusal, RefusalKind, Refused
    from workflows import options


def failure(refusal: Refusal) -> ApplicationError:
    return ApplicationError(refusal.detail, refusal, type=options.REFUSED, non_retryable=True)


def refuse(kind: RefusalKind, detail: str, **more: str) -> Refused:
    return Refused(Refusal(kind=kind, detail=detail, **more))


def failure_type(error: ActivityError) -> str | None:
    """The stable type of the fault under an activity's error; none for a time-out or a lost worker."""
    return error.cause.type if isinstance(error.cause, ApplicationError) else None


def failure_text(error: ActivityError) -> str:
    cause = error.cause or error
    return getattr(cause, "message", None) or str(cause)
