"""Routing rules and the log of decisions: in memory and in PostgreSQL alike."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.postgres.transaction import PostgresTransactions
from adapters.routing.port import RoutingEntry
from adapters.transaction.port import Transactions
from domain.ids import OperationKey, OrderId
from domain.sourcing import DEFAULT_RULES, Filters, snapshot_of, source
from tests.domain.sourcing.sample_sourcing import anywhere, line, order, place, rules

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


def entry(name: str, *, order_id: str = "o-1", minutes: int = 0, **fields: Any) -> RoutingEntry:
    request, places = order(line(1, "A"), name=order_id), [place("S1", {"A": 1}), place("S2", {"B": 1})]
    return RoutingEntry.model_validate(
        {
            "key": OperationKey(name),
            "order_id": order_id,
            "group": 1,
            "run": "run-7",
            "at": AT + timedelta(minutes=minutes),
            "decision": source(request, places, rules()),
            "snapshot": snapshot_of(request, places),
            **fields,
        }
    )


async def test_the_rules_that_come_along_count_until_others_are_put(transactions: Transactions) -> None:
    async with transactions.begin() as books:
        assert await books.routing.rules() == await books.routing.rules(1) == DEFAULT_RULES
        assert await books.routing.rules(2) is None
        assert [each.at for each in await books.routing.versions()] == [None]


async def test_each_put_makes_the_next_version_and_all_stay_readable(transactions: Transactions) -> None:
    near = rules(anywhere(name="near", filters=Filters(max_km=50)), version=77)
    async with transactions.begin() as books:
        second = await books.routing.put_rules(near, AT)
        third = await books.routing.put_rules(rules(), AT + timedelta(hours=1))
    assert second == near.model_copy(update={"version": 2})
    async with transactions.begin() as books:
        assert await books.routing.rules() == third
        assert await books.routing.rules(2) == second
        seen = [(each.rules.version, each.at) for each in await books.routing.versions()]
        assert seen == [(3, AT + timedelta(hours=1)), (2, AT), (1, None)]


async def test_versions_put_at_once_are_numbered_one_after_the_other(transactions: Transactions) -> None:
    async def put() -> int:
        async with transactions.begin() as books:
            return (await books.routing.put_rules(rules(), AT)).version

    assert sorted(await asyncio.gather(*(put() for _ in range(6)))) == [2, 3, 4, 5, 6, 7]


async def test_a_decision_is_read_as_it_was_recorded_and_only_once(transactions: Transactions) -> None:
    first, bare = entry("k-1"), entry("k-2", minutes=5, group=None, run=None, snapshot=None)
    async with transactions.begin() as books:
        for each in (first, bare, entry("k-3", order_id="o-2"), entry("k-1", minutes=9)):
            await books.routing.record(each)
    async with transactions.begin() as books:
        assert await books.routing.decisions(OrderId("o-1")) == [first, bare]
        assert await books.routing.decisions(OrderId("o-9")) == []


async def test_the_first_snapshot_of_each_order_is_found_by_order_and_by_time(transactions: Transactions) -> None:
    entries = [
        entry("k-1", order_id="o-1"),
        entry("k-2", order_id="o-1", minutes=10),
        entry("k-3", order_id="o-2", minutes=20),
        entry("k-4", order_id="o-3", minutes=30, snapshot=None),
        entry("k-5", order_id="o-4", minutes=40),
    ]
    async with transactions.begin() as books:
        for each in entries:
            await books.routing.record(each)
        found = await books.routing.snapshots(order_ids=[OrderId("o-4"), OrderId("o-1"), OrderId("o-9")], limit=9)
        assert found == [entries[0].snapshot, entries[4].snapshot]
        hour = await books.routing.snapshots(since=AT, until=AT + timedelta(minutes=40), limit=9)
        assert hour == [entries[0].snapshot, entries[2].snapshot]
        assert await books.routing.snapshots(since=AT, limit=1) == [entries[0].snapshot]


async def test_neither_rules_nor_decisions_can_be_changed(books_engine: AsyncEngine) -> None:
    async with PostgresTransactions(books_engine).begin() as books:
        await books.routing.put_rules(rules(), AT)
        await books.routing.record(entry("k-1"))
    for statement in (
        "UPDATE routing_decisions SET run = 'other'",
        "DELETE FROM routing_decisions",
        "UPDATE routing_rules SET version = 9",
        "DELETE FROM routing_rules",
    ):
        async with books_engine.connect() as connection:
            with pytest.raises(DBAPIError, match="append-only"):
                await connection.execute(text(statement))
