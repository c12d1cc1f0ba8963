"""Events from outside systems are kept once and handed on oldest first, in memory and in PostgreSQL alike."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.inbound.memory import MemoryInboundEvents
from adapters.inbound.port import InboundEvent, InboundEvents
from adapters.postgres.inbound import PostgresInboundEvents
from domain.ids import OrderId

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)
A, B = OrderId("oa"), OrderId("ob")


@pytest.fixture(params=["memory", "postgres"])
def events(request: pytest.FixtureRequest, books_engine: AsyncEngine) -> InboundEvents:
    return MemoryInboundEvents() if request.param == "memory" else PostgresInboundEvents(books_engine)


def event(event_id: str, order_id: OrderId = A, seconds: float = 0, **fields: Any) -> InboundEvent:
    given: dict[str, Any] = {
        "provider": "simulator",
        "event_id": event_id,
        "type": "payment.captured",
        "order_id": order_id,
        "received_at": NOW + timedelta(seconds=seconds),
        "data": {"amount": 2500, "parts": [{"id": "c1", "late": None}], "final": True},
    }
    return InboundEvent(**{**given, **fields})


async def parked(events: InboundEvents) -> list[InboundEvent]:
    return [each.event for each in await events.parked(limit=10)]


async def test_an_event_is_kept_once_with_what_it_first_said(events: InboundEvents) -> None:
    assert await events.keep(event("e1"))
    assert not await events.keep(event("e1"))
    assert not await events.keep(event("e1", B, data={}))
    assert await parked(events) == [event("e1")]


async def test_two_providers_may_use_one_id(events: InboundEvents) -> None:
    assert await events.keep(event("e1"))
    assert await events.keep(event("e1", provider="fraud"))
    await events.delivered("fraud", "e1", LATER)
    assert await events.waiting(before=LATER, limit=10) == [event("e1")]


async def test_of_many_copies_at_one_moment_one_is_new(events: InboundEvents) -> None:
    assert sum(await asyncio.gather(*(events.keep(event("e1")) for _ in range(10)))) == 1


async def test_a_delivered_event_waits_no_more_and_is_still_known(events: InboundEvents) -> None:
    await events.keep(event("e1"))
    await events.delivered("simulator", "e1", LATER)
    await events.delivered("simulator", "e1", LATER)
    assert await events.waiting(before=LATER, limit=10) == []
    assert await parked(events) == []
    assert not await events.keep(event("e1"))


async def test_a_delivery_of_an_unknown_event_is_no_delivery_of_a_later_one(events: InboundEvents) -> None:
    await events.delivered("simulator", "e1", NOW)
    assert await events.keep(event("e1"))
    assert await events.waiting(before=LATER, limit=10) == [event("e1")]


async def test_events_wait_oldest_first(events: InboundEvents) -> None:
    second, first, third, same = event("e1", seconds=2), event("e2", B, 1), event("e3", A, 3), event("e0", A, 3)
    for each in (second, first, third, same):
        await events.keep(each)
    assert await events.waiting(before=LATER, limit=10) == [first, second, same, third]
    assert await events.waiting(before=LATER, limit=2) == [first, second]
    assert await events.waiting(before=second.received_at, limit=10) == [first], "strictly before"
    assert await parked(events) == [first, second, same, third]


async def test_an_event_that_was_put_off_lets_the_others_pass(events: InboundEvents) -> None:
    foreign, other = event("e1"), event("e2", B, 1)
    for each in (foreign, other):
        await events.keep(each)
    await events.put_off("simulator", "e1", NOW + timedelta(seconds=5))
    assert await events.waiting(before=NOW + timedelta(seconds=5), limit=1) == [other]
    assert await events.waiting(before=LATER, limit=2) == [other, foreign], "and comes back when it is due"


async def test_an_event_that_was_given_up_is_shown_until_somebody_asks_for_it(events: InboundEvents) -> None:
    for each in (event("e1"), event("e2", B), event("e3")):
        await events.keep(each)
    await events.delivered("simulator", "e3", NOW)
    for until in (LATER, None):
        await events.put_off("simulator", "e1", until)
        await events.put_off("simulator", "e3", until)
    assert await events.waiting(before=LATER, limit=9) == [event("e2", B)]
    given_up, untried = await events.parked(limit=9)
    assert (given_up.event, given_up.tries, given_up.next_try_at) == (event("e1"), 2, None)
    assert (untried.event, untried.tries, untried.next_try_at) == (event("e2", B), 0, NOW)
    assert await events.try_again(A, NOW) == 1
    assert await events.waiting(before=LATER, limit=9) == [event("e1"), event("e2", B)]
