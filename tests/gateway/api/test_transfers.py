"""What is sent to the store where it is collected: one number under two names, and two places that take turns."""

from datetime import timedelta

import httpx
import pytest

from domain.ids import StoreId
from domain.order import Order
from domain.parcels import Parcel
from domain.transfers import TransferGroup
from domain.units import UnitState
from tests.gateway.api.conftest import Shop, an_order, post
from tests.gateway.api.engine import answers_with_group, offered

TO_S1 = {"id": "f1", "method": "ship_to_store", "store_id": "S1"}


async def place(shop: Shop, web: httpx.AsyncClient) -> str:
    """An order that S2 was asked to send to S1; its id."""
    answer = await post(web, "/v1/orders", an_order(fulfilments=[TO_S1]))
    assert answer.status_code == 201, answer.text
    order_id: str = answer.json()["order_id"]
    order = shop.engine.of(order_id).order
    order.shipment(1).store_id = StoreId("S2")
    offered(order)
    await shop.engine.write(order_id)
    return order_id


async def sent(shop: Shop, order_id: str) -> Order:
    order = shop.engine.of(order_id).order
    [group] = order.shipments
    assert isinstance(group, TransferGroup)
    for line, units in group.owed_lines().items():
        group.move(line, UnitState.PICKED, units, UnitState.ALLOCATED)
    at = order.terms.received_at
    parcel = Parcel(
        n=1,
        lines=group.owed_lines(),
        carrier="Handcart",
        tracking_number="HC-1",
        shipped_at=at,
        due_at=at + timedelta(days=1),
        overdue_at=at + timedelta(days=9),
        status_at=at,
    )
    order.replace(group, group.sent(parcel))
    await shop.engine.write(order_id)
    return order


async def test_the_terms_say_where_it_goes(shop: Shop, web: httpx.AsyncClient) -> None:
    await place(shop, web)
    [terms] = shop.engine.starts[-1].shipments
    assert (terms.to_store, terms.destination.latitude is not None) == ("S1", True)
    assert shop.engine.starts[-1].pickups == []


async def test_both_names_show_it_to_both_places_and_to_no_other(
    shop: Shop, web: httpx.AsyncClient, s1: httpx.AsyncClient
) -> None:
    order_id = await place(shop, web)
    s2, s3 = await shop.store("S2"), await shop.store("S3")
    for client in (web, s1, s2):
        pickup = (await client.get(f"/v1/pickups/{order_id}/1")).json()
        shipment = (await client.get(f"/v1/shipments/{order_id}/1")).json()
        for shown in (pickup, shipment):
            assert (shown["id"], shown["status"], shown["sending"]) == (f"pickup/{order_id}/1", "requested", "offered")
            assert (shown["store_id"], shown["from_store"]) == ("S1", "S2")
    assert (await s3.get(f"/v1/shipments/{order_id}/1")).status_code == 404


async def test_each_command_is_taken_from_the_place_whose_turn_it_is(
    shop: Shop, web: httpx.AsyncClient, s1: httpx.AsyncClient
) -> None:
    order_id = await place(shop, web)
    running = shop.engine.of(order_id)
    running.answers["accept"] = running.answers["arrive"] = answers_with_group(shop.engine, order_id)
    s2 = await shop.store("S2")
    refused = await post(s1, f"/v1/shipments/{order_id}/1/accept", {})
    assert (refused.status_code, "S2" in refused.json()["detail"]) == (409, True)
    assert (await post(s2, f"/v1/shipments/{order_id}/1/accept", {})).status_code == 200
    await sent(shop, order_id)
    refused = await post(s2, f"/v1/shipments/{order_id}/1/arrive", {})
    assert (refused.status_code, refused.json()["current"]["status"]) == (409, "in_transit_to_store")
    assert (await post(s1, f"/v1/shipments/{order_id}/1/arrive", {})).status_code == 200


async def test_tasks_are_the_sender_s_first_and_the_store_s_then(
    shop: Shop, web: httpx.AsyncClient, s1: httpx.AsyncClient
) -> None:
    order_id = await place(shop, web)
    s2 = await shop.store("S2")

    async def tasks(client: httpx.AsyncClient, store: str) -> list[tuple[str, str]]:
        items = (await client.get(f"/v1/stores/{store}/tasks?limit=200")).json()["items"]
        return [(task["task"], task["kind"]) for task in items if task["order_id"] == order_id]

    assert (await tasks(s2, "S2"), await tasks(s1, "S1")) == ([("accept", "shipment")], [])
    order = await sent(shop, order_id)
    assert (await tasks(s2, "S2"), await tasks(s1, "S1")) == ([], [("receive", "pickup")])
    transit = order.pickup(1).transit
    assert transit is not None
    transit.arrived_at = order.terms.received_at
    await shop.engine.write(order_id)
    assert await tasks(s1, "S1") == [("make_ready", "pickup")]


async def test_what_came_and_what_is_broken_reaches_the_order(
    shop: Shop, web: httpx.AsyncClient, s1: httpx.AsyncClient
) -> None:
    order_id = await place(shop, web)
    await sent(shop, order_id)
    running = shop.engine.of(order_id)
    running.answers["arrive"] = answers_with_group(shop.engine, order_id)
    body = {"lines": [{"line_id": "1", "quantity": 1}], "damaged": [{"line_id": "1", "quantity": 1}]}
    assert (await post(s1, f"/v1/shipments/{order_id}/1/arrive", body)).status_code == 200
    [command] = running.commands
    assert (command.lines, command.damaged) == ({"1": 1}, {"1": 1})  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("fulfilment", "pointer"),
    [
        (TO_S1 | {"store_id": "NOWHERE"}, "/fulfilments/0/store_id"),
        (TO_S1 | {"mode": "curbside"}, "/fulfilments/0/mode"),
    ],
)
async def test_it_goes_to_a_store_that_there_is_and_into_it(
    shop: Shop, web: httpx.AsyncClient, fulfilment: dict[str, str], pointer: str
) -> None:
    answer = await post(web, "/v1/orders", an_order(fulfilments=[fulfilment]))
    assert (answer.status_code, [error["pointer"] for error in answer.json()["errors"]]) == (422, [pointer])
