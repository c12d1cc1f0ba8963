"""What is asked of carriers: prices, a label once a key, giving back what was not used, and where a parcel is."""

from collections.abc import Sequence
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from adapters.outside import KeyConflict, NotKnown, NotUnderstood, OutcomeUnknown, OutsideFault, Unavailable
from domain.carriage import Carriage, CarrierId, CarrierRefusal, Label, LabelId, Rate, TrackingNumber
from domain.ids import OperationKey, OrderId
from domain.intake import Service

__all__ = [
    "KeyConflict",
    "LabelRefused",
    "LabelRequest",
    "NotKnown",
    "NotUnderstood",
    "OutcomeUnknown",
    "OutsideFault",
    "Recipient",
    "Shipping",
    "Unavailable",
]


class LabelRefused(OutsideFault):
    """The carrier said no, finally, for this key; another carrier may say yes."""

    def __init__(self, reason: CarrierRefusal) -> None:
        super().__init__(f"The carrier refused: {reason}. Ask the next one; this one will say the same again.")
        self.reason = reason


class Recipient(BaseModel):
    """Whom the parcel is for, as it is printed. Personal: handed on, and never kept, logged or part of a key."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: str
    lines: tuple[str, ...]
    """The lines of the address above postal code and country."""

    def __repr__(self) -> str:
        return "Recipient(…)"

    __str__ = __repr__


class LabelRequest(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    key: OperationKey
    """The business identity of the purchase; another carrier is another key."""
    reference: OrderId
    shipment: str
    """Our name of the shipment (`shipment/{order_id}/{n}`), given back in every event of the parcel."""
    carrier: CarrierId
    service: Service
    carriage: Carriage


class Shipping(Protocol):
    """Several carriers behind one counter. Buying and voiding are done once a key: repeating it gives the first answer.

    All raise `Unavailable` (later, same key) and `NotUnderstood` (a person). A question has no effect, so its lost
    answer is `Unavailable`; a lost answer to `buy` and `void` is `OutcomeUnknown`: ask `find(key)` first.
    """

    async def rates(self, carriage: Carriage, service: Service | None = None) -> Sequence[Rate]:
        """What every carrier asks that takes such a parcel there, for one service or for all. Empty: nobody does."""
        ...

    async def buy(self, request: LabelRequest, recipient: Recipient) -> Label:
        """Buy a label. Raises `LabelRefused` (final, also for `find`), `OutcomeUnknown`, `KeyConflict`."""
        ...

    async def void(self, label: LabelId, *, key: OperationKey) -> Label:
        """Give back a label whose parcel nobody has; one that is void already is a success under any key.

        Raises `LabelRefused` (`IN_USE`: the parcel is on its way), `NotKnown`, `OutcomeUnknown`, `KeyConflict`.
        """
        ...

    async def find(self, key: OperationKey) -> Label | None:
        """The label that the operation `key` bought or voided, as it is now. None: the operation never arrived.

        Raises `LabelRefused` if it was refused.
        """
        ...

    async def document(self, label: LabelId) -> str:
        """What is printed and stuck on the parcel, as ZPL. It names the recipient. Raises `NotKnown`."""
        ...

    async def parcel(self, tracking_number: TrackingNumber) -> Label:
        """The label of a parcel with its present status. Raises `NotKnown`."""
        ...
