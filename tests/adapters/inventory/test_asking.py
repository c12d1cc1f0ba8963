"""Who asks at the same moment shares a statement, and is answered as if alone."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.inventory import asking
from adapters.inventory.asking import MergedQuestions
from adapters.inventory.port import BufferRule, StockMovement
from adapters.inventory.postgres import PostgresInventory
from adapters.postgres.engine import make_engine
from domain.ids import OperationKey, Sku, StoreId
from domain.stock import MovementKind

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
S1, S2 = StoreId("S1"), StoreId("S2")


@pytest.fixture
def desk(engine: AsyncEngine) -> MergedQuestions:
    return MergedQuestions(engine)


@pytest.fixture
async def narrow(database_url: str, engine: AsyncEngine) -> AsyncIterator[AsyncEngine]:
    """A pool of one connection."""
    one = make_engine(database_url, pool_size=1, wait_seconds=1.0, application="narrow")
    yield one
    await one.dispose()


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many questions each statement has answered."""
    sizes: list[int] = []
    answer = asking._answer

    async def counted(connection: Any, batch: Sequence[Any]) -> None:
        sizes.append(len(batch))
        await answer(connection, batch)

    monkeypatch.setattr(asking, "_answer", counted)
    return sizes


async def arrive(engine: AsyncEngine, sku: str, quantity: int = 1, location: StoreId = S1, number: int = 1) -> None:
    async with engine.begin() as connection:
        await PostgresInventory(connection).move(
            StockMovement(
                key=OperationKey(f"{sku}-{location}-{number}"),
                at=AT,
                sku=Sku(sku),
                location_id=location,
                kind=MovementKind.RECEIPT,
                quantity=quantity,
            )
        )


async def available(desk: MergedQuestions, sku: str) -> int:
    [found] = await desk.availability([Sku(sku)], [S1])
    return found.available


async def test_each_gets_the_pairs_that_it_asked_for(desk: MergedQuestions, engine: AsyncEngine) -> None:
    await arrive(engine, "A", 3)
    await arrive(engine, "B", 2, S2)
    one, other, nothing = await asyncio.gather(
        desk.availability([Sku("B"), Sku("A"), Sku("A")], [S2, S1]),
        desk.availability([Sku("A"), Sku("C")], [S1]),
        desk.availability([], [S1]),
    )
    assert one == [("A", "S1", 3), ("A", "S2", 0), ("B", "S1", 0), ("B", "S2", 2)]
    assert other == [("A", "S1", 3), ("C", "S1", 0)]
    assert nothing == []


async def test_each_sees_the_stock_with_its_own_buffer(desk: MergedQuestions, engine: AsyncEngine) -> None:
    await arrive(engine, "A", 5)
    async with engine.begin() as connection:
        inventory = PostgresInventory(connection)
        await inventory.set_buffer(BufferRule(sku=Sku("A"), quantity=1))
        await inventory.set_buffer(BufferRule(sku=Sku("A"), channel="marketplace", quantity=4))
    seen = await asyncio.gather(
        *(desk.availability([Sku("A")], [S1], channel) for channel in (None, "web", "marketplace"))
    )
    assert [found.available for [found] in seen] == [4, 4, 1]


async def test_who_asks_together_shares_a_statement(
    desk: MergedQuestions, engine: AsyncEngine, statements: list[int]
) -> None:
    await arrive(engine, "A", 3)
    assert await asyncio.gather(*(available(desk, "A") for _ in range(50))) == [3] * 50
    assert statements == [50]


async def test_no_statement_answers_more_than_its_share(engine: AsyncEngine, statements: list[int]) -> None:
    desk = MergedQuestions(engine, most_at_once=20)
    assert await asyncio.gather(*(available(desk, "A") for _ in range(50))) == [0] * 50
    assert statements == [20, 20, 10]


async def test_what_was_committed_before_the_question_is_in_the_answer(
    desk: MergedQuestions, engine: AsyncEngine
) -> None:
    async def put_and_look(sku: str) -> list[int]:
        seen = []
        for number in range(1, 11):
            await arrive(engine, sku, number=number)
            seen.append(await available(desk, sku))
        return seen

    found = await asyncio.gather(*(put_and_look(f"SKU-{n}") for n in range(20)))
    assert found == [list(range(1, 11))] * 20


async def test_a_question_that_cannot_be_asked_fails_alone(desk: MergedQuestions, engine: AsyncEngine) -> None:
    await arrive(engine, "A", 3)
    wrong, right = await asyncio.gather(available(desk, "\0"), available(desk, "A"), return_exceptions=True)
    assert isinstance(wrong, psycopg.DataError)
    assert right == 3


async def test_who_left_is_not_waited_for(desk: MergedQuestions, engine: AsyncEngine) -> None:
    await arrive(engine, "A", 3)
    gone, stays = asyncio.create_task(available(desk, "A")), asyncio.create_task(available(desk, "A"))
    await asyncio.sleep(0)
    gone.cancel()
    assert await stays == 3
    assert gone.cancelled()


async def test_a_lost_connection_is_replaced(narrow: AsyncEngine, engine: AsyncEngine) -> None:
    desk = MergedQuestions(narrow)
    await arrive(engine, "A", 3)
    assert await available(desk, "A") == 3
    async with engine.begin() as connection:
        ended = await connection.execute(
            text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'narrow'")
        )
        assert ended.all() == [(True,)]
    assert await asyncio.gather(*(available(desk, "A") for _ in range(5))) == [3] * 5


async def test_without_a_connection_all_are_refused_and_later_ones_served(narrow: AsyncEngine) -> None:
    desk = MergedQuestions(narrow)
    async with narrow.connect():
        refused = await asyncio.gather(*(available(desk, "A") for _ in range(3)), return_exceptions=True)
    assert [type(each).__name__ for each in refused] == ["TimeoutError"] * 3
    assert await available(desk, "A") == 0


async def test_no_transaction_stays_open(narrow: AsyncEngine, engine: AsyncEngine) -> None:
    assert await available(MergedQuestions(narrow), "A") == 0
    async with engine.connect() as connection:
        states = await connection.scalars(text("SELECT state FROM pg_stat_activity WHERE application_name = 'narrow'"))
        assert states.all() == ["idle"]
