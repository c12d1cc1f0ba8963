"""The sweeper comes to everything that is overdue, whatever stands before it, and gives up what nobody waits for."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from temporalio import activity
from temporalio.testing import ActivityEnvironment

from activities import sweeping
from activities.sweeping import GIVE_UP, OVERDUE, SweepingSteps, Swept
from adapters.backorders.port import BackorderRule, Wanted
from adapters.inbound.memory import MemoryInboundEvents
from adapters.inbound.port import InboundEvent
from adapters.inventory.port import BufferRule, StockMovement
from adapters.transaction.memory import MemoryTransactions
from domain.groups import GroupStatus
from domain.ids import LineId, OperationKey, OrderId, Sku, StoreId
from domain.stock import MovementKind, StockLine
from tests.adapters.intake.sample_intake import NOW, intake
from tests.adapters.records.sample_records import STORE, change, group, line, stock_wait
from workflows.messages import StockArrived
from workflows.order import OrderWorkflow

SKU = Sku("SKU-1")


class Round:
    """A sweeper over books in memory; `ours` are the orders that can take what they are given."""

    def __init__(self) -> None:
        self.transactions = MemoryTransactions()
        self.events = MemoryInboundEvents()
        self.ours: set[str] = set()
        self.faults: dict[str, Exception] = {}
        self.tried: list[str] = []
        self.now = NOW + OVERDUE + timedelta(seconds=1)
        self.steps = SweepingSteps(
            self.transactions, self.events, self._start, self._deliver, self._wake, self._supplied, self._rescheduled
        )

    def _try(self, order_id: str) -> bool:
        self.tried.append(order_id)
        if order_id in self.faults:
            raise self.faults[order_id]
        return order_id in self.ours

    async def _start(self, order_id: OrderId, start: bytes) -> None:
        self._try(order_id)
        async with self.transactions.begin() as books:
            await books.intake.taken(order_id)

    async def _deliver(self, event: InboundEvent) -> bool:
        done = self._try(event.order_id)
        if done:
            await self.events.delivered(event.provider, event.event_id, self.now)
        return done

    async def _wake(self, order_id: OrderId, n: int) -> None:
        self._try(f"{order_id}/{n}")

    async def _supplied(self, order_id: OrderId, n: int, at: StoreId) -> None:
        self._try(f"{order_id}/{n} at {at}")

    async def _rescheduled(self, order_id: OrderId, n: int, expected_at: datetime | None) -> None:
        self._try(f"{order_id}/{n}: {expected_at:%Y-%m-%d}" if expected_at else f"{order_id}/{n}: unknown")

    async def ordered_ahead(self, order_id: str, *, backordered: bool = True) -> None:
        """An order on record, and its place in the queue."""
        stands = group(order_id, status=GroupStatus.WAITING, backordered=backordered, units={"1": {"open": 1}})
        wish = StockLine(line_id=LineId("1"), sku=SKU, location_id=STORE, quantity=1)
        async with self.transactions.begin() as books:
            await books.records.write(change(order_id, lines=[line()], groups=[stands]))
            await books.backorders.join(OrderId(order_id), 1, [Wanted(wish, beyond=True)], "web", NOW)

    async def may_be_ordered_ahead(self, cap: int, expected_at: datetime | None = None) -> int:
        async with self.transactions.begin() as books:
            return (await books.backorders.put(BackorderRule(sku=SKU, cap=cap, expected_at=expected_at))).waiting

    async def sweep(self, **later: float) -> list[str]:
        """What was tried in one look."""
        self.now += timedelta(**later)
        self.tried.clear()
        self.swept: Swept = await ActivityEnvironment().run(self.steps.sweep, self.now)
        return list(self.tried)

    async def comes(self, event_id: str, order_id: str, at: datetime = NOW) -> None:
        event = {"provider": "payment", "event_id": event_id, "type": "x", "order_id": order_id, "received_at": at}
        await self.events.keep(InboundEvent.model_validate({**event, "data": {}}))

    async def waits_for_stock(self, order_id: str, quantity: int, minutes: float = 0, **fields: Any) -> None:
        stands = group(order_id, status=GroupStatus.WAITING, units={"1": {"open": quantity}})
        waits = [stock_wait(1, NOW + timedelta(minutes=minutes))]
        async with self.transactions.begin() as books:
            await books.records.write(change(order_id, lines=[line()], groups=[stands], waiting_for=waits, **fields))

    async def counted(self, quantity: int) -> None:
        async with self.transactions.begin() as books:
            await books.inventory.move(
                StockMovement(
                    key=OperationKey(f"count-{self.now.isoformat()}-{quantity}"),
                    at=self.now,
                    kind=MovementKind.COUNT,
                    sku=SKU,
                    location_id=STORE,
                    quantity=quantity,
                )
            )


@pytest.fixture
def look() -> Round:
    return Round()


async def test_hundreds_of_events_of_foreign_payments_do_not_block_a_newer_one_of_ours(look: Round) -> None:
    for number in range(2 * sweeping.BATCH):
        await look.comes(f"e{number}", "foreign")
    await look.comes("ours", "ours", NOW + timedelta(seconds=2))
    look.ours.add("ours")
    assert (await look.sweep())[-1] == "ours"
    assert look.swept.delivered == 1


async def test_an_event_that_is_nobodys_is_tried_less_and_less_and_then_left_to_a_person(look: Round) -> None:
    await look.comes("e1", "foreign")
    assert await look.sweep() == ["foreign"]
    assert await look.sweep(seconds=1) == [], "not at every look"
    assert await look.sweep(seconds=20) == ["foreign"]
    assert await look.sweep(minutes=11) == ["foreign"]
    assert await look.sweep(minutes=5) == []
    look.now = NOW + GIVE_UP
    assert await look.sweep() == ["foreign"]
    (given_up,) = await look.events.parked(limit=9)
    assert (given_up.tries, given_up.next_try_at) == (4, None)
    assert await look.sweep(days=30) == []


async def test_what_was_held_up_by_a_system_goes_on_soon_after_it_is_back(look: Round) -> None:
    await look.comes("e1", "ours")
    async with look.transactions.begin() as books:
        await books.intake.promise(intake("ours"), b"start")
    look.faults["ours"] = ConnectionError()
    for _ in range(40):
        await look.sweep(seconds=15)
    look.faults.clear()
    look.ours.add("ours")
    tried = [*await look.sweep(seconds=30), *await look.sweep(seconds=31)]
    assert tried == ["ours", "ours"], "the start and the event, within a minute of an outage of ten"


async def test_starts_that_cannot_be_made_do_not_block_the_one_that_can(look: Round) -> None:
    async with look.transactions.begin() as books:
        for number in range(sweeping.BATCH):
            await books.intake.promise(intake(f"broken{number}", f"W-{number}"), b"start")
            look.faults[f"broken{number}"] = ValueError()
        await books.intake.promise(intake("whole", "W-whole", promised_at=NOW + timedelta(seconds=1)), b"start")
    await look.sweep()
    assert "whole" in await look.sweep(seconds=1)
    assert look.swept.started == 1


async def test_a_start_that_fails_for_days_is_left_to_a_person(look: Round) -> None:
    async with look.transactions.begin() as books:
        await books.intake.promise(intake("broken"), b"start")
    look.faults["broken"] = ValueError()
    assert await look.sweep() == ["broken"]
    look.now = NOW + GIVE_UP
    assert await look.sweep() == ["broken"]
    assert await look.sweep(days=1) == []
    async with look.transactions.begin() as books:
        (late,) = await books.intake.late(9)
    assert (late.tries, late.next_try_at) == (2, None)


async def test_who_waits_longest_is_told_of_stock_that_is_enough_for_them(look: Round) -> None:
    await look.waits_for_stock("second", 2, minutes=2)
    await look.waits_for_stock("first", 3, minutes=1)
    await look.waits_for_stock("third", 3, minutes=3)
    await look.waits_for_stock("fourth", 1, minutes=4)
    assert await look.sweep() == []
    await look.counted(6)
    assert await look.sweep(seconds=1) == ["first/1", "second/1", "fourth/1"]
    assert look.swept.woken == 3


async def test_a_group_that_did_not_take_the_stock_is_not_told_at_every_look(look: Round) -> None:
    await look.counted(9)
    await look.waits_for_stock("o1", 3)
    assert await look.sweep() == ["o1/1"]
    assert await look.sweep(seconds=15) == []
    assert await look.sweep(minutes=5) == ["o1/1"]


async def test_stock_that_is_not_for_a_channel_wakes_nobody_of_it(look: Round) -> None:
    await look.counted(3)
    async with look.transactions.begin() as books:
        await books.inventory.set_buffer(BufferRule(sku=SKU, channel="marketplace", quantity=2))
    await look.waits_for_stock("m", 2, channel="marketplace")
    await look.waits_for_stock("w", 2, minutes=1)
    assert await look.sweep() == ["w/1"]


async def test_an_order_that_cannot_be_told_does_not_keep_the_others_from_it(look: Round) -> None:
    await look.counted(9)
    await look.waits_for_stock("away", 1)
    await look.waits_for_stock("there", 1, minutes=1)
    look.faults["away/1"] = ConnectionError()
    assert await look.sweep() == ["away/1", "there/1"]
    assert await look.sweep(seconds=15) == ["away/1"], "and it is told at the next look"


async def test_all_who_wait_are_looked_at_however_many_they_are(look: Round) -> None:
    for number in range(sweeping.BATCH + 20):
        await look.waits_for_stock(f"big{number:03}", 50)
    await look.waits_for_stock("small", 1, minutes=1)
    await look.counted(3)
    assert await look.sweep() == ["small/1"]


async def test_an_order_is_told_by_the_signal_that_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[str, str, Any]] = []

    class Handle:
        def __init__(self, workflow_id: str):
            self.id = workflow_id

        async def signal(self, name: str, message: Any, *, rpc_timeout: timedelta) -> None:
            sent.append((self.id, name, message))

    class Connected:
        get_workflow_handle: Callable[[str], Handle] = staticmethod(Handle)

    monkeypatch.setattr(activity, "client", Connected)
    await sweeping.tell_stock_arrived(OrderId("o1"), 2)
    [(workflow_id, name, message)] = sent
    assert (workflow_id, name) == ("order/o1", OrderWorkflow.stock_arrived.__temporal_signal_definition.name)  # type: ignore[attr-defined]
    assert StockArrived.model_validate(message) == StockArrived(n=2)


async def test_who_ordered_ahead_is_served_before_who_chose_to_wait(look: Round) -> None:
    await look.may_be_ordered_ahead(5)
    await look.waits_for_stock("chose", 1, minutes=-5)
    await look.ordered_ahead("ahead")
    await look.counted(1)
    assert await look.sweep() == [f"ahead/1 at {STORE}"]
    assert look.swept.supplied == 1
    await look.counted(2)
    assert await look.sweep(minutes=1) == ["chose/1"], "the other one knows already"
    assert await look.sweep(minutes=6) == [f"ahead/1 at {STORE}", "chose/1"], "whoever has not taken it is told again"


async def test_an_order_that_could_not_be_told_of_its_supply_is_told_at_the_next_look(look: Round) -> None:
    await look.may_be_ordered_ahead(5)
    await look.ordered_ahead("ahead")
    await look.counted(1)
    look.faults[f"ahead/1 at {STORE}"] = ConnectionError()
    await look.sweep()
    assert look.swept.supplied == 0
    look.faults.clear()
    assert await look.sweep(seconds=15) == [f"ahead/1 at {STORE}"]


async def test_a_new_date_is_told_until_the_order_says_that_it_knows(look: Round) -> None:
    await look.may_be_ordered_ahead(5)
    await look.ordered_ahead("ahead")
    assert await look.sweep() == []
    date = NOW + timedelta(days=9)
    await look.may_be_ordered_ahead(5, date)
    assert await look.sweep() == await look.sweep() == [f"ahead/1: {date:%Y-%m-%d}"]
    async with look.transactions.begin() as books:
        await books.backorders.tell(OrderId("ahead"), 1, date)
    assert await look.sweep() == []


async def test_a_place_that_a_lost_try_took_is_free_again(look: Round) -> None:
    await look.may_be_ordered_ahead(1)
    await look.ordered_ahead("ahead", backordered=False)
    assert await look.may_be_ordered_ahead(1) == 1
    assert await look.sweep() == []
    assert await look.may_be_ordered_ahead(1) == 0
