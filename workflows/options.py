"""Every queue, time-out and retry rule of the workflows, in one place.

One task queue per outside system, so that each can be limited, drained and scaled alone.
"""

from datetime import timedelta
from typing import TypedDict

from temporalio.common import RetryPolicy

ORDERS = "orders"
"""Workflows, and the short steps that only touch our PostgreSQL."""
PAYMENT = "payment"
NOTIFICATION = "notification"
SHIPPING = "shipping"
"""Carriers."""
LOCKER = "locker"
"""Operators of parcel machines."""
PARTNERS = "partners"
"""Who ships in our name."""
BROKERING = "brokering"
"""Runs that find places for many orders at once. They compute for seconds; nobody waits for them."""

LENDING = "lending"
"""Bureaus, identity and sanctions services, letters, payouts and account booking of applications."""
APPLICATIONS = "applications"
"""Workflows of applications, and their record."""

TASK_TIMEOUT = timedelta(seconds=4)
"""How long a workflow task may be silent. The orders of a killed worker wait that long before another takes them up."""

REFUSED = "Refused"
"""The failure type of a refused command; its details hold one `Refusal`."""


class LocalOptions(TypedDict):
    start_to_close_timeout: timedelta
    local_retry_threshold: timedelta
    retry_policy: RetryPolicy


class OutsideOptions(TypedDict, total=False):
    task_queue: str
    start_to_close_timeout: timedelta
    schedule_to_close_timeout: timedelta
    retry_policy: RetryPolicy


OUR_BOOKS: LocalOptions = {
    "start_to_close_timeout": timedelta(seconds=10),
    # A database outage must not write history: retries past a second become a timer, with a long cap.
    "local_retry_threshold": timedelta(seconds=1),
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(milliseconds=100), backoff_coefficient=2, maximum_interval=timedelta(seconds=30)
    ),
}
"""Steps in our own PostgreSQL: idempotent, short, repeated until they are done."""


def _at_once(queue: str, within: timedelta) -> OutsideOptions:
    """While somebody waits: some tries of an outside system."""
    return {
        "task_queue": queue,
        "start_to_close_timeout": timedelta(seconds=4),
        "schedule_to_close_timeout": within,
        "retry_policy": RetryPolicy(
            initial_interval=timedelta(milliseconds=300), maximum_interval=timedelta(seconds=1)
        ),
    }


def _patient(queue: str, pause: timedelta = timedelta(seconds=30)) -> OutsideOptions:
    """Until an outside system answers, with `pause` between two tries at most."""
    return {
        "task_queue": queue,
        "start_to_close_timeout": timedelta(seconds=10),
        "retry_policy": RetryPolicy(
            initial_interval=timedelta(seconds=1), backoff_coefficient=1.7, maximum_interval=pause
        ),
    }


PAYMENT_HERE_SECONDS = 2.0
"""Shorter than a workflow task may be silent, so that a slow provider costs no empty tasks."""

PAYMENT_HERE: LocalOptions = {
    "start_to_close_timeout": timedelta(seconds=10),
    "local_retry_threshold": timedelta(seconds=1),
    "retry_policy": RetryPolicy(maximum_attempts=1),
}
"""One try by the worker that decides, before the payment system's own queue is asked: one event instead of nine."""

PAYMENT_AT_ONCE: OutsideOptions = {
    "task_queue": PAYMENT,
    "start_to_close_timeout": timedelta(seconds=2),
    "schedule_to_close_timeout": timedelta(seconds=2.5),
    "retry_policy": RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=1)),
}
"""While a caller waits, after the try here: another one or two, then the answer is `pending` and the step goes on
behind the scenes."""

PAYMENT_PATIENT: OutsideOptions = _patient(PAYMENT)
"""Until the provider answers, however long that takes."""

A_MOMENT = timedelta(seconds=4)
"""How long who speaks to a caller waits for money that others are moving."""

LABEL_AT_ONCE: OutsideOptions = _at_once(SHIPPING, within=timedelta(seconds=8))
"""While a place waits with its parcel: what no carrier sells by then is shipped by hand, or later."""

LABEL_PATIENT: OutsideOptions = _patient(SHIPPING)
"""Until the carrier answers, however long that takes."""

COMPARTMENT_AT_ONCE: OutsideOptions = _at_once(LOCKER, within=timedelta(seconds=6))
"""While a store waits that has put goods in; the operator's own word may come later."""

COMPARTMENT_PATIENT: OutsideOptions = _patient(LOCKER)
"""Until the operator answers; a compartment is asked for until the goods should be ready, anything else for ever."""

PARTNER_PATIENT: OutsideOptions = _patient(PARTNERS, pause=timedelta(minutes=1))
"""Until the partner answers, however long that takes."""
LENDING_PATIENT: OutsideOptions = _patient(LENDING, pause=timedelta(minutes=1))
"""Until it is done, however long the other system is away."""


def one_provider(seconds: int) -> OutsideOptions:
    """One provider of a check has so long, with another try or two; then the next one is asked."""
    return {
        "task_queue": LENDING,
        "start_to_close_timeout": timedelta(seconds=seconds),
        "schedule_to_close_timeout": timedelta(seconds=seconds * 2),
        "retry_policy": RetryPolicy(initial_interval=timedelta(milliseconds=300), maximum_attempts=2),
    }


NOTICE_ROUND: OutsideOptions = {
    "task_queue": NOTIFICATION,
    "start_to_close_timeout": timedelta(minutes=10),
    "retry_policy": RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=30)),
}

BROKERING_STEP: OutsideOptions = {
    "task_queue": BROKERING,
    "start_to_close_timeout": timedelta(minutes=2),
    "retry_policy": RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=30)),
}

TELLING_ORDERS: OutsideOptions = BROKERING_STEP | {
    "start_to_close_timeout": timedelta(minutes=30),
}
"""As slowly as the queue's runs are told to go."""

HOUSEKEEPING: OutsideOptions = {
    "task_queue": ORDERS,
    "start_to_close_timeout": timedelta(minutes=1),
    "retry_policy": RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=10)),
}
