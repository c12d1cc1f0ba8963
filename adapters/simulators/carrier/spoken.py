"""The shipping port spoken in calls and answers; what carries them is a subclass's."""

from collections.abc import Sequence
from typing import Any

from adapters.outside import OutsideFault
from adapters.shipping.port import LabelRefused, LabelRequest, Recipient
from adapters.simulators.spoken import Spoken
from adapters.simulators.wire import Call
from domain.carriage import Carriage, CarrierRefusal, Label, LabelId, Rate, TrackingNumber, parcel_status
from domain.ids import OperationKey
from domain.intake import Service


class SpokenShipping(Spoken):
    """Implements `adapters.shipping.port.Shipping`."""

    system = "carrier"

    async def rates(self, carriage: Carriage, service: Service | None = None) -> Sequence[Rate]:
        asked = {"carriage": carriage.model_dump(mode="json")} | ({"service": service.value} if service else {})
        return tuple(Rate.model_validate(each) for each in (await self.look(Call("rates", asked)))["rates"])

    async def buy(self, request: LabelRequest, recipient: Recipient) -> Label:
        body = request.model_dump(mode="json", exclude={"key"}) | {"recipient": recipient.model_dump(mode="json")}
        return _label(await self.change(Call("buy", body, key=request.key)))

    async def void(self, label: LabelId, *, key: OperationKey) -> Label:
        return _label(await self.change(Call("void", subject=label, key=key)))

    async def find(self, key: OperationKey) -> Label | None:
        found = await self.found(key)
        return _label(found["answer"]) if found else None

    async def document(self, label: LabelId) -> str:
        return str((await self.look(Call("document", subject=label)))["document"])

    async def parcel(self, tracking_number: TrackingNumber) -> Label:
        return _label(await self.look(Call("parcel", subject=tracking_number)))

    def refused(self, reason: str) -> OutsideFault:
        return LabelRefused(CarrierRefusal(reason) if reason in set(CarrierRefusal) else CarrierRefusal.OTHER)


def _label(answer: dict[str, Any]) -> Label:
    return Label.model_validate(answer | {"status": parcel_status(answer["status"])})
