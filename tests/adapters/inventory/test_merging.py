"""Orders that ask at the same time are served in one transaction, each as if it had come alone."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.inventory.merging import MergedReservations
from adapters.inventory.port import BufferRule, KeyConflict, OutOfStock, Reserve, Reserved, StockMovement
from adapters.inventory.postgres import PostgresInventory
from domain.ids import LineId, OperationKey, Sku, StoreId
from domain.stock import MovementKind, StockLevel, StockLine

UNBALANCED = text(Path(__file__).with_name("unbalanced.sql").read_text())
AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
LATER = AT + timedelta(hours=1)


@pytest.fixture
def desk(engine: AsyncEngine) -> MergedReservations:
    return MergedReservations(engine)


def line(quantity: int = 1, sku: str = "A", store: str = "S1", name: str = "1") -> StockLine:
    return StockLine(line_id=LineId(name), sku=Sku(sku), location_id=StoreId(store), quantity=quantity)


def wish(order: str, *lines: StockLine, **more: Any) -> Reserve:
    content = {"key": f"{order}:reserve", "at": AT, "order_id": order, "lines": lines or (line(),), "expires_at": LATER}
    return Reserve.model_validate(content | more)


async def put(engine: AsyncEngine, **skus: int) -> None:
    async with engine.begin() as connection:
        for sku, quantity in skus.items():
            await PostgresInventory(connection).move(
                StockMovement(
                    key=OperationKey(f"stock-{sku}"),
                    at=AT,
                    sku=Sku(sku),
                    location_id=StoreId("S1"),
                    kind=MovementKind.RECEIPT,
                    quantity=quantity,
                )
            )


async def level(engine: AsyncEngine, sku: str = "A") -> StockLevel:
    async with engine.connect() as connection:
        (found,) = await PostgresInventory(connection).levels([Sku(sku)], [StoreId("S1")])
        assert (await connection.execute(UNBALANCED)).all() == []
    return found


async def all_of(desk: MergedReservations, *wishes: Reserve) -> list[Reserved | BaseException]:
    return await asyncio.gather(*(desk.reserve(each) for each in wishes), return_exceptions=True)


async def transactions(engine: AsyncEngine) -> int:
    """How many transactions have written so far."""
    async with engine.connect() as connection:
        return int(await connection.scalar(text("SELECT count(DISTINCT xmin::text) FROM stock_operations")))


async def test_of_many_buyers_of_ten_units_the_first_ten_win(desk: MergedReservations, engine: AsyncEngine) -> None:
    await put(engine, A=10)
    answers = await all_of(desk, *(wish(f"o{n}") for n in range(200)))
    assert [isinstance(answer, Reserved) for answer in answers] == [True] * 10 + [False] * 190
    assert all(isinstance(answer, OutOfStock) for answer in answers[10:])
    assert (await level(engine)).reserved == 10


async def test_orders_that_ask_together_share_a_transaction(desk: MergedReservations, engine: AsyncEngine) -> None:
    await put(engine, A=100)
    before = await transactions(engine)
    await all_of(desk, *(wish(f"o{n}") for n in range(100)))
    assert (await level(engine)).reserved == 100
    assert await transactions(engine) - before <= 2


async def test_an_order_that_cannot_have_all_takes_nothing_from_those_after_it(
    desk: MergedReservations, engine: AsyncEngine
) -> None:
    await put(engine, A=2)
    both, one = wish("o1", line(2), line(1, "B", name="2")), wish("o2", line(2))
    refused, served = await all_of(desk, both, one)
    assert isinstance(refused, OutOfStock)
    assert [(each.sku, each.asked, each.available) for each in refused.shortfalls] == [("B", 1, 0)]
    assert isinstance(served, Reserved)


async def test_two_lines_of_one_sku_count_together(desk: MergedReservations, engine: AsyncEngine) -> None:
    await put(engine, A=3)
    (refused,) = await all_of(desk, wish("o1", line(2), line(2, name="2")))
    assert isinstance(refused, OutOfStock)
    (served,) = await all_of(desk, wish("o2", line(2), line(1, name="2")))
    assert isinstance(served, Reserved)


async def test_a_repeated_key_gets_the_first_answer(desk: MergedReservations, engine: AsyncEngine) -> None:
    await put(engine, A=1)
    # Twice in one transaction, then again in another one, when nothing is left.
    first, twin = await all_of(desk, wish("o1"), wish("o1"))
    later = await desk.reserve(wish("o1"))
    assert first == twin == later
    assert (await level(engine)).reserved == 1


async def test_a_key_for_another_wish_is_a_conflict_of_its_own_order_only(
    desk: MergedReservations, engine: AsyncEngine
) -> None:
    await put(engine, A=5)
    _, other, neighbour = await all_of(desk, wish("o1"), wish("o1", line(2)), wish("o2"))
    assert isinstance(other, KeyConflict)
    assert isinstance(neighbour, Reserved)
    (again,) = await all_of(desk, wish("o1", line(2)))
    assert isinstance(again, KeyConflict)


async def test_what_the_database_refuses_for_one_order_harms_no_other(
    desk: MergedReservations, engine: AsyncEngine
) -> None:
    await put(engine, A=5)
    # One line at one place under two keys: rows that one statement cannot write twice.
    once, more, neighbour = await all_of(desk, wish("o1"), wish("o1", key="o1:more"), wish("o2"))
    assert all(isinstance(answer, Reserved) for answer in (once, more, neighbour))
    assert (await level(engine)).reserved == 3


async def test_each_channel_keeps_its_distance_from_the_last_units(
    desk: MergedReservations, engine: AsyncEngine
) -> None:
    await put(engine, A=5)
    async with engine.begin() as connection:
        rule = BufferRule(sku=Sku("A"), location_id=StoreId("S1"), channel="marketplace", quantity=3)
        await PostgresInventory(connection).set_buffer(rule)
    answers = await all_of(
        desk,
        wish("o1", line(2), channel="marketplace"),
        wish("o2", channel="marketplace"),
        wish("o3", line(3), channel="web"),
        wish("o4", channel="web"),
    )
    assert [isinstance(answer, Reserved) for answer in answers] == [True, False, True, False]


async def test_a_place_that_nobody_stocks_has_nothing(desk: MergedReservations) -> None:
    (refused,) = await all_of(desk, wish("o1", line(1, "UNKNOWN")))
    assert isinstance(refused, OutOfStock)
    assert refused.shortfalls[0].available == 0


async def test_two_processes_sell_no_unit_twice(engine: AsyncEngine) -> None:
    await put(engine, A=60, B=60)
    here, there = MergedReservations(engine, most_at_once=7), MergedReservations(engine, most_at_once=5)
    wishes = [
        (here if n % 2 else there).reserve(
            # In either order of the lines: the locks are taken in one.
            wish(f"o{n}", *sorted([line(1, "A"), line(1, "B", name="2")], key=lambda x: x.sku, reverse=bool(n % 3)))
        )
        for n in range(100)
    ]
    answers = await asyncio.gather(*wishes, return_exceptions=True)
    assert sum(isinstance(answer, Reserved) for answer in answers) == 60
    assert all(isinstance(answer, Reserved | OutOfStock) for answer in answers)
    assert (await level(engine, "A")).reserved == (await level(engine, "B")).reserved == 60


async def test_a_caller_who_goes_away_leaves_the_others_their_turn(
    desk: MergedReservations, engine: AsyncEngine
) -> None:
    await put(engine, A=5)
    gone = asyncio.create_task(desk.reserve(wish("o1")))
    stays = asyncio.create_task(desk.reserve(wish("o2")))
    await asyncio.sleep(0)
    gone.cancel()
    assert isinstance(await stays, Reserved)


async def test_a_database_that_is_away_is_everybodys_fault_and_nobodys_for_ever(
    desk: MergedReservations, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put(engine, A=5)
    with monkeypatch.context() as away:
        away.setattr(engine.sync_engine.pool, "connect", _fails)
        answers = await all_of(desk, wish("o1"), wish("o2"))
    assert [type(answer) for answer in answers] == [OSError, OSError]
    assert isinstance(await desk.reserve(wish("o1")), Reserved)


def _fails() -> None:
    raise OSError("the database is away")
