"""Capacity that orders use: never above a limit, taken once, given back once; in memory and in PostgreSQL alike."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from adapters.capacity.port import CapacityKeyConflict, HoldState, NoCapacity, TakeCapacity, Used
from adapters.transaction.port import Transactions
from domain.ids import OperationKey, StoreId

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
MONDAY = date(2026, 3, 2)
S1 = StoreId("S1")


def wish(name: str, **fields: Any) -> TakeCapacity:
    return TakeCapacity.model_validate({"key": name, "at": AT, "location_id": S1, "day": MONDAY, **fields})


async def take(transactions: Transactions, wanted: TakeCapacity) -> bool:
    async with transactions.begin() as books:
        try:
            await books.capacity.take(wanted)
        except NoCapacity:
            return False
        return True


async def used(transactions: Transactions, day: date = MONDAY) -> Used:
    async with transactions.begin() as books:
        return (await books.capacity.used({S1: day}))[S1]


async def test_a_place_takes_on_what_its_day_allows_and_no_more(transactions: Transactions) -> None:
    assert await take(transactions, wish("a", per_day=3, parcels=2))
    assert not await take(transactions, wish("b", per_day=3, parcels=2))
    assert await take(transactions, wish("c", per_day=3))
    assert not await take(transactions, wish("d", per_day=3))
    assert await take(transactions, wish("e", day=MONDAY + timedelta(days=1), per_day=3, parcels=3))
    assert await used(transactions) == Used(3, 6)


async def test_open_parcels_count_over_all_days(transactions: Transactions) -> None:
    assert await take(transactions, wish("a", concurrent=2))
    assert await take(transactions, wish("b", concurrent=2, day=MONDAY + timedelta(days=1)))
    assert not await take(transactions, wish("c", concurrent=2))
    async with transactions.begin() as books:
        assert await books.capacity.finish(OperationKey("a"), AT)
    assert await take(transactions, wish("c", concurrent=2))
    assert await used(transactions) == Used(2, 2), "the day of the one that left stays used"


async def test_a_limit_of_zero_takes_nothing_and_none_takes_all(transactions: Transactions) -> None:
    assert not await take(transactions, wish("a", per_day=0))
    assert not await take(transactions, wish("b", concurrent=0))
    assert await take(transactions, wish("c", parcels=1_000_000))


async def test_what_was_refused_leaves_nothing_behind(transactions: Transactions) -> None:
    async with transactions.begin() as books:
        with pytest.raises(NoCapacity, match="S1 can take on no more parcels on 2026-03-02"):
            await books.capacity.take(wish("a", per_day=5, concurrent=0))
        assert await books.capacity.hold(OperationKey("a")) is None
    assert await used(transactions) == Used(0, 0)
    assert await take(transactions, wish("a", per_day=5)), "the key is free for another try"


async def test_the_same_key_takes_once_and_gives_back_once(transactions: Transactions) -> None:
    for _ in range(2):
        assert await take(transactions, wish("a", per_day=1))
    assert await used(transactions) == Used(1, 1)
    async with transactions.begin() as books:
        assert await books.capacity.give_back(OperationKey("a"), AT)
        assert not await books.capacity.give_back(OperationKey("a"), AT)
        assert not await books.capacity.finish(OperationKey("a"), AT)
        assert await books.capacity.hold(OperationKey("a")) is HoldState.RETURNED
    assert await used(transactions) == Used(0, 0)


async def test_a_parcel_that_left_is_not_given_back(transactions: Transactions) -> None:
    assert await take(transactions, wish("a"))
    async with transactions.begin() as books:
        assert await books.capacity.finish(OperationKey("a"), AT)
        assert not await books.capacity.give_back(OperationKey("a"), AT)
        assert not await books.capacity.give_back(OperationKey("never"), AT)
    assert await used(transactions) == Used(1, 0)


async def test_a_key_is_not_used_for_another_wish(transactions: Transactions) -> None:
    assert await take(transactions, wish("a"))
    async with transactions.begin() as books:
        for other in (wish("a", parcels=2), wish("a", location_id="S2"), wish("a", day=MONDAY + timedelta(days=1))):
            with pytest.raises(CapacityKeyConflict):
                await books.capacity.take(other)
        await books.capacity.give_back(OperationKey("a"), AT)
        with pytest.raises(CapacityKeyConflict):
            await books.capacity.take(wish("a"))


async def test_many_who_ask_at_once_never_pass_a_limit(transactions: Transactions) -> None:
    limits = {"per_day": 7, "concurrent": 5}
    granted = await asyncio.gather(*(take(transactions, wish(f"k-{n}", **limits)) for n in range(16)))
    assert sum(granted) == 5
    assert await used(transactions) == Used(5, 5)
    async with transactions.begin() as books:
        kept = [n for n, given in enumerate(granted) if given]
        for n in kept[:3]:
            await books.capacity.give_back(OperationKey(f"k-{n}"), AT)
    again = await asyncio.gather(*(take(transactions, wish(f"m-{n}", **limits)) for n in range(16)))
    assert sum(again) == 3
    assert await used(transactions) == Used(5, 5)
