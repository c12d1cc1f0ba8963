"""Queues of shipments and the runs that broker them: in memory and in PostgreSQL alike."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.brokering.port import (
    AssignedPart,
    Assignment,
    Outcome,
    Position,
    QueuedGroup,
    QueueLength,
    Run,
    RunCounts,
    RunState,
    Waiting,
)
from adapters.postgres.transaction import PostgresTransactions
from adapters.transaction.port import Transactions
from domain.ids import LineId, OperationKey, OrderId, StoreId
from tests.domain.sourcing.sample_sourcing import line, order

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
A, B, C = (OrderId(name) for name in ("o-a", "o-B", "o-c"))
"""By their bytes a capital comes first, whatever a database's language says."""
FAR = AT + timedelta(days=1)


def waits(order_id: OrderId, n: int = 1, *, minutes: float = 0, queue: str = "standard", **more: Any) -> QueuedGroup:
    request = order(line(1, "A", 2), name=order_id)
    return QueuedGroup(n=n, queue=queue, since=AT + timedelta(minutes=minutes), request=request, **more)


def run(name: str, *, minutes: float = 0, queue: str = "standard", **more: Any) -> Run:
    started = AT + timedelta(minutes=minutes)
    return Run(run=name, queue=queue, by="ada", started_at=started, rules="default", rules_version=1, **more)


def whose(found: Iterable[Waiting]) -> list[tuple[OrderId, int]]:
    return [(each.order_id, each.group.n) for each in found]


async def test_who_came_first_stands_first_and_a_page_goes_on_where_the_last_one_ended(
    transactions: Transactions,
) -> None:
    async with transactions.begin() as books:
        await books.brokering.enter(C, waits(C))
        await books.brokering.enter(A, waits(A, 2, minutes=1))
        await books.brokering.enter(A, waits(A, 10, minutes=1))
        await books.brokering.enter(B, waits(B, minutes=1))
        await books.brokering.enter(OrderId("o-d"), waits(OrderId("o-d"), queue="express"))
    async with transactions.begin() as books:
        every = await books.brokering.waiting("standard", after=None, until=FAR, limit=10)
        assert whose(every) == [(C, 1), (B, 1), (A, 2), (A, 10)]
        assert every[0].group == waits(C)
        page = await books.brokering.waiting("standard", after=None, until=FAR, limit=2)
        rest = await books.brokering.waiting("standard", after=page[-1].place, until=FAR, limit=10)
        assert whose([*page, *rest]) == whose(every)
        assert await books.brokering.waiting("standard", after=rest[-1].place, until=FAR, limit=10) == []
        early = await books.brokering.waiting("standard", after=None, until=AT, limit=10)
        assert whose(early) == [(C, 1)], "who came after a run began waits for the next one"


async def test_a_shipment_is_in_one_queue_at_a_time(transactions: Transactions) -> None:
    held = {StoreId("S1"): {LineId("1"): 2}}
    async with transactions.begin() as books:
        await books.brokering.enter(A, waits(A))
        await books.brokering.enter(A, waits(A, minutes=5, queue="rejected", held=held))
        assert await books.brokering.queue_of(A, 1) == "rejected"
        assert await books.brokering.queue_of(A, 2) is None
        assert await books.brokering.waiting("standard", after=None, until=FAR, limit=10) == []
        [there] = await books.brokering.waiting("rejected", after=None, until=FAR, limit=10)
        assert (there.group.held, there.place) == (held, Position(AT + timedelta(minutes=5), A, 1))


async def test_one_shipment_leaves_or_all_of_an_order(transactions: Transactions) -> None:
    async with transactions.begin() as books:
        for order_id, n in ((A, 1), (A, 2), (A, 3), (B, 1)):
            await books.brokering.enter(order_id, waits(order_id, n))
        await books.brokering.leave(A, 2)
        await books.brokering.leave(A, 9)
        assert whose(await books.brokering.waiting("standard", after=None, until=FAR, limit=10)) == [
            (B, 1),
            (A, 1),
            (A, 3),
        ]
        await books.brokering.leave(A)
        assert whose(await books.brokering.waiting("standard", after=None, until=FAR, limit=10)) == [(B, 1)]


async def test_the_length_of_a_queue_and_since_when_somebody_waits_in_it(transactions: Transactions) -> None:
    async with transactions.begin() as books:
        assert list(await books.brokering.lengths()) == []
        await books.brokering.enter(A, waits(A, minutes=3))
        await books.brokering.enter(B, waits(B, minutes=2))
        await books.brokering.enter(C, waits(C, queue="express"))
        assert list(await books.brokering.lengths()) == [
            QueueLength(queue="express", waiting=1, since=AT),
            QueueLength(queue="standard", waiting=2, since=AT + timedelta(minutes=2)),
        ]


async def test_only_those_who_wait_are_locked_and_as_they_are_now(transactions: Transactions) -> None:
    async with transactions.begin() as books:
        await books.brokering.enter(A, waits(A))
        await books.brokering.enter(B, waits(B, minutes=1))
        found = await books.brokering.lock([(B, 1), (A, 1), (C, 1), (A, 2)])
        assert found == {(A, 1): waits(A), (B, 1): waits(B, minutes=1)}
        assert await books.brokering.lock([]) == {}


async def test_what_is_locked_neither_leaves_nor_changes_meanwhile(books_engine: AsyncEngine) -> None:
    transactions = PostgresTransactions(books_engine)
    async with transactions.begin() as books:
        await books.brokering.enter(A, waits(A))

    async def cancel() -> None:
        async with transactions.begin() as books:
            await books.brokering.leave(A)

    async with transactions.begin() as books:
        assert await books.brokering.lock([(A, 1)]) == {(A, 1): waits(A)}
        leaving = asyncio.ensure_future(cancel())
        done, _ = await asyncio.wait({leaving}, timeout=0.3)
        assert not done, "it waits for who decides"
    await leaving
    async with transactions.begin() as books:
        assert await books.brokering.queue_of(A, 1) is None


async def test_a_run_is_kept_as_it_is_now(transactions: Transactions) -> None:
    part = AssignedPart(location_id=StoreId("S1"), lines={LineId("1"): 2}, capacity=OperationKey("r-1:o-a:1:1"))
    told = Assignment(order_id=A, n=1, lines={LineId("1"): 2}, parts=(part,), then="unfillable", moved=True)
    begun = run("r-1", after=Position(AT, A, 1), assignments=(told,))
    async with transactions.begin() as books:
        assert await books.brokering.run("r-1") is None
        await books.brokering.put_run(run("r-1"))
        await books.brokering.put_run(begun)
    async with transactions.begin() as books:
        assert await books.brokering.run("r-1") == begun
        done = begun.model_copy(
            update={
                "state": RunState.DONE,
                "ended_at": AT + timedelta(minutes=1),
                "assignments": (told.model_copy(update={"outcome": Outcome.TAKEN}),),
                "counts": RunCounts(looked_at=1, brokered=1, parts=1),
            }
        )
        await books.brokering.put_run(done)
        assert list(await books.brokering.runs(limit=10)) == [done]


async def test_runs_are_listed_by_queue_and_state_the_newest_first(transactions: Transactions) -> None:
    async with transactions.begin() as books:
        await books.brokering.put_run(run("r-1"))
        await books.brokering.put_run(run("r-2", minutes=10, queue="economy"))
        await books.brokering.put_run(run("r-3", minutes=20, state=RunState.DONE, ended_at=FAR))
        await books.brokering.put_run(run("r-B", minutes=20))
        await books.brokering.put_run(run("r-a", minutes=20))

        async def names(*queue: str, **more: Any) -> list[str]:
            return [each.run for each in await books.brokering.runs(*queue, **{"limit": 10} | more)]

        assert await names() == ["r-a", "r-B", "r-3", "r-2", "r-1"]
        assert await names("standard", state=RunState.RUNNING) == ["r-a", "r-B", "r-1"]
        assert await names(limit=2, skip=1) == ["r-B", "r-3"]
        assert await names("rejected") == []


async def test_what_a_transaction_that_failed_did_was_never_done(transactions: Transactions) -> None:
    class Broken(Exception):
        pass

    try:
        async with transactions.begin() as books:
            await books.brokering.enter(A, waits(A))
            await books.brokering.put_run(run("r-1"))
            raise Broken
    except Broken:
        pass
    async with transactions.begin() as books:
        assert await books.brokering.queue_of(A, 1) is None
        assert await books.brokering.run("r-1") is None
