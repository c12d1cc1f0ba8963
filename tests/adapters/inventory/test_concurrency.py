"""What only a real PostgreSQL can show: many buyers at once, in one database."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.inventory import statements
from adapters.inventory.port import Allocate, Consume, Extend, Inventory, OutOfStock, Release, Reserve, StockMovement
from adapters.inventory.postgres import PostgresInventory
from domain.ids import LineId, OperationKey, OrderId, Sku, StoreId
from domain.stock import MovementKind, StockLine

UNBALANCED = text(Path(__file__).with_name("unbalanced.sql").read_text())
AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
LATER = AT + timedelta(hours=1)


def line(sku: str = "A", quantity: int = 1) -> StockLine:
    return StockLine(line_id=LineId(f"L-{sku}"), sku=Sku(sku), location_id=StoreId("S1"), quantity=quantity)


def reserve(order: str, *lines: StockLine, key: str | None = None) -> Reserve:
    return Reserve(
        key=OperationKey(key or f"{order}:reserve"), at=AT, order_id=OrderId(order), lines=lines, expires_at=LATER
    )


def allocate(order: str, *lines: StockLine) -> Allocate:
    return Allocate(key=OperationKey(f"{order}:allocate"), at=AT, order_id=OrderId(order), lines=lines)


def consume(order: str, *lines: StockLine) -> Consume:
    return Consume(key=OperationKey(f"{order}:consume"), at=AT, order_id=OrderId(order), lines=lines)


def release(order: str, *lines: StockLine, key: str = "release") -> Release:
    return Release(key=OperationKey(f"{order}:{key}"), at=AT, order_id=OrderId(order), lines=lines)


async def committed(engine: AsyncEngine, do: Callable[[Inventory], Awaitable[Any]]) -> Any:
    """`do` in a transaction of its own; a refusal is an answer."""
    async with engine.begin() as connection:
        try:
            return await do(PostgresInventory(connection))
        except OutOfStock as refused:
            return refused


async def stock(engine: AsyncEngine, quantity: int, *skus: str) -> None:
    for sku in skus or ("A",):
        receipt = StockMovement(
            key=OperationKey(f"stock-{sku}"),
            at=AT,
            kind=MovementKind.RECEIPT,
            sku=Sku(sku),
            location_id=StoreId("S1"),
            quantity=quantity,
        )
        await committed(engine, lambda inventory, receipt=receipt: inventory.move(receipt))


async def unbalanced(engine: AsyncEngine) -> list[Any]:
    async with engine.connect() as connection:
        return list(await connection.execute(UNBALANCED))


async def level(engine: AsyncEngine, sku: str = "A") -> tuple[int, int, int]:
    async with engine.connect() as connection:
        (found,) = await PostgresInventory(connection).levels([Sku(sku)], [StoreId("S1")])
        return (found.on_hand, found.allocated, found.reserved)


async def test_two_hundred_buyers_of_ten_units_make_ten_reservations(engine: AsyncEngine) -> None:
    await stock(engine, 10)
    answers = await asyncio.gather(
        *(committed(engine, lambda i, n=n: i.reserve(reserve(f"o{n}", line()))) for n in range(200))
    )
    refused = [answer for answer in answers if isinstance(answer, OutOfStock)]
    assert len(refused) == 190
    assert all(each.shortfalls == [("A", "S1", 1, 0)] for each in refused)
    assert await level(engine) == (10, 0, 10)
    async with engine.connect() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM reservations"))).scalar_one() == 10
        assert (await connection.execute(text("SELECT count(*) FROM stock_operations"))).scalar_one() == 11
    assert await unbalanced(engine) == []


async def test_buyers_of_different_amounts_never_take_more_than_there_is(engine: AsyncEngine) -> None:
    await stock(engine, 50)
    amounts = [1 + n % 5 for n in range(100)]
    answers = await asyncio.gather(
        *(
            committed(engine, lambda i, n=n, q=q: i.reserve(reserve(f"o{n}", line(quantity=q))))
            for n, q in enumerate(amounts)
        )
    )
    sold = sum(q for q, answer in zip(amounts, answers, strict=True) if not isinstance(answer, OutOfStock))
    assert 46 <= sold <= 50
    assert await level(engine) == (50, 0, sold)


async def test_orders_that_name_the_same_skus_in_opposite_order_do_not_lock_each_other_out(engine: AsyncEngine) -> None:
    skus = [f"K{n}" for n in range(6)]
    await stock(engine, 1000, *skus)

    async def buy(n: int) -> None:
        order, lines = f"o{n}", [line(sku) for sku in (skus if n % 2 else skus[::-1])]
        await committed(engine, lambda i: i.reserve(reserve(order, *lines)))
        await committed(engine, lambda i: i.allocate(allocate(order, *lines[::-1])))
        if n % 3:
            await committed(engine, lambda i: i.consume(consume(order, *lines)))
        else:
            await committed(engine, lambda i: i.release(release(order, *lines[::-1])))

    await asyncio.gather(*(buy(n) for n in range(60)))
    assert [await level(engine, sku) for sku in skus] == [(960, 0, 0)] * 6
    assert await unbalanced(engine) == []


async def test_commands_of_one_order_at_once_do_not_lock_each_other_out(engine: AsyncEngine) -> None:
    skus = ["A", "B", "C"]
    await stock(engine, 1000, *skus)
    lines = [line(sku) for sku in skus]

    async def act(n: int) -> Any:
        if n % 2:
            return await committed(engine, lambda i: i.reserve(reserve("o", *lines, key=f"reserve{n}")))
        return await committed(engine, lambda i: i.release(release("o", *lines[::-1], key=f"release{n}")))

    answers = await asyncio.gather(*(act(n) for n in range(80)))
    freed = sum(len(answer.lines) for n, answer in enumerate(answers) if not n % 2)
    assert await level(engine) == (1000, 0, 40 - freed // 3)
    assert await unbalanced(engine) == []


async def test_a_request_repeated_fifty_times_at_once_reserves_the_last_unit_once_and_answers_all(
    engine: AsyncEngine,
) -> None:
    await stock(engine, 1)
    request = reserve("o", line())
    answers = await asyncio.gather(*(committed(engine, lambda i: i.reserve(request)) for _ in range(50)))
    assert {type(answer).__name__ for answer in answers} == {"Reserved"}
    assert await level(engine) == (1, 0, 1)
    assert await unbalanced(engine) == []


async def test_a_release_repeated_at_once_under_one_key_answers_the_same_to_all(engine: AsyncEngine) -> None:
    await stock(engine, 5)
    await committed(engine, lambda i: i.reserve(reserve("o", line(quantity=3))))
    answers = await asyncio.gather(
        *(committed(engine, lambda i: i.release(release("o", line(quantity=3)))) for _ in range(30))
    )
    assert all(answer.lines == (line(quantity=3),) for answer in answers)
    assert await level(engine) == (5, 0, 0)


async def test_releases_at_once_under_many_keys_free_what_is_held_and_no_more(engine: AsyncEngine) -> None:
    await stock(engine, 5)
    await committed(engine, lambda i: i.reserve(reserve("o", line(quantity=3))))
    answers = await asyncio.gather(
        *(committed(engine, lambda i, n=n: i.release(release("o", line(), key=f"r{n}"))) for n in range(30))
    )
    assert sum(len(answer.lines) for answer in answers) == 3
    assert await level(engine) == (5, 0, 0)
    assert await unbalanced(engine) == []


async def test_expiry_against_allocation_has_one_winner(engine: AsyncEngine) -> None:
    await stock(engine, 20)

    async def race(n: int) -> tuple[bool, bool]:
        order = f"o{n}"
        await committed(engine, lambda i: i.reserve(reserve(order, line())))
        allocated, expired = await asyncio.gather(
            committed(engine, lambda i: i.allocate(allocate(order, line()))),
            committed(engine, lambda i: i.expire(OrderId(order), OperationKey(f"{order}:expire"), LATER)),
            return_exceptions=True,
        )
        return (not isinstance(allocated, BaseException), bool(expired.lines))

    outcomes = await asyncio.gather(*(race(n) for n in range(20)))
    assert all(allocated != expired for allocated, expired in outcomes)
    assert await level(engine) == (20, sum(allocated for allocated, _ in outcomes), 0)


async def somebody_waits_for_a_lock(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        waiting = 0
        while not waiting:
            waiting = (await connection.execute(text("SELECT count(*) FROM pg_locks WHERE NOT granted"))).scalar_one()


async def test_an_expiry_that_waited_for_an_extension_frees_nothing(engine: AsyncEngine) -> None:
    await stock(engine, 1)
    await committed(engine, lambda i: i.reserve(reserve("o", line())))
    wish = Extend(key=OperationKey("o:extend"), at=AT, order_id=OrderId("o"), expires_at=LATER + timedelta(hours=1))
    async with engine.begin() as connection:
        await PostgresInventory(connection).extend(wish)
        expiry = asyncio.create_task(
            committed(engine, lambda i: i.expire(OrderId("o"), OperationKey("o:expire"), LATER))
        )
        await somebody_waits_for_a_lock(engine)
    assert (await expiry).lines == ()
    assert await level(engine) == (1, 0, 1)


async def test_a_release_that_waited_frees_what_was_reserved_meanwhile(engine: AsyncEngine) -> None:
    # PostgreSQL checks constraints on the row as the waiting statement first saw it, before it looks at the newest one.
    await stock(engine, 1)
    await committed(engine, lambda i: i.reserve(reserve("o", line(), key="first")))
    await committed(engine, lambda i: i.release(release("o", line(), key="first release")))
    async with engine.begin() as connection:
        await PostgresInventory(connection).reserve(reserve("o", line(), key="second"))
        waiting = asyncio.create_task(
            committed(engine, lambda i: i.release(release("o", line(), key="second release")))
        )
        await somebody_waits_for_a_lock(engine)
    assert (await waiting).lines == (line(),)
    assert await level(engine) == (1, 0, 0)
    assert await unbalanced(engine) == []


async def test_counts_and_sales_at_once_leave_the_books_balanced(engine: AsyncEngine) -> None:
    await stock(engine, 100)

    async def count(n: int) -> Any:
        wish = StockMovement(
            key=OperationKey(f"count{n}"),
            at=AT,
            kind=MovementKind.COUNT,
            sku=Sku("A"),
            location_id=StoreId("S1"),
            quantity=90 + n,
        )
        return await committed(engine, lambda i: i.move(wish))

    async def buy(n: int) -> Any:
        await committed(engine, lambda i: i.allocate_directly(reserve(f"o{n}", line())))
        return await committed(engine, lambda i: i.consume(consume(f"o{n}", line())))

    await asyncio.gather(*(count(n) for n in range(10)), *(buy(n) for n in range(40)))
    on_hand, allocated, reserved = await level(engine)
    assert 50 <= on_hand <= 99
    assert (allocated, reserved) == (0, 0)
    assert await unbalanced(engine) == []


async def test_a_refused_reservation_and_the_callers_record_share_one_transaction(engine: AsyncEngine) -> None:
    await stock(engine, 1)
    async with engine.begin() as connection:
        inventory = PostgresInventory(connection)
        with pytest.raises(OutOfStock):
            await inventory.reserve(reserve("o1", line(quantity=2)))
        await inventory.reserve(reserve("o2", line(quantity=1)))
    assert await level(engine) == (1, 0, 1)


async def test_what_the_caller_rolls_back_never_happened(engine: AsyncEngine) -> None:
    await stock(engine, 1)
    async with engine.connect() as connection:
        await PostgresInventory(connection).reserve(reserve("o", line()))
        await connection.rollback()
    assert await level(engine) == (1, 0, 0)
    assert not isinstance(await committed(engine, lambda i: i.reserve(reserve("o", line()))), OutOfStock)


@pytest.mark.parametrize("change", ["UPDATE stock_movements SET on_hand = 9", "DELETE FROM stock_movements"])
async def test_the_ledger_cannot_be_rewritten(engine: AsyncEngine, change: str) -> None:
    await stock(engine, 1)
    with pytest.raises(DBAPIError, match="append-only"):
        async with engine.begin() as connection:
            await connection.execute(text(change))
    async with engine.connect() as connection:
        (kept,) = await PostgresInventory(connection).ledger()
    assert kept.on_hand == 1


async def test_availability_reads_levels_by_their_key_and_never_the_ledger(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.execute(
            text("""
            INSERT INTO stock_levels (sku, location_id, on_hand, allocated, reserved, set_aside, withheld)
            SELECT 'sku' || s, 'S' || l, 10, 0, 0, 0, 0 FROM generate_series(1, 2000) s, generate_series(1, 10) l""")
        )
        await connection.execute(text("ANALYZE stock_levels"))
        rows = await connection.execute(
            text("EXPLAIN " + str(statements.AVAILABILITY)),
            {"skus": [f"sku{n}" for n in range(20)], "locations": ["S1", "S2"], "channel": "web"},
        )
        plan = "\n".join(row[0] for row in rows)
    assert re.search(r"Index Scan using \w+ on stock_levels", plan)
    assert "stock_movements" not in plan
