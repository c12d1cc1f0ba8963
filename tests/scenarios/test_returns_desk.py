"""What the people at a returns desk may not do: take in what waits for a decision, pay where the policy does not."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from tests.scenarios.placed import Json
from tests.scenarios.playing import story
from tests.scenarios.returned import asked, back_in_store, collected, does, receive, settled
from tests.scenarios.world import World, later, refused, taken

pytestmark = [pytest.mark.stack, pytest.mark.slow]
CHANGING = asyncio.Lock()
"""Stories change the policy one after the other: the newest version holds for every order that is placed."""
UNIT = {"line_id": "1", "quantity": 1, "condition": "new", "disposition": "restock"}


@asynccontextmanager
async def policy(world: World, sku: str, **then: Any) -> AsyncIterator[None]:
    """For the orders of one article that are placed meanwhile; whoever else changes the policy is given way to."""

    async def published(exceptions: list[Json]) -> bool:
        newest = max(each["version"] for each in (await world.ops("GET", "/v1/return-policies")).json()["items"])
        body = {"name": "story", "version": newest + 1, "exceptions": exceptions}
        return (await world.ops("PUT", "/v1/return-policies", body)).status_code == 201

    async with CHANGING:
        await world.until("the policy is there", lambda: published([{"skus": [sku], "then": then}]))
        try:
            yield
        finally:
            await world.until("the policy is as it was", lambda: published([]))


@story
async def test_units_that_wait_for_a_person_are_not_taken_in_and_credit_by_policy_stays_credit(world: World) -> None:
    """Two of 10.00 are worth more than a store may decide alone; and the payment was too long ago to be paid back."""
    shelf = await world.shelf(S001=5)
    async with policy(world, shelf.sku, person_above=1500, original_for="PT0S"):
        order = await world.place(sku=shelf.sku, quantity=3, price=1000)
    await order.make_ready()
    await order.is_handed_over(await order.code())
    await order.reaches("completed")
    view = taken(await asked(world, order, "S002", quantity=2))
    assert (view["status"], view["lines"][0]["undecided"], view["refund_to"]) == ("requested", 2, "store_credit")
    took = await does(world, view, "receive", {"store_id": "S002", "lines": [UNIT]}, "S002")
    refused(took, 409, "not-allowed-now")
    taken(await does(world, view, "approve", {}, "S002", manager=True))
    await receive(world, view, "S002", 2)
    refused(await does(world, view, "settle", {"refund_to": "original"}, "S002"), 409, "not-allowed-now")
    paid = await settled(world, view, "S002")
    assert paid["paid_back"][0]["by_target"] == {"store_credit": 2000}
    assert (await world.money(order.id))["refund"] == 0


@story
async def test_what_comes_too_late_is_refused_with_the_reason_and_taken_when_a_manager_has_one(world: World) -> None:
    shelf = await world.shelf(S001=5)
    async with policy(world, shelf.sku, window="PT0S"):
        order = await world.place(sku=shelf.sku, quantity=2, price=1000)
    await order.make_ready()
    await order.is_handed_over(await order.code())
    await order.reaches("completed")
    view = await back_in_store(world, order, "S002")
    [why] = view["lines"][0]["decision"]["reasons"]
    assert (view["status"], why["why"], why["effect"]) == ("rejected", "too_late", "refuses")
    rejected = await order.event("return_rejected")
    assert (rejected["reason"], why["until"] < rejected["at"]) == ("too_late", True)
    took = await does(world, view, "receive", {"store_id": "S002", "lines": [UNIT]}, "S002")
    refused(took, 409, "not-allowed-now")
    said = {"reason": "was in hospital"}
    refused(await does(world, view, "approve", said, "S002"), 403, "forbidden")
    refused(await does(world, view, "approve", {}, "S002", manager=True), 422, "validation")
    approved = taken(await does(world, view, "approve", said, "S002", manager=True))
    assert (approved["status"], approved["lines"][0]["decision"]["outcome"]) == ("approved", "allowed")
    assert (await order.event("return_overridden"))["reason"] == said["reason"]
    await receive(world, view, "S002", 1)
    assert (await settled(world, view, "S002"))["refund"] == 1000
    other = await back_in_store(world, order, "S002")
    assert other["status"] == "rejected", "the reason was good for one return"
    await order.money_rests(authorised=2000, captured=2000, refunded=1000)
    await shelf.adds_up(S001=3, S002=1)


@story
async def test_only_a_store_that_has_the_goods_inspects_them(world: World) -> None:
    shelf = await world.shelf(S001=5)
    order = await collected(world, shelf.sku, quantity=1, price=1000)
    view = await back_in_store(world, order, "S003")
    taken(await does(world, view, "receive", {"store_id": "S003", "lines": [{"line_id": "1", "quantity": 1}]}, "S003"))
    look = {"lines": [UNIT | {"accepted": True}]}
    refused(await does(world, view, "inspect", {"store_id": "S002"} | look, "S002"), 404, "not-found")
    inspected = taken(await does(world, view, "inspect", {"store_id": "S003"} | look, "S003"))
    assert (inspected["status"], inspected["lines"][0]["handled"][0]["store_id"]) == ("inspected", "S003")
    await shelf.becomes("S003", on_hand=1, available=1)


@story
async def test_an_approval_names_units_that_are_there_and_a_second_one_changes_nothing(world: World) -> None:
    shelf = await world.shelf(S001=5)
    order = await collected(world, shelf.sku, quantity=2, price=1000)
    view = await back_in_store(world, order, "S001", quantity=1)

    def lines(line_id: str, quantity: int) -> Json:
        return {"lines": [{"line_id": line_id, "quantity": quantity}], "reason": "a story"}

    again = taken(await does(world, view, "approve", lines("1", 1), "S001"))
    assert again["version"] == view["version"]
    refused(await does(world, view, "approve", lines("1", 5), "S001"), 422, "too-many-units")
    for command in ("approve", "reject"):
        refused(await does(world, view, command, lines("7", 1), "S001"), 404, "not-found")
    assert await order.events("return_approved", "return_rejected") == ["return_approved"]


@story
async def test_a_drop_off_is_told_once_and_lies_between_the_request_and_now(world: World) -> None:
    shelf = await world.shelf(S001=5)
    order = await collected(world, shelf.sku, quantity=1, price=1000)
    line = {"line_id": "1", "quantity": 1, "reason": "wrong_size"}
    sender = {"country": "DE", "postal_code": "10115"}
    asked_for = {"order_id": order.id, "via": "post", "sender": sender, "lines": [line]}
    view = taken(await world.channel("POST", "/v1/returns", asked_for))

    async def dropped(**said: str) -> httpx.Response:
        return await world.channel("POST", f"/v1/returns/{view['return_id']}/drop-off", said)

    for at in (later(hours=1), "2001-01-01T00:00:00Z"):
        problem = refused(await dropped(at=at), 422, "validation")
        assert [each["pointer"] for each in problem["errors"]] == ["/at"]
    for said in ({"carrier": "northway"}, {}, {"carrier": "northway"}, {"tracking_number": "NW1234"}):
        taken(await dropped(**said))
    told = await order.events("return_dropped_off")
    assert len(told) == 2, "once, and once more with the number of the parcel"


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"disposition": "back_to_customer"}, "/blind/lines/0/disposition"),
        ({"identity": "-- --"}, "/blind/identity"),
        ({"kind": "exchange"}, "/kind"),
        ({"via": "post"}, "/via"),
    ],
)
async def test_nothing_is_paid_blind_for_what_does_not_stay_or_for_somebody_who_is_not_known(
    world: World, changed: Json, pointer: str
) -> None:
    line = {"sku": "SHOE-42", "quantity": 1, "condition": "new", "disposition": "restock"}
    blind = {"identity": f"ID-{uuid.uuid4().hex[:8]}", "currency": "EUR", "lines": [line]}
    if "disposition" in changed:
        blind["lines"] = [line | changed]
    elif "identity" in changed:
        blind |= changed
    body = {"blind": blind} | {name: value for name, value in changed.items() if name in ("kind", "via")}
    problem = refused(await world.call("POST", "/v1/returns", world.key_of("S001"), body), 422, "validation")
    assert [each["pointer"] for each in problem["errors"]] == [pointer]


@pytest.mark.parametrize("then", [{"windows": "P1D"}, {"window": "soon"}, {"fee": -1}])
async def test_an_exception_that_names_no_terms_of_a_policy_is_refused(world: World, then: Json) -> None:
    body = {"name": "story", "version": 1, "exceptions": [{"then": then}]}
    problem = refused(await world.ops("PUT", "/v1/return-policies", body), 422, "validation")
    assert [each["pointer"] for each in problem["errors"]] == [f"/exceptions/0/then/{next(iter(then))}"]


async def test_a_reconciliation_that_never_was_has_no_differences_to_read(world: World) -> None:
    refused(await world.ops("GET", "/v1/ops/reconciliations/runs/never/differences"), 404, "not-found")
