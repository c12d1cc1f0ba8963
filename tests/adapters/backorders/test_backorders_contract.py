"""What the queues for supply promise, in memory and in PostgreSQL alike."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters.backorders.port import BackorderRule, CapReached, Party, Wanted
from adapters.transaction.port import Transactions
from domain.ids import LineId, OrderId, Sku, StoreId
from domain.stock import StockLine

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
MAY = datetime(2026, 5, 1, tzinfo=UTC)
JUNE = datetime(2026, 6, 1, tzinfo=UTC)
A, B, C = (OrderId(name) for name in ("oa", "ob", "oc"))
S1, S2 = StoreId("S1"), StoreId("S2")
LAMP, BULB = Sku("LAMP"), Sku("BULB")


def wanted(quantity: int = 1, sku: Sku = LAMP, at: StoreId = S1, line: str = "1", *, beyond: bool = True) -> Wanted:
    return Wanted(StockLine(line_id=LineId(line), sku=sku, location_id=at, quantity=quantity), beyond)


async def rule(transactions: Transactions, cap: int, sku: Sku = LAMP, **more: Any) -> BackorderRule:
    async with transactions.begin() as books:
        return await books.backorders.put(BackorderRule(sku=sku, cap=cap, **more))


async def join(transactions: Transactions, order: OrderId, *lines: Wanted, n: int = 1) -> Party:
    async with transactions.begin() as books:
        return await books.backorders.join(order, n, lines or [wanted()], "web", AT)


async def waiting(transactions: Transactions) -> dict[tuple[str, str], int]:
    async with transactions.begin() as books:
        return {(each.sku, each.location_id): each.waiting for each in await books.backorders.rules()}


async def queue(transactions: Transactions, *places: tuple[Sku, StoreId]) -> list[str]:
    async with transactions.begin() as books:
        return [party.order_id for party in await books.backorders.queue(places or None)]


async def test_the_queue_is_in_order_of_placing(transactions: Transactions) -> None:
    await rule(transactions, 10)
    for order in (C, A, B):
        await join(transactions, order)
    assert await queue(transactions) == [C, A, B]
    assert await waiting(transactions) == {("LAMP", "*"): 3}


async def test_no_more_is_sold_than_the_cap_and_a_refusal_leaves_nothing(transactions: Transactions) -> None:
    await rule(transactions, 5, expected_at=MAY)
    await rule(transactions, 9, BULB)
    await join(transactions, A, wanted(3))
    with pytest.raises(CapReached) as refused:
        await join(transactions, B, wanted(1, BULB, line="1"), wanted(3, line="2"))
    assert [(each.sku, each.asked, each.available) for each in refused.value.missing] == [("LAMP", 3, 2)]
    assert await waiting(transactions) == {("BULB", "*"): 0, ("LAMP", "*"): 3}
    assert await queue(transactions) == [A]


async def test_lines_of_one_sku_are_counted_together(transactions: Transactions) -> None:
    await rule(transactions, 3)
    with pytest.raises(CapReached):
        await join(transactions, A, wanted(2), wanted(2, line="2"))
    with pytest.raises(CapReached):
        await join(transactions, A, wanted(2), wanted(2, at=S2, line="2"))


async def test_nothing_is_sold_beyond_stock_without_a_rule(transactions: Transactions) -> None:
    await rule(transactions, 3, location_id=S2)
    with pytest.raises(CapReached):
        await join(transactions, A)
    assert await queue(transactions) == []


async def test_the_rule_of_a_place_goes_before_that_of_all(transactions: Transactions) -> None:
    await rule(transactions, 9, expected_at=MAY)
    await rule(transactions, 1, location_id=S1, expected_at=JUNE)
    assert (await join(transactions, A)).expected_at == JUNE
    with pytest.raises(CapReached):
        await join(transactions, B)
    assert (await join(transactions, B, wanted(at=S2))).expected_at == MAY
    assert await waiting(transactions) == {("LAMP", "*"): 1, ("LAMP", "S1"): 1}


async def test_what_waits_only_for_others_needs_no_rule(transactions: Transactions) -> None:
    await rule(transactions, 1)
    party = await join(transactions, A, wanted(9, BULB, beyond=False), wanted())
    assert [(line.sku, line.quantity) for line in party.lines] == [("BULB", 9), ("LAMP", 1)]
    assert await waiting(transactions) == {("LAMP", "*"): 1}


async def test_a_group_that_asks_again_keeps_its_first_place(transactions: Transactions) -> None:
    await rule(transactions, 10)
    first = await join(transactions, A)
    await join(transactions, B)
    assert await join(transactions, A) == first
    assert await queue(transactions) == [A, B]
    assert await waiting(transactions) == {("LAMP", "*"): 2}


async def test_who_waits_at_one_place_or_anywhere_is_found_for_it(transactions: Transactions) -> None:
    await rule(transactions, 10)
    await join(transactions, A, wanted(at=S2))
    await join(transactions, B, wanted(at=StoreId("*")))
    await join(transactions, C, wanted(at=S1))
    assert await queue(transactions, (LAMP, S1)) == [B, C]
    assert await queue(transactions, (BULB, S1)) == []


async def test_the_queue_is_read_in_pages(transactions: Transactions) -> None:
    await rule(transactions, 50)
    await rule(transactions, 50, BULB)
    for number in range(5):
        await join(transactions, OrderId(f"o{number}"), wanted(line="1"), wanted(sku=BULB, line="2"))
    seen: list[str] = []
    after = 0
    async with transactions.begin() as books:
        while page := await books.backorders.queue([(BULB, S1)], after=after, limit=2):
            seen += [party.order_id for party in page]
            after = page[-1].position
    assert seen == [f"o{number}" for number in range(5)]


async def test_a_party_is_served_once_and_taken_over_once(transactions: Transactions) -> None:
    await rule(transactions, 10)
    await join(transactions, A, wanted(2), wanted(1, line="2"))
    async with transactions.begin() as books:
        assert await books.backorders.take_over(A, 1) == (), "it still waits"
        lines = await books.backorders.serve(A, 1)
        assert [(line.line_id, line.quantity) for line in lines] == [("1", 2), ("2", 1)]
        assert await books.backorders.serve(A, 1) == ()
        assert [party.order_id for party in await books.backorders.served(9)] == [A]
    assert await waiting(transactions) == {("LAMP", "*"): 0}, "it is in stock now"
    assert await queue(transactions) == []
    async with transactions.begin() as books:
        assert await books.backorders.take_over(A, 1) == lines
        assert await books.backorders.take_over(A, 1) == ()
        assert await books.backorders.served(9) == []
        assert await books.backorders.of_order(A) == []


async def test_who_leaves_gives_up_so_much_of_the_place(transactions: Transactions) -> None:
    await rule(transactions, 4)
    await join(transactions, A, wanted(3))
    await join(transactions, B)
    async with transactions.begin() as books:
        assert await books.backorders.leave(A, 1, [wanted(1).line]) == ()
    assert await waiting(transactions) == {("LAMP", "*"): 3}
    assert await queue(transactions) == [A, B], "the rest keeps its position"
    async with transactions.begin() as books:
        assert await books.backorders.leave(A, 1, [wanted(9).line]) == ()
    assert await queue(transactions) == [B]
    await join(transactions, C, wanted(3))
    assert await queue(transactions) == [B, C]


async def test_who_leaves_after_being_served_says_what_is_to_be_released(transactions: Transactions) -> None:
    await rule(transactions, 4)
    await join(transactions, A, wanted(3))
    async with transactions.begin() as books:
        await books.backorders.serve(A, 1)
        assert await books.backorders.leave(A, 1, [wanted(2).line]) == (wanted(2).line,)
        assert await books.backorders.take_over(A, 1) == (wanted(1).line,)
    assert await waiting(transactions) == {("LAMP", "*"): 0}


async def test_an_order_that_never_came_to_be_leaves_no_place_behind(transactions: Transactions) -> None:
    await rule(transactions, 4)
    await join(transactions, A, wanted(3))
    await join(transactions, A, wanted(1, at=S2), n=2)
    await join(transactions, B, wanted(0 + 1, BULB, beyond=False))
    async with transactions.begin() as books:
        await books.backorders.forget(A)
    assert await waiting(transactions) == {("LAMP", "*"): 0}
    assert await queue(transactions) == [B]


async def test_a_smaller_cap_sends_nobody_away(transactions: Transactions) -> None:
    await rule(transactions, 4)
    await join(transactions, A, wanted(3))
    changed = await rule(transactions, 2)
    assert (changed.waiting, changed.left) == (3, 0)
    with pytest.raises(CapReached):
        await join(transactions, B)
    assert await queue(transactions) == [A]


async def test_a_new_date_is_news_until_it_is_told(transactions: Transactions) -> None:
    await rule(transactions, 9, expected_at=MAY)
    await rule(transactions, 9, BULB, expected_at=JUNE)
    await join(transactions, A)
    await join(transactions, B, wanted(line="1"), wanted(sku=BULB, line="2"))
    async with transactions.begin() as books:
        assert await books.backorders.untold(9) == []
    await rule(transactions, 9, expected_at=MAY + timedelta(days=3))
    async with transactions.begin() as books:
        news = [(party.order_id, party.expected_at) for party in await books.backorders.untold(9)]
        assert news == [(A, MAY + timedelta(days=3))], "the other one waits until June anyway"
        await books.backorders.tell(A, 1, MAY + timedelta(days=3))
        assert await books.backorders.untold(9) == []
    await rule(transactions, 9, BULB)
    async with transactions.begin() as books:
        assert [(party.order_id, party.expected_at) for party in await books.backorders.untold(9)] == [(B, None)]


async def test_what_a_transaction_did_is_undone_with_it(transactions: Transactions) -> None:
    await rule(transactions, 4)
    await join(transactions, A)

    async def fail() -> None:
        async with transactions.begin() as books:
            await books.backorders.serve(A, 1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await waiting(transactions) == {("LAMP", "*"): 1}
    assert await queue(transactions) == [A]
