"""Supply is given to who waits, in order; and what a new order is told when it asks for more than there is."""

import asyncio
from collections.abc import Awaitable
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.exceptions import ApplicationError

from activities import supply
from activities.claiming import Claim, Claimed, ClaimSteps
from activities.milestones import Forgotten, Milestones, StockOperation, StockStep
from activities.supply import Supplies
from adapters.backorders.port import Party
from adapters.fraud.port import ScreeningRequest, Verdict
from adapters.fraud.simulator import SimulatedScreening
from adapters.inventory.merging import MergedReservations
from adapters.inventory.port import BufferRule, Reserve, Reserved, StockMovement
from adapters.postgres.transaction import PostgresTransactions
from adapters.transaction.port import Transactions
from domain.actors import Channel
from domain.groups import GroupStatus
from domain.ids import LineId, OperationKey, OrderId, Sku, StoreId
from domain.money import Money
from domain.stock import MovementKind, StockLine
from tests.adapters.backorders.test_backorders_contract import AT, BULB, LAMP, S1, A, B, C, join, queue, rule, waiting
from tests.adapters.backorders.test_backorders_contract import wanted as wants
from tests.adapters.records.sample_records import change, group


class AtOnce:
    """Reservations in transactions of their own, for books of either kind."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    async def reserve(self, request: Reserve) -> Reserved:
        async with self._transactions.begin() as books:
            return await books.inventory.reserve(request)


async def receives(transactions: Transactions, quantity: int, sku: Sku = LAMP, at: StoreId = S1) -> None:
    async with transactions.begin() as books:
        levels = await books.inventory.ledger()
        key = OperationKey(f"receipt-{len(levels)}")
        await books.inventory.move(
            StockMovement(key=key, at=AT, kind=MovementKind.RECEIPT, sku=sku, location_id=at, quantity=quantity)
        )


async def stands(transactions: Transactions, *orders: OrderId, backordered: bool = True, sequence: int = 1) -> None:
    """The orders are on record, and wait."""
    async with transactions.begin() as books:
        for order in orders:
            there = group(order, status=GroupStatus.WAITING, backordered=backordered)
            await books.records.write(change(order, sequence=sequence, lines=[], groups=[there]))


async def served(transactions: Transactions) -> list[str]:
    return [party.order_id for party in await Supplies(transactions, nobody).serve(None, AT)]


async def nobody(order_id: OrderId, n: int, at: StoreId) -> None:
    return None


async def reserved(transactions: Transactions) -> dict[str, int]:
    async with transactions.begin() as books:
        return {
            sku: sum(level.reserved for level in levels if level.sku == sku)
            for levels in [await books.inventory.levels(None, None)]
            for sku in sorted({level.sku for level in levels})
        }


async def test_supply_goes_to_the_first_then_to_the_next(transactions: Transactions) -> None:
    await rule(transactions, 9)
    for order in (C, A, B):
        await join(transactions, order)
    await stands(transactions, A, B, C)
    await receives(transactions, 2)
    assert await served(transactions) == [C, A]
    assert await reserved(transactions) == {"LAMP": 2}
    assert await served(transactions) == []
    await receives(transactions, 5)
    assert await served(transactions) == [B]


async def test_who_needs_two_things_is_served_when_both_are_there_and_holds_up_nobody(
    transactions: Transactions,
) -> None:
    await rule(transactions, 9)
    await rule(transactions, 9, BULB)
    await join(transactions, A, wants(1, line="1"), wants(3, BULB, line="2"))
    await join(transactions, B)
    await stands(transactions, A, B)
    await receives(transactions, 1)
    await receives(transactions, 2, BULB)
    assert await served(transactions) == [B]
    await receives(transactions, 1)
    assert await served(transactions) == []
    assert await queue(transactions) == [A]
    await receives(transactions, 1, BULB)
    assert await served(transactions) == [A]
    assert await reserved(transactions) == {"BULB": 3, "LAMP": 2}


async def test_what_a_channel_may_not_sell_is_not_given_to_its_customers(transactions: Transactions) -> None:
    await rule(transactions, 9)
    await join(transactions, A)
    await stands(transactions, A)
    async with transactions.begin() as books:
        await books.inventory.set_buffer(BufferRule(sku=LAMP, channel="web", quantity=2))
    await receives(transactions, 2)
    assert await served(transactions) == []
    await receives(transactions, 1)
    assert await served(transactions) == [A]


async def test_an_order_that_may_yet_be_refused_is_passed_over_and_keeps_its_place(transactions: Transactions) -> None:
    await rule(transactions, 9)
    await join(transactions, A)
    await join(transactions, B)
    await stands(transactions, B)
    await receives(transactions, 1)
    assert await served(transactions) == [B]
    await stands(transactions, A)
    await receives(transactions, 1)
    assert await served(transactions) == [A]


async def test_a_place_that_nobody_waits_on_is_given_up(transactions: Transactions) -> None:
    await rule(transactions, 9)
    await join(transactions, A)
    await stands(transactions, A, backordered=False)
    await receives(transactions, 1)
    assert await served(transactions) == []
    assert await waiting(transactions) == {("LAMP", "*"): 0}
    assert await queue(transactions) == []


async def test_who_cannot_be_told_at_once_does_not_undo_what_was_given(transactions: Transactions) -> None:
    await rule(transactions, 9)
    for order in (A, B):
        await join(transactions, order)
    await stands(transactions, A, B)
    await receives(transactions, 2)
    told = []

    async def tell(order_id: OrderId, n: int, at: StoreId) -> None:
        if order_id == A:
            raise ConnectionError
        told.append((order_id, n, at))

    await Supplies(transactions, tell).came([(LAMP, S1)], AT)
    assert told == [(B, 1, S1)]
    async with transactions.begin() as books:
        assert [party.order_id for party in await books.backorders.served(9)] == [A, B]


async def test_a_queue_longer_than_one_look_is_served_to_its_end(
    transactions: Transactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supply, "BATCH", 2)
    await rule(transactions, 9)
    orders = [OrderId(f"o{number}") for number in range(5)]
    for order in orders:
        await join(transactions, order, wants(2 if order == "o1" else 1))
    await stands(transactions, *orders)
    await receives(transactions, 4)
    assert await served(transactions) == ["o0", "o1", "o2"]
    await receives(transactions, 9)
    assert await served(transactions) == ["o3", "o4"]


async def test_who_waits_at_no_certain_place_is_told_when_one_has_it_all(transactions: Transactions) -> None:
    await rule(transactions, 9)
    anywhere = StoreId("*")
    await join(transactions, A, wants(2, at=anywhere))
    await join(transactions, B, wants(1, at=anywhere))
    await join(transactions, C, wants(1))
    await stands(transactions, A, B, C)
    await receives(transactions, 1, at=StoreId("S2"))
    assert await served(transactions) == [B]
    await receives(transactions, 4)
    assert await served(transactions) == [A, B, C]
    assert await reserved(transactions) == {"LAMP": 1}, "only who waits at a place has it reserved there"
    assert await queue(transactions) == [A, B], "the others wait until the rules of routing have chosen"


# --- a new order -----------------------------------------------------------------------------------------------------


def claim(order: OrderId, *lines: StockLine, groups: dict[LineId, int] | None = None) -> Claim:
    return Claim(
        order_id=order,
        at=AT,
        stock=StockStep(
            operation=StockOperation.RESERVE,
            key=OperationKey(f"{order}:reserve"),
            lines=lines,
            channel=Channel.WEB,
        ),
        places=[S1],
        groups={line.line_id: 1 for line in lines} if groups is None else groups,
    )


def line(quantity: int = 1, sku: Sku = LAMP, name: str = "1") -> StockLine:
    return StockLine(line_id=LineId(name), sku=sku, location_id=S1, quantity=quantity)


def claims(transactions: Transactions) -> ClaimSteps:
    return ClaimSteps(transactions, AtOnce(transactions), SimulatedScreening())


def with_screening(made: Claim) -> Claim:
    asked = ScreeningRequest(
        order_id=made.order_id, attempt=1, customer_ref="C-1", amount=Money(amount=100, currency="EUR"), channel="web"
    )
    return made.model_copy(update={"screening": asked})


async def is_out_of_stock(claimed: Awaitable[Claimed]) -> list[tuple[int, int]]:
    with pytest.raises(ApplicationError) as refused:
        await claimed
    assert refused.value.type == "OutOfStock"
    return [(each.asked, each.available) for each in refused.value.details[0]]


async def test_what_is_in_stock_is_held_and_the_rest_waits_line_by_line(transactions: Transactions) -> None:
    await rule(transactions, 9)
    await receives(transactions, 4)
    stores = await claims(transactions).claim_stock(claim(A, line(3), line(2, name="2"), line(1, name="3")))
    assert [(each.n, each.lines) for each in stores.waiting] == [(1, ["2"])]
    assert await reserved(transactions) == {"LAMP": 4}
    assert await waiting(transactions) == {("LAMP", "*"): 2}


async def test_a_claim_that_is_made_again_is_answered_as_at_first(transactions: Transactions) -> None:
    await rule(transactions, 9, expected_at=AT + timedelta(days=9))
    await receives(transactions, 1)
    made = claim(A, line(1), line(2, name="2"))
    first = await claims(transactions).claim_stock(made)
    assert await claims(transactions).claim_stock(made) == first
    await receives(transactions, 9)
    assert await claims(transactions).claim_stock(made) == first, "also when stock has come meanwhile"
    assert (first.waiting[0].expected_at, await reserved(transactions)) == (AT + timedelta(days=9), {"LAMP": 1})
    assert await waiting(transactions) == {("LAMP", "*"): 2}


async def test_what_is_missing_is_said_of_the_whole_order(transactions: Transactions) -> None:
    await receives(transactions, 4)
    made = claim(A, line(3), line(2, name="2"))
    assert await is_out_of_stock(claims(transactions).claim_stock(made)) == [(5, 4)]
    await rule(transactions, 1)
    assert await is_out_of_stock(claims(transactions).claim_stock(made)) == [(5, 4)]
    assert await is_out_of_stock(claims(transactions).claim_stock(claim(B, line(9), groups={}))) == [(9, 4)]
    assert (await reserved(transactions), await queue(transactions)) == ({"LAMP": 0}, [])


async def test_an_order_is_screened_once_it_has_its_units(transactions: Transactions) -> None:
    asked: list[str] = []

    class Strict:
        async def screen(self, request: ScreeningRequest) -> Verdict:
            asked.append(request.order_id)
            return Verdict.DECLINE

    steps = ClaimSteps(transactions, AtOnce(transactions), Strict())
    await receives(transactions, 1)
    screened = {order: with_screening(claim(order, line(units))) for order, units in ((A, 2), (B, 1))}
    await is_out_of_stock(steps.claim_stock(screened[A]))
    assert (await steps.claim_stock(screened[B])).verdict is Verdict.DECLINE
    assert asked == [B]
    assert await reserved(transactions) == {"LAMP": 1}, "who declines frees"


async def test_freed_units_go_to_the_queue_and_not_to_the_next_buyer(transactions: Transactions) -> None:
    await rule(transactions, 9)
    await receives(transactions, 1)
    steps, milestones = claims(transactions), Milestones(transactions)
    told: list[str] = []

    async def tell(order_id: OrderId, n: int, at: StoreId) -> None:
        told.append(order_id)

    milestones.supplies = Supplies(transactions, tell)
    await steps.claim_stock(claim(A, line()))
    await steps.claim_stock(claim(B, line()))
    await stands(transactions, B)
    release = StockStep(operation=StockOperation.RELEASE, key=OperationKey("A:forget"), lines=(line(),))
    await milestones.forget_order(Forgotten(order_id=A, at=AT, release=release))
    assert told == [B]
    assert (await steps.claim_stock(claim(C, line()))).waiting[0].lines == ["1"]


async def test_many_buyers_of_a_few_units_and_a_cap(books_engine: AsyncEngine) -> None:
    transactions = PostgresTransactions(books_engine)
    await rule(transactions, 10)
    await receives(transactions, 3)
    steps = ClaimSteps(transactions, MergedReservations(books_engine), SimulatedScreening())
    answers = await asyncio.gather(
        *(steps.claim_stock(claim(OrderId(f"o{number}"), line())) for number in range(50)), return_exceptions=True
    )
    stand = [answer for answer in answers if isinstance(answer, Claimed)]
    assert (len([each for each in stand if not each.waiting]), len([each for each in stand if each.waiting])) == (3, 10)
    assert {type(answer) for answer in answers} == {Claimed, ApplicationError}
    assert await reserved(transactions) == {"LAMP": 3}
    assert await waiting(transactions) == {("LAMP", "*"): 10}


async def test_two_who_serve_at_once_give_nothing_twice(books_engine: AsyncEngine) -> None:
    transactions = PostgresTransactions(books_engine)
    await rule(transactions, 99)
    orders = [OrderId(f"o{number:02}") for number in range(20)]
    for order in orders:
        await join(transactions, order, wants())
    await stands(transactions, *orders)
    await receives(transactions, 15)
    rounds = await asyncio.gather(*(Supplies(transactions, nobody).serve(None, AT) for _ in range(4)))
    given: list[Party] = [party for parties in rounds for party in parties]
    assert sorted(party.order_id for party in given) == orders[:15]
    assert await reserved(transactions) == {"LAMP": 15}
    assert await queue(transactions) == orders[15:]
