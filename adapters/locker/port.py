"""What is asked of an operator of parcel machines: a compartment held once a key, what is to come, and its codes."""

from datetime import datetime
from typing import Protocol

from pydantic import AwareDatetime, BaseModel, ConfigDict, SecretStr

from adapters.outside import KeyConflict, NotKnown, NotUnderstood, OutcomeUnknown, OutsideFault, Unavailable
from domain.ids import OperationKey, OrderId
from domain.lockers import Compartment, CompartmentId, CompartmentSize, LockerId, LockerRefusal

__all__ = [
    "CompartmentRefused",
    "KeyConflict",
    "Lockers",
    "NotKnown",
    "NotUnderstood",
    "OutcomeUnknown",
    "OutsideFault",
    "ReserveRequest",
    "Unavailable",
]


class CompartmentRefused(OutsideFault):
    """The operator said no, finally, for this key."""

    def __init__(self, reason: LockerRefusal) -> None:
        super().__init__(f"The locker operator refused: {reason}. Ask for another machine or size, under another key.")
        self.reason = reason


class ReserveRequest(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    key: OperationKey
    reference: OrderId
    group: str
    """Our name of the goods (`pickup/{order_id}/{n}`), given back in every event of the compartment."""
    locker_id: LockerId
    size: CompartmentSize
    until: AwareDatetime
    """Held for us until then, if nothing is put in."""


class Lockers(Protocol):
    """Every change is done once a key: repeating it gives the first answer.

    All raise `Unavailable` (later, same key) and `NotUnderstood` (a person). A question has no effect, so its lost
    answer is `Unavailable`; a lost answer to a change is `OutcomeUnknown`: ask `find(key)` first. Changes raise
    `CompartmentRefused` (final, also for `find`) and `KeyConflict`; those of a compartment `NotKnown` too.
    """

    async def reserve(self, request: ReserveRequest) -> Compartment:
        """Hold a compartment of this size, or a larger one. Refused when `FULL`, `UNKNOWN_LOCKER`, `OUT_OF_ORDER`."""
        ...

    async def expect(self, compartment: CompartmentId, tracking_number: str, *, key: OperationKey) -> Compartment:
        """Tell the operator which parcel will come. Refused (`OCCUPIED`, `OTHER`) unless it is reserved and empty."""
        ...

    async def release(self, compartment: CompartmentId, *, key: OperationKey) -> Compartment:
        """Give the compartment up; one that is released already is a success. Refused (`OCCUPIED`) after deposit."""
        ...

    async def send_back(self, compartment: CompartmentId, *, key: OperationKey) -> Compartment:
        """Have what lies in it brought back to its sender: its pickup code ends now, and `returned` comes as an event.

        What has expired is on its way back already, and a success. Refused (`EMPTY`) when nothing lies in it.
        """
        ...

    async def extend(self, compartment: CompartmentId, until: datetime, *, key: OperationKey) -> Compartment:
        """Let the customer come until then. Refused (`EMPTY`) unless goods lie in it and can be collected."""
        ...

    async def find(self, key: OperationKey) -> Compartment | None:
        """The compartment that the operation `key` was about, as it is now. None: the operation never arrived."""
        ...

    async def compartment(self, compartment: CompartmentId) -> Compartment:
        """The compartment as it is now."""
        ...

    async def deposit_code(self, compartment: CompartmentId) -> SecretStr:
        """What opens it once for whoever brings the goods. Refused (`OCCUPIED`, `OTHER`) unless it is reserved."""
        ...

    async def pickup_code(self, compartment: CompartmentId) -> SecretStr:
        """What opens it for the customer. Refused (`EMPTY`) unless goods lie in it and can be collected."""
        ...
