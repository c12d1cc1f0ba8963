"""Kits in the catalogue, in memory and in PostgreSQL alike: one level deep, whoever is changed."""

import asyncio

import pytest
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.items.port import Item, KitRefused, Part
from adapters.postgres.transaction import PostgresTransactions
from adapters.transaction.port import Transactions
from domain.ids import Sku


def item(sku: str, **components: int) -> Item:
    parts = [Part(sku=Sku(name), quantity=quantity) for name, quantity in components.items()]
    return Item(sku=Sku(sku), name=sku, components=parts)


async def put(transactions: Transactions, *items: Item) -> None:
    async with transactions.begin() as books:
        for each in items:
            await books.items.put(each)


async def test_a_kit_is_read_as_it_was_put(transactions: Transactions) -> None:
    kit = item("SET", LAMP=1, BULB=3)
    await put(transactions, item("LAMP"), item("BULB"), kit)
    async with transactions.begin() as books:
        assert await books.items.items(["SET"]) == [kit]


@pytest.mark.parametrize(
    ("wrong", "position"),
    [(item("BIG", LAMP=1, NONE=1), 1), (item("BIG", SET=1), 0), (item("LAMP", BULB=2), None)],
    ids=["an unknown component", "a kit in a kit", "a component that becomes a kit"],
)
async def test_what_no_kit_can_be_made_of_is_refused(
    transactions: Transactions, wrong: Item, position: int | None
) -> None:
    await put(transactions, item("LAMP"), item("BULB"), item("SET", LAMP=1))
    with pytest.raises(KitRefused) as refused:
        await put(transactions, wrong)
    assert refused.value.position == position
    async with transactions.begin() as books:
        assert {each.sku: len(each.components) for each in await books.items.items()} == {
            "BULB": 0,
            "LAMP": 0,
            "SET": 1,
        }


async def test_a_kit_may_change_its_components_and_be_a_plain_item_again(transactions: Transactions) -> None:
    await put(transactions, item("LAMP"), item("BULB"), item("SET", LAMP=1), item("SET", BULB=2), item("SET"))
    await put(transactions, item("LAMP", BULB=1))
    async with transactions.begin() as books:
        assert [each.components for each in await books.items.items(["LAMP", "SET"])] == [
            [Part(sku=Sku("BULB"), quantity=1)],
            [],
        ]


def test_a_kit_is_not_made_of_itself_nor_of_one_thing_twice() -> None:
    with pytest.raises(ValidationError, match="not made of itself"):
        item("SET", LAMP=1, SET=1)
    with pytest.raises(ValidationError, match="named twice"):
        Item(sku=Sku("SET"), name="SET", components=[Part(sku=Sku("LAMP")), Part(sku=Sku("LAMP"), quantity=2)])


async def test_two_that_would_be_made_of_each_other_cannot_both_be(books_engine: AsyncEngine) -> None:
    transactions = PostgresTransactions(books_engine)
    for _ in range(5):
        await put(transactions, item("ONE"), item("OTHER"))
        answers = await asyncio.gather(
            put(transactions, item("ONE", OTHER=1)), put(transactions, item("OTHER", ONE=1)), return_exceptions=True
        )
        assert sorted(type(answer) for answer in answers if answer is not None) == [KitRefused]
        async with transactions.begin() as books:
            assert sum(bool(each.components) for each in await books.items.items()) == 1
        await put(transactions, item("ONE"), item("OTHER"))
