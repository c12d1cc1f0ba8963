"""Whatever commands come in whatever order: both inventories agree, nothing is below zero, and every unit ends once."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from adapters.inventory.memory import MemoryInventory
from adapters.inventory.port import (
    Allocate,
    BufferRule,
    Consume,
    Extend,
    Inventory,
    Release,
    Reserve,
    StockMovement,
    StockRefused,
    Variance,
)
from adapters.inventory.postgres import PostgresInventory
from domain.ids import OperationKey, OrderId
from domain.stock import MovementKind, RejectReason, StockEffect, StockLine

UNBALANCED = text(Path(__file__).with_name("unbalanced.sql").read_text())
START = datetime(2026, 3, 2, 9, tzinfo=UTC)
CHANNELS = [None, "web", "store"]
ORDERS = ["o1", "o2"]

some_lines = st.lists(
    st.builds(
        StockLine,
        line_id=st.sampled_from(["1", "2"]),
        sku=st.sampled_from(["A", "B"]),
        location_id=st.sampled_from(["S1", "S2"]),
        quantity=st.integers(1, 4),
    ),
    min_size=1,
    max_size=3,
).map(tuple)
orders = st.sampled_from(ORDERS)
skus = st.sampled_from(["A", "B"])
stores = st.sampled_from(["S1", "S2"])

Command = Callable[[Inventory], Awaitable[Any]]


async def outcome(inventory: Inventory, do: Command) -> Any:
    try:
        return await do(inventory)
    except StockRefused as refused:
        return (type(refused), str(refused))


class AnySequence(RuleBasedStateMachine):
    runner: asyncio.Runner
    url: str

    def __init__(self) -> None:
        super().__init__()
        self.engine = create_async_engine(self.url, poolclass=NullPool)
        self.connection: AsyncConnection = self.runner.run(self._open())
        self.both: list[Inventory] = [MemoryInventory(), PostgresInventory(self.connection)]
        self.at = START
        self.done: list[tuple[Command, Any]] = []

    async def _open(self) -> AsyncConnection:
        return await self.engine.connect()

    def teardown(self) -> None:
        self.runner.run(self.connection.close())
        self.runner.run(self.engine.dispose())

    def key(self) -> OperationKey:
        return OperationKey(f"k{len(self.done)}")

    def act(self, do: Command) -> None:
        mine, theirs = (self.runner.run(outcome(inventory, do)) for inventory in self.both)
        assert mine == theirs
        self.done.append((do, mine))

    @rule(sku=skus, store=stores, quantity=st.integers(0, 12), kind=st.sampled_from(["receipt", "count", "write_off"]))
    def a_store_moves_stock(self, sku: str, store: str, quantity: int, kind: str) -> None:
        wish = StockMovement(
            key=self.key(),
            at=self.at,
            kind=MovementKind(kind),
            sku=sku,
            location_id=store,
            quantity=quantity if kind == "count" else quantity + 1,
        )
        self.act(lambda inventory: inventory.move(wish))

    @rule(sku=skus, store=stores, quantity=st.integers(-5, 5))
    def a_store_adjusts(self, sku: str, store: str, quantity: int) -> None:
        wish = StockMovement(
            key=self.key(), at=self.at, kind=MovementKind.ADJUSTMENT, sku=sku, location_id=store, quantity=quantity
        )
        self.act(lambda inventory: inventory.move(wish))

    @rule(sku=skus, store=stores, quantity=st.integers(0, 5), effect=st.sampled_from(StockEffect), touch=st.booleans())
    def a_store_rejects(self, sku: str, store: str, quantity: int, effect: StockEffect, touch: bool) -> None:
        wish = Variance(
            key=self.key(),
            at=self.at,
            order_id=OrderId("o1"),
            sku=sku,
            location_id=store,
            quantity=quantity,
            effect=effect,
            touch_on_hand=touch,
            reason=RejectReason.MISMATCH,
        )
        self.act(lambda inventory: inventory.record_variance(wish))

    @rule(
        sku=st.sampled_from(["A", "*"]),
        store=st.sampled_from(["S1", "*"]),
        channel=st.sampled_from(["web", "*"]),
        quantity=st.integers(0, 3),
    )
    def a_buffer_is_set(self, sku: str, store: str, channel: str, quantity: int) -> None:
        buffer = BufferRule(sku=sku, location_id=store, channel=channel, quantity=quantity)
        for inventory in self.both:
            self.runner.run(inventory.set_buffer(buffer))

    @rule(
        order=orders,
        lines=some_lines,
        channel=st.sampled_from(CHANNELS),
        minutes=st.none() | st.integers(1, 9),
        direct=st.booleans(),
    )
    def an_order_takes(
        self, order: str, lines: tuple[StockLine, ...], channel: str | None, minutes: int | None, direct: bool
    ) -> None:
        until = None if minutes is None else self.at + timedelta(minutes=minutes)
        wish = Reserve(key=self.key(), at=self.at, order_id=order, lines=lines, channel=channel, expires_at=until)
        self.act(lambda inventory: inventory.allocate_directly(wish) if direct else inventory.reserve(wish))

    @rule(order=orders, minutes=st.integers(1, 9))
    def an_order_extends(self, order: str, minutes: int) -> None:
        wish = Extend(key=self.key(), at=self.at, order_id=order, expires_at=self.at + timedelta(minutes=minutes))
        self.act(lambda inventory: inventory.extend(wish))

    @rule(order=orders, lines=some_lines)
    def an_order_is_confirmed(self, order: str, lines: tuple[StockLine, ...]) -> None:
        wish = Allocate(key=self.key(), at=self.at, order_id=order, lines=lines)
        self.act(lambda inventory: inventory.allocate(wish))

    @rule(order=orders, lines=some_lines, late=st.booleans())
    def an_order_is_handed_over(self, order: str, lines: tuple[StockLine, ...], late: bool) -> None:
        wish = Consume(key=self.key(), at=self.at, order_id=order, lines=lines, late=late)
        self.act(lambda inventory: inventory.consume(wish))

    @rule(order=orders, lines=some_lines, command=st.sampled_from(["release", "set_aside", "put_back", "take_back"]))
    def an_order_gives_back(self, order: str, lines: tuple[StockLine, ...], command: str) -> None:
        wish = Release(key=self.key(), at=self.at, order_id=order, lines=lines)
        self.act(lambda inventory: getattr(inventory, command)(wish))

    @rule(order=orders, minutes=st.integers(0, 6))
    def time_passes(self, order: str, minutes: int) -> None:
        self.at += timedelta(minutes=minutes)
        key, at = self.key(), self.at
        self.act(lambda inventory: inventory.expire(OrderId(order), key, at))

    @precondition(lambda self: self.done)
    @rule(data=st.data())
    def an_answered_command_is_repeated(self, data: st.DataObject) -> None:
        do, first = data.draw(st.sampled_from(self.done))
        refused = isinstance(first, tuple)
        nothing_expired = getattr(first, "lines", None) == ()
        if refused or nothing_expired:
            return
        for inventory in self.both:
            assert self.runner.run(outcome(inventory, do)) == first

    @invariant()
    def both_agree_and_nothing_is_below_zero(self) -> None:
        for channel in CHANNELS:
            mine, theirs = (self.runner.run(inventory.levels(None, None, channel)) for inventory in self.both)
            assert mine == theirs
            for level in mine:
                assert min(level.on_hand, level.available, level.allocated, level.reserved, level.set_aside) >= 0

    @invariant()
    def every_unit_taken_is_held_or_ended_once(self) -> None:
        for order in ORDERS:
            mine, theirs = (self.runner.run(inventory.holdings(OrderId(order))) for inventory in self.both)
            assert mine == theirs
            for held in mine:
                ended = held.consumed + held.released + held.expired
                assert held.taken == held.reserved + held.allocated + held.set_aside + ended

    @invariant()
    def the_ledger_adds_up(self) -> None:
        assert list(self.runner.run(self.connection.execute(UNBALANCED))) == []
        mine, theirs = (self.runner.run(inventory.ledger(limit=10_000)) for inventory in self.both)
        assert [each.model_dump(exclude={"id"}) for each in mine] == [
            each.model_dump(exclude={"id"}) for each in theirs
        ]


@pytest.mark.usefixtures("engine")
def test_any_sequence_of_commands_keeps_the_books(database_url: str) -> None:
    with asyncio.Runner() as runner:
        AnySequence.runner, AnySequence.url = runner, database_url
        run_state_machine_as_test(
            AnySequence,
            settings=settings(
                max_examples=30,
                stateful_step_count=25,
                deadline=None,
                suppress_health_check=[HealthCheck.too_slow],
                print_blob=True,
            ),
        )
