"""The parcel machine of a test, with the operator behind it: who puts in, who takes out, and what is said of it."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx

from adapters.locker.memory import MemoryLockers
from adapters.locker.port import Lockers
from domain.locker_stays import LockerNews
from domain.lockers import Compartment, CompartmentId, CompartmentStatus, compartment_status
from domain.views import LockerView
from tests.workflows.watched import WatchedOrder, new_id
from workflows import messages
from workflows.order import OrderWorkflow

Door = Callable[[str, str, dict[str, Any]], Awaitable[None]]
"""`machines/L001`, `deposit`, the code: something that is done at a machine, or is told of it."""


class Machine:
    """Where one order's goods lie. Its operator says nothing by itself: `tells` has it say how it stands."""

    def __init__(self, order: WatchedOrder, lockers: Lockers, door: Door):
        self.order = order
        self.lockers = lockers
        self.door = door

    async def stay(self) -> LockerView:
        """What is on record of it."""
        locker = (await self.order.record()).groups[0].locker
        assert locker is not None
        return locker

    async def becomes(self, *statuses: str) -> LockerView:
        def there(locker: LockerView | None) -> bool:
            return locker is not None and locker.status in statuses

        locker = (await self.order.until(lambda view: there(view.groups[0].locker))).groups[0].locker
        assert locker is not None
        return locker

    async def compartment(self) -> CompartmentId:
        found = (await self.stay()).compartment_id
        assert found is not None
        return found

    async def put_in(self) -> None:
        """The store opens the door with the code for that, and closes it."""
        stay, code = await self.stay(), await self.lockers.deposit_code(await self.compartment())
        await self.door(f"machines/{stay.locker_id}", "deposit", {"code": code.get_secret_value()})

    async def take_out(self) -> None:
        """The customer opens the door with the operator's code."""
        stay, code = await self.stay(), await self.lockers.pickup_code(await self.compartment())
        await self.door(f"machines/{stay.locker_id}", "collect", {"code": code.get_secret_value()})

    async def ends(self, status: str) -> None:
        """The operator ends it, by its own rules."""
        await self.door(f"compartments/{await self.compartment()}", "events", {"status": status})

    async def state(self) -> Compartment:
        return await self.lockers.compartment(await self.compartment())

    async def tells(self) -> None:
        """An event of how the compartment stands now."""
        now = await self.state()
        await self.says(now.status.value, event_id=f"{now.id}:{now.status}")

    async def says(self, said: str, *, event_id: str | None = None, earlier: float = 0, **more: Any) -> None:
        """An event with any word, of `earlier` seconds ago by the operator's clock, or of another compartment."""
        now = await self.state()
        status = compartment_status(said)
        news = LockerNews(
            event_id=event_id or new_id(),
            at=now.status_at - timedelta(seconds=earlier),
            said=said,
            status=status,
            collect_by=now.collect_by if status is CompartmentStatus.DEPOSITED else None,
            **{"compartment_id": now.id} | more,
        )
        await self.order.handle.signal(OrderWorkflow.locker_event, messages.LockerEvent(n=1, news=news))

    async def is_filled(self, quantity: int = 2) -> None:
        """The store does all its work; the operator says so, and the customer is told."""
        await self.order.accept()
        await self.order.pick(quantity)
        await self.becomes("reserved")
        await self.put_in()
        await self.tells()
        await self.order.until(lambda view: view.groups[0].status == "ready")


def door_of(http: httpx.AsyncClient, url: str) -> Door:
    """The doors of the simulated operator in its own process."""

    async def door(what: str, verb: str, body: dict[str, Any]) -> None:
        answer = await http.post(f"{url}/{what}/{verb}", json=body)
        assert answer.status_code == 201, answer.text

    return door


def door_in_memory(lockers: MemoryLockers) -> Door:
    async def door(what: str, verb: str, body: dict[str, Any]) -> None:
        engine, (_, name) = lockers.engine, what.split("/")
        did = {
            "deposit": lambda: engine.deposit(name, body["code"]),
            "collect": lambda: engine.collect(name, body["code"]),
            "events": lambda: engine.say(name, body["status"]),
        }[verb]()
        assert did.status == 201, did.body

    return door
