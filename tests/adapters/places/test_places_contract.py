"""Places, items and channels' rules: what is put is read again, in memory and in PostgreSQL alike."""

from datetime import UTC, datetime

from adapters.places.port import Capacity, Pause, PlaceKind
from adapters.transaction.port import Transactions
from domain.actors import Channel
from domain.change_policy import ServicePrice
from domain.ids import StoreId
from domain.intake import Service
from domain.terms import ChannelRules
from tests.adapters.places.sample_places import item, place


async def test_a_place_is_read_as_it_was_put(transactions: Transactions) -> None:
    pause = Pause(until=datetime(2026, 3, 2, 9, 0, 0, 5, tzinfo=UTC), reason="Stock count")
    whole = place("S001", capacity=Capacity(per_day=40), pause=pause, curbside=False)
    async with transactions.begin() as books:
        await books.places.put(whole)
    async with transactions.begin() as books:
        assert await books.places.place(StoreId("S001")) == whole
        assert await books.places.place(StoreId("S002")) is None


async def test_a_place_that_is_put_again_replaces_the_old_one(transactions: Transactions) -> None:
    async with transactions.begin() as books:
        await books.places.put(place("S001", pause=Pause()))
        await books.places.put(place("S001", kind=PlaceKind.WAREHOUSE))
        assert await books.places.places() == [place("S001", kind=PlaceKind.WAREHOUSE)]


async def test_places_are_listed_by_id_without_unknown_ones(transactions: Transactions) -> None:
    s1, s10, lower = place("S1"), place("S10"), place("a1")
    async with transactions.begin() as books:
        for each in (lower, s10, s1):
            await books.places.put(each)
        assert await books.places.places() == [s1, s10, lower]
        named = [StoreId(each) for each in ("a1", "S1", "nowhere", "S1")]
        assert await books.places.places(named) == [s1, lower], "each once"
        assert await books.places.places([]) == []


async def test_items_are_listed_by_sku_without_unknown_ones(transactions: Transactions) -> None:
    full = item("B-1", pickup=False, weight_grams=0, price=1999)
    async with transactions.begin() as books:
        for each in (item("b"), full, item("A:1", "Old name"), item("A:1", "Lamp")):
            await books.items.put(each)
    async with transactions.begin() as books:
        assert await books.items.items() == [item("A:1", "Lamp"), full, item("b")]
        assert await books.items.items(["b", "A:1", "none", "b"]) == [item("A:1", "Lamp"), item("b")]
        assert await books.items.items([]) == []


async def test_items_are_paged_from_just_after_one(transactions: Transactions) -> None:
    skus = ["A", "A-1", "A1", "Z", "a"]
    async with transactions.begin() as books:
        for sku in reversed(skus):
            await books.items.put(item(sku))
        seen: list[str] = []
        while page := await books.items.page(after=seen[-1] if seen else None, limit=2):
            seen += [each.sku for each in page]
        assert await books.items.page(after="B", limit=1) == [item("Z")], "after one that is not there"
    assert seen == skus


async def test_a_channel_has_the_usual_rules_until_its_own_are_set(transactions: Transactions) -> None:
    abroad = {"AT": {Service.STANDARD: ServicePrice(price=990, free_from=5000)}}
    strict = ChannelRules(screening=False, holds_discrepancies=True, approval_above=100_000, shipping_to=abroad)
    async with transactions.begin() as books:
        assert await books.channels.rules(Channel.WEB) == ChannelRules()
        assert await books.channels.all() == {}
        await books.channels.put(Channel.WEB, ChannelRules())
        await books.channels.put(Channel.WEB, strict)
        await books.channels.put(Channel.APP, ChannelRules())
    async with transactions.begin() as books:
        assert await books.channels.rules(Channel.WEB) == strict
        assert list((await books.channels.all()).items()) == [(Channel.APP, ChannelRules()), (Channel.WEB, strict)]
