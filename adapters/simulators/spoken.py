"""A port spoken in calls and answers; what carries them (HTTP, or the engine itself) is a subclass's."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, NoReturn

import httpx

from adapters.http import NEVER_SENT, json_object, retry_after
from adapters.outside import KeyConflict, NotKnown, NotUnderstood, OutcomeUnknown, OutsideFault, Unavailable
from adapters.simulators.wire import Answer, Call


class Spoken(ABC):
    system: ClassVar[str]
    """What the other side is called in the texts of faults."""

    @abstractmethod
    async def carry(self, call: Call) -> Answer:
        """Bring a call there. Raises `Unavailable` if it cannot have arrived, `OutcomeUnknown` if it may."""

    @abstractmethod
    def refused(self, reason: str) -> OutsideFault:
        """The port's own word for a final no."""

    async def look(self, call: Call) -> dict[str, Any]:
        """A question has no effect, so a lost answer leaves nothing unknown: it may simply be asked again."""
        try:
            answer = await self.carry(call)
        except OutcomeUnknown as fault:
            raise Unavailable(self.system) from fault
        if answer.lost:
            raise Unavailable(self.system)
        return self._content(answer)

    async def change(self, call: Call) -> dict[str, Any]:
        answer = await self.carry(call)
        if answer.lost:
            raise OutcomeUnknown(self.system)
        return self._content(answer)

    async def found(self, key: str) -> dict[str, Any] | None:
        """What became of the operation `key`; None when it never arrived."""
        content = await self.look(Call("find", key=key))
        return content if content["found"] else None

    def _content(self, answer: Answer) -> dict[str, Any]:
        return answer.body if answer.status in (200, 201) else self._raise(answer)

    def _raise(self, answer: Answer) -> NoReturn:
        code = answer.body.get("code")
        if answer.status == 429 or answer.status >= 500:
            raise Unavailable(self.system, answer.retry_after)
        if code == "refused":
            raise self.refused(str(answer.body.get("reason")))
        if code == "not_known":
            raise NotKnown(self.system)
        if code == "key_conflict":
            raise KeyConflict
        raise NotUnderstood(self.system, answer.status, code)


async def carried(client: httpx.AsyncClient, request: httpx.Request, system: str) -> Answer:
    """The answer over HTTP; silences and refused connections in the words of `adapters.outside`."""
    try:
        response = await client.send(request)
    except NEVER_SENT as fault:
        raise Unavailable(system) from fault
    except httpx.TransportError as fault:
        raise OutcomeUnknown(system) from fault
    body = json_object(response)
    if body is None and response.is_success:
        raise OutcomeUnknown(system)
    return Answer(response.status_code, body or {}, retry_after=retry_after(response))
