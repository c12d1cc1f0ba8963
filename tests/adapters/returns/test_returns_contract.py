"""The records of returns, in memory and in PostgreSQL alike."""

from datetime import datetime
from typing import Any

import pytest

from adapters.records.port import OvertakenTry
from adapters.returns.port import ReturnChange, ReturnFilter, Written
from adapters.transaction.port import Transactions
from domain.actors import ENGINE
from domain.ids import OrderId, ReturnId, StoreId
from domain.returns.policy import ReturnPolicy, ReturnTerms
from domain.returns.returned import UnitPlace
from domain.returns.settling import Settled
from domain.returns.words import ReturnStatus
from domain.timeline import Event, Fact, TimelineEntry
from tests.adapters.records.sample_records import change as order_change
from tests.adapters.records.sample_records import entry as order_entry
from tests.adapters.records.sample_records import line as order_line
from tests.domain.sample_orders import PLACED, A, after
from tests.domain.sample_returns import a_return, returned_line

STORE = StoreId("S001")


def change(
    return_id: str = "r1",
    sequence: int = 1,
    quantity: int = 2,
    where: str = "awaited",
    at: datetime = PLACED,
    **fields: Any,
) -> ReturnChange:
    state = a_return(
        returned_line(quantity=quantity, where=where), return_id=return_id, version=sequence, store_id=STORE, **fields
    )
    return ReturnChange(
        return_id=state.return_id,
        order_id=state.order_id,
        sequence=sequence,
        at=at,
        view=state.view(),
        claimed=state.claimed(),
        accepted={line.line_id: line.count(UnitPlace.ACCEPTED) for line in state.lines},
        refunded=0,
    )


async def test_a_late_retry_does_not_overwrite_what_is_newer(transactions: Transactions) -> None:
    async with transactions.begin() as books:
        assert await books.returns.write(change(sequence=1)) is Written.NEW
        assert await books.returns.write(change(sequence=2, where="received")) is Written.NEW
        assert await books.returns.write(change(sequence=2, where="received")) is Written.KNOWN
        found = await books.returns.get(ReturnId("r1"))
    assert found is not None
    assert (found.status, found.version) == (ReturnStatus.RECEIVED, 2)


async def test_what_a_try_wrote_that_died_is_replaced(transactions: Transactions) -> None:
    died, again = change(sequence=2, where="received"), change(sequence=2, quantity=1, at=after(seconds=4))
    async with transactions.begin() as books:
        await books.returns.write(change(sequence=1))
        await books.returns.write(died)
        assert await books.returns.write(again) is Written.INSTEAD
        assert await books.returns.claimed(died.order_id) == {A: 1}
        with pytest.raises(OvertakenTry):
            await books.returns.write(died)


async def test_events_of_a_return_that_died_are_taken_back(transactions: Transactions) -> None:
    def told(return_id: str, seconds: int) -> TimelineEntry:
        fact = Fact(return_id=return_id)
        return TimelineEntry(at=after(seconds=seconds), event=Event.RETURN_RECEIVED, actor=ENGINE, data=fact)

    async with transactions.begin() as books:
        await books.records.write(order_change("o1", lines=[order_line(A)], events=[order_entry()]))
        for entry in (told("r1", 1), told("r2", 3), told("r1", 3)):
            await books.records.append(OrderId("o1"), entry)
        await books.records.take_back(OrderId("o1"), ReturnId("r1"), after(seconds=1))
        kept = [each.entry for each in await books.records.timeline(OrderId("o1"), after=0, limit=9)]
    assert kept == [order_entry(), told("r1", 1), told("r2", 3)]


async def test_claims_are_counted_over_all_returns_but_ones_own(transactions: Transactions) -> None:
    async with transactions.begin() as books:
        await books.returns.write(change("r1", quantity=2))
        await books.returns.write(change("r2", quantity=1))
        await books.returns.write(change("r3", quantity=4, where="refused"))
        await books.returns.write(change("r4", quantity=8, order_id="another"))
        assert await books.returns.claimed(OrderId("o1")) == {A: 3}
        assert (await books.returns.claimed(OrderId("o1"), but_for=ReturnId("r1")))[A] == 1


async def test_settlements_are_kept_in_the_order_of_their_working_out(transactions: Transactions) -> None:
    settled = [Settled(n=n, units={A: 1}, goods={A: 100}, refund=100) for n in (1, 2)]
    async with transactions.begin() as books:
        await books.returns.add_settlement(ReturnId("r2"), OrderId("o1"), settled[0])
        await books.returns.add_settlement(ReturnId("r1"), OrderId("o1"), settled[0])
        await books.returns.add_settlement(ReturnId("r2"), OrderId("o1"), settled[1])
        await books.returns.add_settlement(ReturnId("r9"), OrderId("another"), settled[0])
        found = await books.returns.settlements(OrderId("o1"))
    assert [(return_id, each.n) for return_id, each in found] == [("r2", 1), ("r1", 1), ("r2", 2)]


async def test_returns_are_found_newest_first_page_by_page(transactions: Transactions) -> None:
    async with transactions.begin() as books:
        for n in range(4):
            await books.returns.write(change(f"r{n}", requested_at=after(minutes=n)))
        first = await books.returns.find(ReturnFilter(order_id=OrderId("o1")), after=None, limit=3)
        last = first[-1]
        rest = await books.returns.find(ReturnFilter(), after=(last.requested_at, last.return_id), limit=3)
        none = await books.returns.find(ReturnFilter(status=ReturnStatus.SETTLED), after=None, limit=3)
    assert [each.return_id for each in (*first, *rest)] == ["r3", "r2", "r1", "r0"]
    assert not none


async def test_a_store_sees_what_it_has_to_do_and_ops_what_waits_for_a_person(transactions: Transactions) -> None:
    async with transactions.begin() as books:
        await books.returns.write(change("r1"))
        await books.returns.write(change("r2", where="declined", finished=True))
        assert [each.return_id for each in await books.returns.work_at(STORE, limit=9)] == ["r1"]
        assert await books.returns.work_at(StoreId("S002"), limit=9) == []
        assert await books.returns.asking(limit=9) == []
        assert await books.returns.open_of("C-1") == ["r1"]
        assert [each.return_id for each in await books.returns.of_order(OrderId("o1"))] == ["r1", "r2"]


async def test_a_version_of_the_policy_is_never_changed(transactions: Transactions) -> None:
    first = ReturnPolicy(name="shop", version=1, terms=ReturnTerms(fee=100))
    async with transactions.begin() as books:
        assert await books.return_policies.newest_version() == 0
        assert await books.return_policies.newest() is None
        assert await books.return_policies.add(first, PLACED, "ops")
        assert not await books.return_policies.add(first.model_copy(update={"name": "other"}), PLACED, "ops")
        assert await books.return_policies.add(first.model_copy(update={"version": 2}), PLACED, "ops")
        assert await books.return_policies.version(1) == first
        assert await books.return_policies.newest_version() == 2
        assert [each.version for each in await books.return_policies.all()] == [2, 1]


async def test_an_order_shows_what_came_back_of_it(transactions: Transactions) -> None:
    """In PostgreSQL; the records in memory stand alone."""
    async with transactions.begin() as books:
        await books.records.write(order_change("o1", lines=[order_line(A)]))
        done = change(where="accepted").model_copy(update={"refunded": 700})
        await books.returns.write(done)
        found = await books.records.order(OrderId("o1"))
        page = await books.returns.of_order(OrderId("o1"))
    assert found is not None
    assert [each.status for each in page] == [ReturnStatus.INSPECTED]
    if type(transactions).__name__ == "PostgresTransactions":
        assert (found.lines[0].returned, found.payment.refunded) == (2, 700)
