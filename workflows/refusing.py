"""A refused command reaches its caller as a failure that carries the refusal."""

from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from domain.refusals import Refusal, RefusalKind, Refused
    from workflows import options


def in_words(code: str) -> str:
    """A stage, a state, a channel as a sentence says it."""
    return code.replace("_", " ")


def failure(refusal: Refusal) -> ApplicationError:
    return ApplicationError(refusal.detail, refusal, type=options.REFUSED, non_retryable=True)


def refuse(kind: RefusalKind, detail: str, **more: str) -> Refused:
    return Refused(Refusal(kind=kind, detail=detail, **more))


StepFailed = (ActivityError, ApplicationError)
"""What a failed step raises: an ordinary activity the first, a local one the second."""


def failure_type(error: BaseException) -> str | None:
    """The stable type of the fault under a step's error; none for a time-out or a lost worker."""
    fault = _fault(error)
    return fault.type if fault else None


def failure_detail(error: BaseException) -> str | None:
    """The code that the fault carries, e.g. a decline's reason."""
    fault = _fault(error)
    return str(fault.details[0]) if fault and fault.details else None


def failure_details(error: BaseException) -> list[object]:
    """The list that the fault carries first among its details; nothing when it carries none."""
    fault = _fault(error)
    first = fault.details[0] if fault and fault.details else None
    return list(first) if isinstance(first, list) else []


def failure_delay(error: BaseException) -> timedelta | None:
    """How long the system that failed wants to be left alone."""
    fault = _fault(error)
    return fault.next_retry_delay if fault else None


def failure_text(error: BaseException) -> str:
    fault = _fault(error)
    return fault.message if fault else str(error.__cause__ or error)


def _fault(error: BaseException) -> ApplicationError | None:
    if isinstance(error, ActivityError):
        return error.cause if isinstance(error.cause, ApplicationError) else None
    return error if isinstance(error, ApplicationError) else None
