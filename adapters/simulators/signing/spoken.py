"""The signature port spoken in calls and answers; what carries them is a subclass's."""

from typing import Any

from adapters.outside import OutsideFault
from adapters.signing.port import Envelope, EnvelopeRefused, EnvelopeRequest
from adapters.simulators.spoken import Spoken
from adapters.simulators.wire import Call
from domain.ids import OperationKey


class SpokenSignatures(Spoken):
    """Implements `adapters.signing.port.Signatures`."""

    system = "signature provider"

    async def send(self, request: EnvelopeRequest) -> Envelope:
        body = request.model_dump(mode="json", exclude={"key"})
        return _envelope(await self.change(Call("send", body, key=request.key)))

    async def envelope(self, envelope_id: str) -> Envelope:
        return _envelope(await self.look(Call("envelope", subject=envelope_id)))

    async def void(self, envelope_id: str, *, key: OperationKey) -> Envelope:
        return _envelope(await self.change(Call("void", subject=envelope_id, key=key)))

    def refused(self, reason: str) -> OutsideFault:
        return EnvelopeRefused(reason)


def _envelope(answer: dict[str, Any]) -> Envelope:
    return Envelope.model_validate(answer)
