"""The drop-ship port spoken in calls and answers; what carries them is a subclass's."""

from typing import Any

from adapters.dropship.port import Recipient, RequestRefused, ShipRequest
from adapters.outside import OutsideFault
from adapters.simulators.spoken import Spoken
from adapters.simulators.wire import Call
from domain.dropship import PartnerRequest, PartnerRequestId, request_status
from domain.ids import OperationKey


class SpokenPartners(Spoken):
    """Implements `adapters.dropship.port.Partners`."""

    system = "partner"

    async def ask(self, request: ShipRequest, recipient: Recipient) -> PartnerRequest:
        body = request.model_dump(mode="json", exclude={"key"}) | {"recipient": recipient.model_dump(mode="json")}
        return _request(await self.change(Call("ask", body, key=request.key)))

    async def call_off(self, request: PartnerRequestId, *, key: OperationKey) -> PartnerRequest:
        return _request(await self.change(Call("call_off", subject=request, key=key)))

    async def find(self, key: OperationKey) -> PartnerRequest | None:
        found = await self.found(key)
        return _request(found["answer"]) if found else None

    async def request(self, request: PartnerRequestId) -> PartnerRequest:
        return _request(await self.look(Call("request", subject=request)))

    def refused(self, reason: str) -> OutsideFault:
        return RequestRefused(reason)


def _request(answer: dict[str, Any]) -> PartnerRequest:
    return PartnerRequest.model_validate(answer | {"status": request_status(answer["status"])})
