"""What every caller of a locker operator may rely on, held against the engine in memory and the simulator over HTTP."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters.http import http_client
from adapters.locker.memory import MemoryLockers
from adapters.locker.port import (
    CompartmentRefused,
    KeyConflict,
    Lockers,
    NotKnown,
    OutcomeUnknown,
    ReserveRequest,
    Unavailable,
)
from adapters.locker.simulator import SimulatorLockers
from adapters.simulators.locker.faults import Fault
from adapters.simulators.locker.machines import Capacity
from domain.ids import OperationKey, OrderId
from domain.lockers import (
    Compartment,
    CompartmentId,
    CompartmentSize,
    CompartmentStatus,
    LockerId,
    LockerRefusal,
)
from tests.adapters.simulators.process import started

numbers = itertools.count(1)
FAR = datetime(2199, 1, 1, tzinfo=UTC)


@dataclass
class Stage:
    """An operator, and what happens at its machines."""

    lockers: Lockers
    ledger: Callable[[str], Awaitable[list[dict[str, Any]]]]
    plant: Callable[..., Awaitable[None]]
    deposit: Callable[[str, str], Awaitable[int]]
    collect: Callable[[str, str], Awaitable[int]]
    say: Callable[[str, str], Awaitable[int]]
    resize: Callable[[str, Capacity], Awaitable[None]]

    def __post_init__(self) -> None:
        number = next(numbers)
        self.order = OrderId(f"order-{number}")
        self.locker = LockerId(f"L{number % 1000:03}")

    def key(self, *words: str | int) -> OperationKey:
        return OperationKey(":".join([self.order, *map(str, words)]))

    async def reserved(
        self,
        *,
        locker: str | None = None,
        size: CompartmentSize = CompartmentSize.SMALL,
        key: str | int = "reserve",
        until: datetime = FAR,
    ) -> Compartment:
        request = ReserveRequest(
            key=self.key(key),
            reference=self.order,
            group=f"pickup/{self.order}/1",
            locker_id=LockerId(locker or self.locker),
            size=size,
            until=until,
        )
        return await self.lockers.reserve(request)

    async def deposited(self) -> Compartment:
        reserved = await self.reserved()
        code = await self.lockers.deposit_code(reserved.id)
        assert await self.deposit(self.locker, code.get_secret_value()) == 201
        return await self.lockers.compartment(reserved.id)

    async def story(self) -> list[tuple[str, str]]:
        return [(entry["operation"], entry["status"]) for entry in await self.ledger(self.order)]


@pytest.fixture(scope="module")
async def simulator() -> AsyncIterator[str]:
    async with started("adapters.simulators.carriage", "--port", "0", "--silence", "0.1") as running:
        yield f"{running.url}/lockers"


@pytest.fixture(params=["memory", "http"])
async def stage(request: pytest.FixtureRequest, simulator: str) -> AsyncIterator[Stage]:
    if request.param == "memory":
        yield _in_memory()
        return
    async with http_client(simulator, timeout=10) as client:

        async def ledger(reference: str) -> list[dict[str, Any]]:
            return list((await client.get("/ledger", params={"reference": reference})).json()["entries"])

        async def plant(**fault: Any) -> None:
            (await client.post("/faults", json=fault)).raise_for_status()

        async def deposit(locker: str, code: str) -> int:
            return (await client.post(f"/machines/{locker}/deposit", json={"code": code})).status_code

        async def collect(locker: str, code: str) -> int:
            return (await client.post(f"/machines/{locker}/collect", json={"code": code})).status_code

        async def say(compartment: str, status: str) -> int:
            return (await client.post(f"/compartments/{compartment}/events", json={"status": status})).status_code

        async def resize(locker: str, capacity: Capacity) -> None:
            (await client.put(f"/machines/{locker}", json=capacity.model_dump())).raise_for_status()

        yield Stage(SimulatorLockers(simulator, client), ledger, plant, deposit, collect, say, resize)
        await client.delete("/faults")


def _in_memory() -> Stage:
    ticks = itertools.count()
    lockers = MemoryLockers(lambda: datetime(2026, 3, 1, tzinfo=UTC) + timedelta(milliseconds=next(ticks)))
    engine = lockers.engine

    async def ledger(reference: str) -> list[dict[str, Any]]:
        return engine.books.ledger(reference)

    async def plant(**fault: Any) -> None:
        engine.faults.plant(Fault.model_validate(fault))

    async def deposit(locker: str, code: str) -> int:
        return engine.deposit(locker, code).status

    async def collect(locker: str, code: str) -> int:
        return engine.collect(locker, code).status

    async def say(compartment: str, status: str) -> int:
        return engine.say(compartment, status).status

    async def resize(locker: str, capacity: Capacity) -> None:
        engine.resize(locker, capacity)

    return Stage(lockers, ledger, plant, deposit, collect, say, resize)


class TestReserving:
    async def test_a_compartment_is_held_under_our_names(self, stage: Stage) -> None:
        compartment = await stage.reserved()
        assert compartment.status is CompartmentStatus.RESERVED
        assert (compartment.reference, compartment.group) == (stage.order, f"pickup/{stage.order}/1")
        assert (compartment.reserved_until, compartment.collect_by) == (FAR, None)
        assert await stage.lockers.compartment(compartment.id) == compartment
        assert await stage.lockers.find(stage.key("reserve")) == compartment

    async def test_the_same_key_holds_one_compartment(self, stage: Stage) -> None:
        answers = await asyncio.gather(*(stage.reserved() for _ in range(20)))
        assert len({answer.id for answer in answers}) == 1
        with pytest.raises(KeyConflict):
            await stage.reserved(size=CompartmentSize.LARGE)
        assert await stage.story() == [("reserve", "succeeded")]

    async def test_who_needs_a_small_one_gets_a_larger_one_before_the_machine_is_full(self, stage: Stage) -> None:
        await stage.resize(stage.locker, Capacity(small=1, medium=0, large=1))
        sizes = [(await stage.reserved(key=number)).size for number in range(2)]
        assert sizes == [CompartmentSize.SMALL, CompartmentSize.LARGE]
        with pytest.raises(CompartmentRefused) as full:
            await stage.reserved(key=2)
        assert full.value.reason is LockerRefusal.FULL

    async def test_a_released_compartment_is_free_for_others(self, stage: Stage) -> None:
        await stage.resize(stage.locker, Capacity(small=1, medium=0, large=0))
        first = await stage.reserved(key=1)
        released = await stage.lockers.release(first.id, key=stage.key("release", 1))
        assert released.status is CompartmentStatus.RELEASED
        assert await stage.lockers.release(first.id, key=stage.key("release", 2)) == released
        assert (await stage.reserved(key=2)).id != first.id

    @pytest.mark.parametrize(
        ("locker", "reason"),
        [
            ("L-FULL", LockerRefusal.FULL),
            ("L-BROKEN", LockerRefusal.OUT_OF_ORDER),
            ("nowhere", LockerRefusal.UNKNOWN_LOCKER),
        ],
    )
    async def test_a_refusal_is_final_for_its_key(self, stage: Stage, locker: str, reason: LockerRefusal) -> None:
        for _ in range(2):
            with pytest.raises(CompartmentRefused) as refused:
                await stage.reserved(locker=locker)
            assert refused.value.reason is reason
        with pytest.raises(CompartmentRefused):
            await stage.lockers.find(stage.key("reserve"))
        assert await stage.story() == [("reserve", "refused")]

    async def test_nothing_is_held_until_a_time_that_is_over(self, stage: Stage) -> None:
        with pytest.raises(CompartmentRefused):
            await stage.reserved(until=datetime(2020, 1, 1, tzinfo=UTC))

    async def test_a_lost_answer_is_found_by_its_key(self, stage: Stage) -> None:
        with pytest.raises(OutcomeUnknown):
            await stage.reserved(locker="L-LOST")
        found = await stage.lockers.find(stage.key("reserve"))
        assert found is not None
        assert await stage.reserved(locker="L-LOST") == found

    async def test_who_is_away_says_when_to_come_back(self, stage: Stage) -> None:
        with pytest.raises(Unavailable) as away:
            await stage.reserved(locker="L-AWAY")
        assert away.value.retry_after == 1
        await stage.plant(operation="reserve", kind="status", status=429, retry_after=3, locker_id=stage.locker)
        with pytest.raises(Unavailable) as busy:
            await stage.reserved()
        assert busy.value.retry_after == 3
        await stage.plant(operation="reserve", kind="before")
        with pytest.raises(OutcomeUnknown):
            await stage.reserved()
        assert await stage.lockers.find(stage.key("reserve")) is None
        assert (await stage.reserved()).status is CompartmentStatus.RESERVED


class TestGoods:
    async def test_goods_are_announced_put_in_and_collected_each_with_its_code(self, stage: Stage) -> None:
        reserved = await stage.reserved()
        expected = await stage.lockers.expect(reserved.id, "NW473124829DE", key=stage.key("expect"))
        assert expected.tracking_number == "NW473124829DE"
        code = (await stage.lockers.deposit_code(reserved.id)).get_secret_value()
        assert await stage.deposit(stage.locker, "0") == 422
        assert await stage.deposit("L999", code) == 422
        assert await stage.deposit(stage.locker, code) == 201
        assert await stage.deposit(stage.locker, code) == 422, "it opens once"
        inside = await stage.lockers.compartment(reserved.id)
        assert inside.status is CompartmentStatus.DEPOSITED
        assert inside.collect_by is not None
        pickup = (await stage.lockers.pickup_code(reserved.id)).get_secret_value()
        assert await stage.collect(stage.locker, code) == 422
        assert await stage.collect(stage.locker, pickup) == 201
        assert await stage.collect(stage.locker, pickup) == 422
        assert (await stage.lockers.compartment(reserved.id)).status is CompartmentStatus.COLLECTED
        assert [status for what, status in await stage.story() if what == "sighting"] == ["deposited", "collected"]

    async def test_codes_are_for_their_time_only_and_no_ledger_shows_them(self, stage: Stage) -> None:
        reserved = await stage.reserved()
        with pytest.raises(CompartmentRefused) as empty:
            await stage.lockers.pickup_code(reserved.id)
        assert empty.value.reason is LockerRefusal.EMPTY
        code = (await stage.lockers.deposit_code(reserved.id)).get_secret_value()
        await stage.deposit(stage.locker, code)
        with pytest.raises(CompartmentRefused) as occupied:
            await stage.lockers.deposit_code(reserved.id)
        assert occupied.value.reason is LockerRefusal.OCCUPIED
        pickup = (await stage.lockers.pickup_code(reserved.id)).get_secret_value()
        shown = {value for entry in await stage.ledger(stage.order) for value in entry.values() if value}
        assert not {code, pickup} & shown

    async def test_what_lies_in_it_is_not_released_but_sent_back(self, stage: Stage) -> None:
        inside = await stage.deposited()
        with pytest.raises(CompartmentRefused) as occupied:
            await stage.lockers.release(inside.id, key=stage.key("release"))
        assert occupied.value.reason is LockerRefusal.OCCUPIED
        back = await stage.lockers.send_back(inside.id, key=stage.key("back", 1))
        assert back.status is CompartmentStatus.EXPIRED
        assert await stage.lockers.send_back(inside.id, key=stage.key("back", 2)) == back
        with pytest.raises(CompartmentRefused):
            await stage.lockers.pickup_code(inside.id)
        with pytest.raises(CompartmentRefused):
            await stage.lockers.extend(inside.id, FAR, key=stage.key("extend"))

    async def test_an_empty_compartment_has_nothing_to_send_back(self, stage: Stage) -> None:
        reserved = await stage.reserved()
        with pytest.raises(CompartmentRefused) as empty:
            await stage.lockers.send_back(reserved.id, key=stage.key("back"))
        assert empty.value.reason is LockerRefusal.EMPTY

    async def test_the_customers_time_can_be_made_longer(self, stage: Stage) -> None:
        inside = await stage.deposited()
        assert (await stage.lockers.extend(inside.id, FAR, key=stage.key("extend"))).collect_by == FAR

    async def test_an_operator_may_say_what_nobody_understands(self, stage: Stage) -> None:
        inside = await stage.deposited()
        assert await stage.say(inside.id, "door_jammed") == 201
        assert (await stage.lockers.compartment(inside.id)).status is CompartmentStatus.DEPOSITED
        assert (await stage.story())[-1] == ("sighting", "door_jammed")

    async def test_what_nobody_knows_is_said_so(self, stage: Stage) -> None:
        nothing = CompartmentId("cmp_none")
        with pytest.raises(NotKnown):
            await stage.lockers.compartment(nothing)
        with pytest.raises(NotKnown):
            await stage.lockers.release(nothing, key=stage.key("release"))


class TestTheClock:
    """Under a clock that can be moved."""

    def setup_method(self) -> None:
        self.now = datetime(2026, 3, 1, tzinfo=UTC)
        self.memory = MemoryLockers(lambda: self.now, hold=timedelta(days=3), return_after=timedelta(days=1))
        engine = self.memory.engine

        async def ledger(reference: str) -> list[dict[str, Any]]:
            engine.tick()
            return engine.books.ledger(reference)

        async def deposit(locker: str, code: str) -> int:
            return engine.deposit(locker, code).status

        async def unused(*_: Any, **__: Any) -> Any:
            raise AssertionError

        self.stage = Stage(self.memory, ledger, unused, deposit, unused, unused, unused)

    async def test_what_nobody_fills_in_time_is_given_to_others(self) -> None:
        reserved = await self.stage.reserved(until=self.now + timedelta(hours=2))
        self.now += timedelta(hours=2)
        assert (await self.memory.compartment(reserved.id)).status is CompartmentStatus.RELEASED
        assert (await self.stage.story())[-1] == ("sighting", "released")

    async def test_what_nobody_collects_expires_and_goes_back(self) -> None:
        inside = await self.stage.deposited()
        due = self.now + timedelta(days=3)
        assert inside.collect_by == due
        self.now = due - timedelta(seconds=1)
        assert (await self.memory.compartment(inside.id)).status is CompartmentStatus.DEPOSITED
        self.now = due
        expired = await self.memory.compartment(inside.id)
        assert (expired.status, expired.status_at) == (CompartmentStatus.EXPIRED, due)
        self.now += timedelta(days=1)
        assert (await self.memory.compartment(inside.id)).status is CompartmentStatus.RETURNED

    async def test_an_extension_moves_the_end(self) -> None:
        inside = await self.stage.deposited()
        later = self.now + timedelta(days=5)
        await self.memory.extend(inside.id, later, key=self.stage.key("extend"))
        self.now += timedelta(days=4)
        assert (await self.memory.compartment(inside.id)).status is CompartmentStatus.DEPOSITED
        self.now = later
        assert (await self.memory.compartment(inside.id)).status is CompartmentStatus.EXPIRED
