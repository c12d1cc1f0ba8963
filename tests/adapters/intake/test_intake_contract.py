"""One channel and external id is one order, in memory and in PostgreSQL alike."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.intake.port import Intake, IntakeState, LateStart
from adapters.keys.master import MasterKeys
from adapters.keys.port import CustomerRef
from adapters.keys.postgres import PostgresCustomerKeys
from adapters.postgres.transaction import PostgresTransactions
from adapters.transaction.memory import MemoryTransaction, MemoryTransactions
from adapters.transaction.port import Transactions
from domain.ids import OrderId, order_workflow_id
from tests.adapters.intake.sample_intake import NOW, A, B, C, intake


async def promise(transactions: Transactions, wanted: Intake, start: bytes = b"start") -> Intake:
    async with transactions.begin() as books:
        return await books.intake.promise(wanted, start)


def starts(late: Sequence[LateStart]) -> list[tuple[OrderId, bytes]]:
    return [(each.order_id, each.start) for each in late]


async def test_a_promise_claims_the_identity_for_ever(transactions: Transactions) -> None:
    assert await promise(transactions, intake(A)) == intake(A)
    assert await promise(transactions, intake(B, content_hash="1" * 64)) == intake(A)
    async with transactions.begin() as books:
        await books.intake.taken(A)
    taken = intake(A, state=IntakeState.TAKEN)
    assert await promise(transactions, intake(B)) == taken
    async with transactions.begin() as books:
        assert await books.intake.by_external_id("web", "W-1") == taken
        assert await books.intake.by_order(A) == taken
        assert await books.intake.by_order(B) is None


async def test_the_same_promise_twice_is_one(transactions: Transactions) -> None:
    assert await promise(transactions, intake(A), b"first") == intake(A)
    assert await promise(transactions, intake(A), b"second") == intake(A)
    async with transactions.begin() as books:
        assert starts(await books.intake.overdue(NOW + timedelta(seconds=1), 10)) == [(A, b"first")]


async def test_two_channels_may_use_one_external_id(transactions: Transactions) -> None:
    await promise(transactions, intake(A))
    assert await promise(transactions, intake(B, channel="app")) == intake(B, channel="app")
    async with transactions.begin() as books:
        assert await books.intake.by_external_id("app", "W-1") == intake(B, channel="app")
        assert await books.intake.by_external_id("app", "W-2") is None


async def test_an_order_id_is_no_second_orders(transactions: Transactions) -> None:
    await promise(transactions, intake(A))
    with pytest.raises(ValueError, match="make a new order id"):
        await promise(transactions, intake(A, "W-2"))


async def test_a_refused_order_frees_its_external_id(transactions: Transactions) -> None:
    await promise(transactions, intake(A))
    async with transactions.begin() as books:
        await books.intake.forget(A)
        await books.intake.forget(C)
    assert await promise(transactions, intake(B)) == intake(B)


async def test_a_promise_that_was_rolled_back_claims_nothing(transactions: Transactions) -> None:
    async def lost() -> None:
        async with transactions.begin() as books:
            await books.intake.promise(intake(A), b"start")
            raise ConnectionError

    with pytest.raises(ConnectionError):
        await lost()
    assert await promise(transactions, intake(B)) == intake(B)


async def test_of_many_promises_at_one_moment_one_is_kept(transactions: Transactions) -> None:
    answers = await asyncio.gather(*(promise(transactions, intake(f"o{n}")) for n in range(20)))
    assert len({answer.order_id for answer in answers}) == 1
    async with transactions.begin() as books:
        assert await books.intake.by_external_id("web", "W-1") == answers[0]


async def test_one_promise_made_many_times_at_one_moment_is_one(transactions: Transactions) -> None:
    for number in range(5):
        wanted = intake(f"o{number}", f"W-{number}")
        assert set(map(repr, await asyncio.gather(*(promise(transactions, wanted) for _ in range(8))))) == {
            repr(wanted)
        }


async def test_promises_survive_that_the_first_one_is_being_forgotten(transactions: Transactions) -> None:
    """Whoever is told of another order can find it, or it has just been refused; nobody waits for ever."""

    async def refused(n: int) -> None:
        mine = intake(f"o{n:02}")
        while (known := await promise(transactions, mine)) != mine:
            assert known.external_id == mine.external_id
        async with transactions.begin() as books:
            await books.intake.forget(mine.order_id)

    async with asyncio.timeout(60):
        await asyncio.gather(*(refused(n) for n in range(10)))
    async with transactions.begin() as books:
        assert await books.intake.by_external_id("web", "W-1") is None


async def test_promises_that_were_not_kept_are_found_oldest_first(transactions: Transactions) -> None:
    await promise(transactions, intake(B, "W-2", promised_at=NOW + timedelta(seconds=1)), b"b")
    await promise(transactions, intake(A, "W-1", promised_at=NOW + timedelta(seconds=1)), b"a")
    await promise(transactions, intake(C, "W-3", promised_at=NOW), b"c")
    await promise(transactions, intake("od", "W-4", promised_at=NOW), b"d")
    async with transactions.begin() as books:
        await books.intake.taken(OrderId("od"))
        await books.intake.taken(OrderId("unknown"))
        late = NOW + timedelta(seconds=2)
        assert starts(await books.intake.overdue(late, 10)) == [(C, b"c"), (A, b"a"), (B, b"b")]
        assert starts(await books.intake.overdue(late, 1)) == [(C, b"c")]
        assert starts(await books.intake.overdue(NOW + timedelta(seconds=1), 10)) == [(C, b"c")], "strictly before"


async def test_a_start_that_failed_lets_the_others_pass_and_is_shown(transactions: Transactions) -> None:
    await promise(transactions, intake(A, "W-1", promised_at=NOW), b"a")
    await promise(transactions, intake(B, "W-2", promised_at=NOW + timedelta(seconds=1)), b"b")
    late = NOW + timedelta(seconds=60)
    async with transactions.begin() as books:
        await books.intake.put_off(A, NOW + timedelta(seconds=30))
        assert starts(await books.intake.overdue(late, 1)) == [(B, b"b")]
        await books.intake.put_off(A, None)
        assert starts(await books.intake.overdue(late, 9)) == [(B, b"b")]
        (given_up,) = await books.intake.late(9)
        assert (given_up.order_id, given_up.promised_at, given_up.tries, given_up.next_try_at) == (A, NOW, 2, None)
        assert await books.intake.try_again(A, NOW)
        assert starts(await books.intake.overdue(late, 9)) == [(A, b"a"), (B, b"b")]
        await books.intake.taken(A)
        assert not await books.intake.try_again(A, NOW)
        await books.intake.put_off(A, late)
        assert await books.intake.late(9) == []


@pytest.mark.parametrize("where", ["memory", "postgres"])
async def test_an_order_that_was_just_promised_counts_among_its_customers(
    where: str, books_engine: AsyncEngine
) -> None:
    """It has no record yet, and its history is sealed with the customer's key."""
    transactions: Transactions
    if where == "memory":
        transactions = MemoryTransactions(MemoryTransaction({A: "C-1", B: "C-2"}.get))
    else:
        transactions = PostgresTransactions(books_engine)
        keys = PostgresCustomerKeys(books_engine, MasterKeys(bytes(32)))
        for order_id, customer in ((A, "C-1"), (B, "C-2")):
            key = await keys.key_for_customer(CustomerRef(customer), NOW)
            await keys.bind(order_workflow_id(order_id), key.id)
    await promise(transactions, intake(A))
    await promise(transactions, intake(B, "W-2"))
    async with transactions.begin() as books:
        assert await books.records.open_orders_of("C-1") == [A]
        await books.intake.taken(A)
        assert await books.records.open_orders_of("C-1") == []
