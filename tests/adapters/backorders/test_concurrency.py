"""What only a real PostgreSQL can show: many who want a place in the queue at once."""

import asyncio

from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.backorders.port import BackorderRule, CapReached
from adapters.postgres.transaction import PostgresTransactions
from domain.ids import OrderId
from tests.adapters.backorders.test_backorders_contract import AT, BULB, LAMP, join, queue, rule, waiting, wanted


async def test_fifty_buyers_and_a_cap_of_ten(books_engine: AsyncEngine) -> None:
    transactions = PostgresTransactions(books_engine)
    await rule(transactions, 10)
    answers = await asyncio.gather(
        *(join(transactions, OrderId(f"o{number}")) for number in range(50)), return_exceptions=True
    )
    refused = [answer for answer in answers if isinstance(answer, CapReached)]
    assert (len(refused), len([answer for answer in answers if not isinstance(answer, Exception)])) == (40, 10)
    assert await waiting(transactions) == {("LAMP", "*"): 10}
    assert len(await queue(transactions)) == 10


async def test_who_wants_two_things_in_opposite_order_never_waits_for_the_other(books_engine: AsyncEngine) -> None:
    transactions = PostgresTransactions(books_engine)
    await rule(transactions, 500)
    await rule(transactions, 500, BULB)

    async def come_and_go(number: int) -> None:
        lines = [wanted(line="1"), wanted(sku=BULB, line="2")]
        order = OrderId(f"o{number}")
        await join(transactions, order, *(lines if number % 2 else reversed(lines)))
        async with transactions.begin() as books:
            if number % 3:
                await books.backorders.leave(order, 1, [each.line for each in lines])
            else:
                await books.backorders.serve(order, 1)
        async with transactions.begin() as books:
            await books.backorders.put(BackorderRule(sku=LAMP if number % 2 else BULB, cap=500, expected_at=AT))

    await asyncio.gather(*(come_and_go(number) for number in range(40)))
    assert await waiting(transactions) == {("BULB", "*"): 0, ("LAMP", "*"): 0}
    async with transactions.begin() as books:
        assert len(await books.backorders.served(99)) == 14
