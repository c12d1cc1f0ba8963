"""How faults of ports become failures that a workflow can read: a stable type, and whether trying again can help."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import ParamSpec, TypeVar

from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from adapters.inventory.port import OutOfStock, StockRefused
from adapters.payment.port import (
    AmountMismatch,
    CeilingExceeded,
    Declined,
    KeyConflict,
    NotUnderstood,
    OutcomeUnknown,
    PaymentFault,
    Unavailable,
    UnknownPayment,
)
from adapters.records.port import AnotherTryStands
from domain.refusals import Shortfall

P = ParamSpec("P")
T = TypeVar("T")

OUT_OF_STOCK = "OutOfStock"
DECLINED = "Declined"
NEEDS_A_PERSON = "NeedsAPerson"
ANOTHER_TRY_STANDS = "AnotherTryStands"
AWAY = "Away"


async def mapped(call: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run `call`; its port's faults come out as `ApplicationError`s. Anything else is a bug and stays as it is.

    Final: `OutOfStock` (details: shortfalls), `Declined` (details: reason), `NeedsAPerson`, `AnotherTryStands`.
    Retried: `Away`.
    """
    try:
        return await call(*args, **kwargs)
    except OutOfStock as fault:
        shortfalls = [Shortfall(**shortage._asdict()) for shortage in fault.shortfalls]
        raise _expected(str(fault), shortfalls, kind=OUT_OF_STOCK) from fault
    except AnotherTryStands as fault:
        raise _expected(str(fault), None, kind=ANOTHER_TRY_STANDS) from fault
    except Declined as fault:
        raise _expected(str(fault), fault.reason.value, kind=DECLINED) from fault
    except (CeilingExceeded, AmountMismatch, KeyConflict, NotUnderstood, UnknownPayment, StockRefused) as fault:
        raise ApplicationError(str(fault), type=NEEDS_A_PERSON, non_retryable=True) from fault
    except Unavailable as fault:
        after = timedelta(seconds=fault.retry_after) if fault.retry_after else None
        raise ApplicationError(str(fault), type=AWAY, next_retry_delay=after) from fault
    except (OutcomeUnknown, PaymentFault) as fault:
        raise ApplicationError(str(fault), type=AWAY) from fault


def _expected(message: str, detail: object, *, kind: str) -> ApplicationError:
    """An answer that belongs to business: final, and no reason to alarm anybody in the logs."""
    return ApplicationError(message, detail, type=kind, non_retryable=True, category=ApplicationErrorCategory.BENIGN)
