"""The locker port spoken in calls and answers; what carries them is a subclass's."""

from datetime import datetime
from typing import Any

from pydantic import SecretStr

from adapters.locker.port import CompartmentRefused, ReserveRequest
from adapters.outside import OutsideFault
from adapters.simulators.spoken import Spoken
from adapters.simulators.wire import Call
from domain.ids import OperationKey
from domain.lockers import Compartment, CompartmentId, LockerRefusal, compartment_status


class SpokenLockers(Spoken):
    """Implements `adapters.locker.port.Lockers`."""

    system = "locker operator"

    async def reserve(self, request: ReserveRequest) -> Compartment:
        body = request.model_dump(mode="json", exclude={"key"})
        return _compartment(await self.change(Call("reserve", body, key=request.key)))

    async def expect(self, compartment: CompartmentId, tracking_number: str, *, key: OperationKey) -> Compartment:
        return await self._change("expect", compartment, key, {"tracking_number": tracking_number})

    async def release(self, compartment: CompartmentId, *, key: OperationKey) -> Compartment:
        return await self._change("release", compartment, key, {})

    async def send_back(self, compartment: CompartmentId, *, key: OperationKey) -> Compartment:
        return await self._change("send_back", compartment, key, {})

    async def extend(self, compartment: CompartmentId, until: datetime, *, key: OperationKey) -> Compartment:
        return await self._change("extend", compartment, key, {"until": until.isoformat()})

    async def find(self, key: OperationKey) -> Compartment | None:
        found = await self.found(key)
        return _compartment(found["answer"]) if found else None

    async def compartment(self, compartment: CompartmentId) -> Compartment:
        return _compartment(await self.look(Call("compartment", subject=compartment)))

    async def deposit_code(self, compartment: CompartmentId) -> SecretStr:
        return SecretStr((await self.look(Call("deposit_code", subject=compartment)))["code"])

    async def pickup_code(self, compartment: CompartmentId) -> SecretStr:
        return SecretStr((await self.look(Call("pickup_code", subject=compartment)))["code"])

    def refused(self, reason: str) -> OutsideFault:
        return CompartmentRefused(LockerRefusal(reason) if reason in set(LockerRefusal) else LockerRefusal.OTHER)

    async def _change(self, verb: str, compartment: str, key: OperationKey, body: dict[str, Any]) -> Compartment:
        return _compartment(await self.change(Call(verb, body, compartment, key)))


def _compartment(answer: dict[str, Any]) -> Compartment:
    return Compartment.model_validate(answer | {"status": compartment_status(answer["status"])})
