"""A return's steps in our books: units are claimed once, settlements share the cents, repetition is nothing."""

from typing import Any

import pytest
from temporalio.exceptions import ApplicationError

from activities.returns import TOO_MANY_UNITS, Restock, ReturnMilestone, ReturnSteps, SettleUnits
from adapters.payment.port import Payments
from adapters.records.port import OvertakenTry
from adapters.transaction.memory import MemoryTransactions
from domain.actors import ENGINE
from domain.ids import OperationKey, OrderId, ReturnId, Sku, StoreId
from domain.refunds import RefundPolicy
from domain.returns.returned import Return, UnitPlace
from domain.timeline import Event, Fact, TimelineEntry
from domain.views import PaymentView
from tests.adapters.records.sample_records import change as order_change
from tests.adapters.records.sample_records import entry, line
from tests.adapters.returns.test_returns_contract import change
from tests.domain.sample_orders import PLACED, A, after
from tests.domain.sample_returns import a_return, returned_line

ORDER, STORE, SKU = OrderId("o1"), StoreId("S001"), Sku("sku-A")


class NoPayments:
    """These steps ask for no money."""


@pytest.fixture
async def transactions() -> MemoryTransactions:
    """An order of three units for 100.00, all handed over and paid."""
    transactions = MemoryTransactions()
    came = line(A, SKU, handed_over=3).model_copy(update={"ordered": 3, "total": 10_000, "earned": 10_000})
    async with transactions.begin() as books:
        paid = PaymentView(captured=10_000)
        await books.records.write(order_change(ORDER, lines=[came], total=10_000, payment=paid))
    return transactions


@pytest.fixture
def steps(transactions: MemoryTransactions) -> ReturnSteps:
    payments: Payments = NoPayments()  # type: ignore[assignment]
    return ReturnSteps(transactions, payments)


def milestone(return_id: str = "r1", quantity: int = 2, sequence: int = 1, **more: Any) -> ReturnMilestone:
    return ReturnMilestone(change=change(return_id, sequence, quantity), events=[entry(Event.RETURN_REQUESTED)], **more)


def settling(return_id: str, units: int, n: int = 1) -> SettleUnits:
    return SettleUnits(
        return_id=ReturnId(return_id), order_id=ORDER, n=n, units={A: units}, policies={A: RefundPolicy()}
    )


async def events(transactions: MemoryTransactions) -> list[str]:
    async with transactions.begin() as books:
        found = await books.records.timeline(ORDER, after=0, limit=50)
    return [each.entry.event.value for each in found]


async def test_no_two_returns_have_a_claim_on_the_same_unit(
    steps: ReturnSteps, transactions: MemoryTransactions
) -> None:
    await steps.record_return(milestone("r1", 2))
    with pytest.raises(ApplicationError, match="1 units of line A can be returned, not 2") as refused:
        await steps.record_return(milestone("r2", 2))
    assert refused.value.type == TOO_MANY_UNITS
    assert await events(transactions) == ["return_requested"], "nothing of the refused one is left"
    await steps.record_return(milestone("r2", 1))


async def test_a_repeated_milestone_changes_nothing(steps: ReturnSteps, transactions: MemoryTransactions) -> None:
    restock = [Restock(key=OperationKey("k"), sku=SKU, store_id=STORE, quantity=2)]
    for _ in range(2):
        await steps.record_return(milestone(restock=restock))
    assert await events(transactions) == ["return_requested"]
    async with transactions.begin() as books:
        [level] = await books.inventory.levels([SKU], [STORE])
        [moved] = await books.inventory.ledger(SKU)
    assert (level.on_hand, level.available) == (2, 2)
    assert (moved.kind.value, moved.order_id) == ("returned", ORDER)


async def test_settlements_of_two_returns_share_the_cents_whichever_is_first(steps: ReturnSteps) -> None:
    first = await steps.settle_units(settling("r1", 1))
    second = await steps.settle_units(settling("r2", 2))
    assert (first.refund, second.refund) == (3333, 6667)
    assert await steps.settle_units(settling("r1", 1)) == first, "asked again, it comes to the same"
    with pytest.raises(ApplicationError):
        await steps.settle_units(settling("r3", 1))


def test_a_view_says_what_its_state_does() -> None:
    state: Return = a_return(returned_line(quantity=3, where="awaited"))
    state.lines[0].move(UnitPlace.AWAITED, UnitPlace.RECEIVED, 1)
    view = state.view()
    assert (view.lines[0].awaited, view.lines[0].received, view.requested_at) == (2, 1, PLACED)
    assert [wait.kind.value for wait in view.waiting_for] == ["return_arrival", "inspection"]


async def test_a_try_that_died_after_several_milestones_holds_up_nobody_who_does_them_again(
    transactions: MemoryTransactions, steps: ReturnSteps
) -> None:
    """Done again, the first of them has its old time, and what stands is younger: it is there already."""

    def told(sequence: int, event: Event, seconds: int) -> ReturnMilestone:
        at = after(seconds=seconds)
        fact = Fact(return_id=ReturnId("r1"))
        entry = TimelineEntry(at=at, event=event, actor=ENGINE, data=fact)
        return ReturnMilestone(change=change("r1", sequence, at=at), events=[entry])

    first, died = told(1, Event.RETURN_REQUESTED, 1), told(2, Event.RETURN_CLOSED, 2)
    for each in (first, died, first):
        await steps.record_return(each)
    assert await events(transactions) == ["return_requested", "return_closed"]
    never_told = told(1, Event.RETURN_RECEIVED, 1)
    with pytest.raises(OvertakenTry):
        await steps.record_return(never_told)
    assert await events(transactions) == ["return_requested", "return_closed"]
