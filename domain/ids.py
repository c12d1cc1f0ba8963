"""The names of things: sortable, opaque, safe in a URL, and one function per kind of name.

Ids are made outside the domain's pure code (it reads no clock and draws no lots): callers pass the instant and the
random bytes.
"""

import uuid
from datetime import UTC, datetime
from typing import NewType

OrderId = NewType("OrderId", str)
ReturnId = NewType("ReturnId", str)
LineId = NewType("LineId", str)
GroupId = NewType("GroupId", str)
"""`pickup/{order_id}/{n}` or `shipment/{order_id}/{n}`."""
StoreId = NewType("StoreId", str)
Sku = NewType("Sku", str)
HoldId = NewType("HoldId", str)
CommandId = NewType("CommandId", str)
"""A caller's id of one command: the update id, and the key under which its answer is remembered."""
OperationKey = NewType("OperationKey", str)
"""The business identity of an outside effect (order, operation, sequence): the same on every attempt."""

_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"


def sortable_id(at: datetime, entropy: bytes) -> str:
    """26 characters of Crockford base 32: 48 bits of milliseconds, then 80 bits of `entropy` (the ULID layout)."""
    if len(entropy) < 10:
        raise ValueError("sortable_id needs 10 bytes of entropy")
    value = (int(at.timestamp() * 1000) << 80) | int.from_bytes(entropy[:10], "big")
    return "".join(_CROCKFORD[(value >> shift) & 31] for shift in range(125, -1, -5))


def order_id(at: datetime, entropy: bytes) -> OrderId:
    return OrderId(sortable_id(at, entropy))


def ordered_at(order: OrderId) -> datetime:
    """The instant that `order_id` was given, to the millisecond."""
    value = 0
    for digit in order[:10]:
        value = value << 5 | _CROCKFORD.index(digit)
    return datetime.fromtimestamp(value / 1000, UTC)


def order_workflow_id(order: OrderId) -> str:
    return f"order/{order}"


def application_workflow_id(application: str) -> str:
    return f"application/{application}"


def retention_workflow_id(application: str) -> str:
    """Who keeps an application's file after its end."""
    return f"retention/{application}"


def order_of_workflow(workflow_id: str) -> OrderId | None:
    """The order that a workflow id names, or nothing for any other kind of workflow."""
    kind, _, rest = workflow_id.partition("/")
    return OrderId(rest) if kind == "order" and rest and "/" not in rest else None


def return_workflow_id(return_id: ReturnId) -> str:
    return f"return/{return_id}"


def return_of_workflow(name: str) -> ReturnId | None:
    """The return that a name of a workflow, a parcel or a compartment is about; none for anything else."""
    kind, _, rest = name.partition("/")
    return ReturnId(rest) if kind == "return" and rest and "/" not in rest else None


def pickup_id(order: OrderId, number: int) -> GroupId:
    return GroupId(f"pickup/{order}/{number}")


def shipment_id(order: OrderId, number: int) -> GroupId:
    return GroupId(f"shipment/{order}/{number}")


def virtual_id(order: OrderId, number: int) -> GroupId:
    return GroupId(f"virtual/{order}/{number}")


def operation_key(order: OrderId, operation: str, *sequence: str | int) -> OperationKey:
    return OperationKey(":".join([str(order), operation, *map(str, sequence)]))


def refund_key(order: OrderId, tender: str, return_id: ReturnId, number: int) -> OperationKey:
    """Of a refund that a return makes."""
    return operation_key(order, "refund", tender, "return", return_id, number)


def return_of_key(key: str) -> ReturnId | None:
    """The return that made a refund; none for an order's own operations."""
    parts = key.split(":")
    return ReturnId(parts[4]) if len(parts) == 6 and (parts[1], parts[3]) == ("refund", "return") else None


def refund_number(key: str) -> int | None:
    """Which of a return's refunds it is; none for what is none, or was made by other means."""
    number = key.rpartition(":")[2]
    return int(number) if return_of_key(key) is not None and number.isdecimal() else None


def derived_id(*parts: str) -> str:
    """A stable id for the thing that `parts` describe: the same words always give the same id."""
    return uuid.uuid5(uuid.NAMESPACE_OID, "\x1f".join(parts)).hex
