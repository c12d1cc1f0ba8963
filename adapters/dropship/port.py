"""What is asked of partners who ship in our name. They answer in their own time: look until they have."""

from typing import Annotated, Protocol

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from adapters.outside import KeyConflict, NotKnown, NotUnderstood, OutcomeUnknown, OutsideFault, Unavailable
from adapters.shipping.port import Recipient
from domain.carriage import PostalArea
from domain.dropship import AskedLine, PartnerId, PartnerRequest, PartnerRequestId
from domain.ids import OperationKey, OrderId

__all__ = [
    "KeyConflict",
    "NotKnown",
    "NotUnderstood",
    "OutcomeUnknown",
    "OutsideFault",
    "Partners",
    "Recipient",
    "RequestRefused",
    "ShipRequest",
    "Unavailable",
]


class RequestRefused(OutsideFault):
    """The partner does not take such a request at all (a partner that it does not know, a line that it never had)."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"The partner does not take this request: {reason}. Source its lines elsewhere.")
        self.reason = reason


class ShipRequest(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    key: OperationKey
    partner: PartnerId
    reference: OrderId
    shipment: str
    """Our name of the shipment, which the partner gives back."""
    lines: Annotated[tuple[AskedLine, ...], Field(min_length=1, max_length=500)]
    destination: PostalArea
    ship_by: AwareDatetime
    """When the goods should have left."""


class Partners(Protocol):
    """Asking and calling off are done once a key: repeating it gives the first answer.

    All raise `Unavailable` (later, same key) and `NotUnderstood` (a person). A question has no effect, so its lost
    answer is `Unavailable`; a lost answer to a change is `OutcomeUnknown`: ask `find(key)` first. Changes raise
    `RequestRefused` (final, also for `find`) and `KeyConflict`.
    """

    async def ask(self, request: ShipRequest, recipient: Recipient) -> PartnerRequest:
        """Ask a partner to ship these lines. It may accept or decline at once, or leave it `REQUESTED` for a while."""
        ...

    async def call_off(self, request: PartnerRequestId, *, key: OperationKey) -> PartnerRequest:
        """Ask that it be dropped. What is not accepted yet is cancelled at once; what is, is the partner's to decide.

        Its `cancellation` says how that stands: `AGREED`, `ASKED` (look again later) or `REFUSED` (it has shipped).
        Raises `NotKnown`.
        """
        ...

    async def find(self, key: OperationKey) -> PartnerRequest | None:
        """The request that the operation `key` was about, as it is now. None: the operation never arrived."""
        ...

    async def request(self, request: PartnerRequestId) -> PartnerRequest:
        """The request as it is now. Raises `NotKnown`."""
        ...
