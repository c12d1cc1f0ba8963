"""An order that is collected from a parcel machine, with the machine's doors and its operator's controls."""

import re
from typing import Any

from tests.scenarios.placed import Json, Placed
from tests.scenarios.world import World, taken

CODE = re.compile(r"^Code: (\d+)\s*$", re.MULTILINE)


class InLocker(Placed):
    """Collected at the machine of S001, unless another is named."""

    @classmethod
    async def to(cls, world: World, store: str = "S001", locker: str = "L001", **wanted: Any) -> "InLocker":
        body = world.body(**wanted) | {"fulfilments": [to_locker(store, locker)]}
        return cls(world, body, taken(await world.channel("POST", "/v1/orders", body)), "web")

    async def stay(self) -> Json:
        found: Json = (await self.group())["locker"]
        return found

    async def stay_becomes(self, status: str) -> Json:
        async def look() -> Json | None:
            stay = await self.stay()
            return stay if stay["status"] == status else None

        found: Json = await self.world.until(f"the locker of {self.id} is {status}", look)
        return found

    async def deposit_code(self, **more: Any) -> Any:
        path = f"/v1/pickups/{self.id}/1/deposit-code"
        return await self.world.call("GET", path, self.world.keys["stores"][self.store], **more)

    async def is_put_in(self) -> Json:
        """The store accepts, picks and puts it into the compartment; the operator tells, and it is ready."""
        await self.does("accept")
        await self.pick()
        await self.stay_becomes("reserved")
        await self.opens("deposit", taken(await self.deposit_code())["code"])
        return await self.group_reaches("ready")

    async def opens(self, what: str, code: str) -> None:
        """Somebody opens a door of the machine: to `deposit`, or to `collect`."""
        url = f"{self.world.record['lockers']}/machines/{(await self.stay())['locker_id']}/{what}"
        answer = await self.world.http.post(url, json={"code": code})
        assert answer.status_code == 201, answer.text

    async def operator_code(self) -> str:
        """What the customer reads in the mail."""

        async def look() -> str | None:
            mails = await self.world.mails(self.mailbox)
            found = [code for mail in mails for code in CODE.findall(mail["text"])]
            return found[-1] if found else None

        code: str = await self.world.until("the mail with the locker's code comes", look)
        return code

    async def operator_says(self, compartment: str, status: str) -> None:
        """Something happens at the operator, or it only says so."""
        url = f"{self.world.record['lockers']}/compartments/{compartment}/events"
        answer = await self.world.http.post(url, json={"status": status})
        assert answer.status_code == 201, answer.text

    async def event_comes(self, compartment: str, status: str, at: str, event_id: str | None = None) -> None:
        """An event of the operator's, whatever it knows itself."""
        data = {"reference": self.id, "group": f"pickup/{self.id}/1", "locker_id": "L001"}
        data |= {"compartment_id": compartment, "status": status, "at": at}
        event = {"type": f"locker.{status}", "data": data}
        assert (await self.world.webhook("locker", event, event_id=event_id)).status_code == 202


def to_locker(store: str, locker: str) -> Json:
    return {"id": "f1", "method": "pickup", "store_id": store, "mode": "locker", "locker_id": locker}
