"""The words of returns. Callers send and read them: none is ever renamed."""

from enum import StrEnum


class ReturnKind(StrEnum):
    RETURN = "return"
    EXCHANGE = "exchange"
    CLAIM = "claim"
    APPEASEMENT = "appeasement"
    """Goodwill: money for an order and no units. It is asked for by a call of its own."""


class ReturnReason(StrEnum):
    NO_LONGER_WANTED = "no_longer_wanted"
    WRONG_SIZE = "wrong_size"
    WRONG_ITEM = "wrong_item"
    DAMAGED = "damaged"
    FAULTY = "faulty"
    NOT_AS_DESCRIBED = "not_as_described"
    MISSING = "missing"
    LATE = "late"
    LOST = "lost"
    OTHER = "other"


FAULTS = frozenset(
    {
        ReturnReason.WRONG_ITEM,
        ReturnReason.DAMAGED,
        ReturnReason.FAULTY,
        ReturnReason.NOT_AS_DESCRIBED,
        ReturnReason.MISSING,
        ReturnReason.LATE,
        ReturnReason.LOST,
    }
)
"""The seller's or the carrier's fault: it costs the customer nothing."""
NEVER_CAME = frozenset({ReturnReason.MISSING, ReturnReason.LOST})
"""There is nothing that could be sent back."""


class ItemCondition(StrEnum):
    NEW = "new"
    OPENED = "opened"
    USED = "used"
    DAMAGED = "damaged"
    FAULTY = "faulty"


class ReturnDisposition(StrEnum):
    """Where a unit goes from the returns desk. Only what is restocked can be sold again."""

    RESTOCK = "restock"
    REFURBISH = "refurbish"
    VENDOR = "vendor"
    DONATE = "donate"
    DESTROY = "destroy"
    BACK_TO_CUSTOMER = "back_to_customer"


class ReturnVia(StrEnum):
    STORE = "store"
    POST = "post"
    LOCKER = "locker"


class ReturnStatus(StrEnum):
    REQUESTED = "requested"
    APPROVED = "approved"
    REJECTED = "rejected"
    IN_TRANSIT = "in_transit"
    RECEIVED = "received"
    INSPECTED = "inspected"
    AWAITING_PAYMENT = "awaiting_payment"
    SETTLED = "settled"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    NEEDS_ATTENTION = "needs_attention"
