"""`/v1/shipments`: what is taken in to be shipped, who may do what, what reaches the order, and what ends with it."""

import base64
import uuid
from typing import Any

import httpx
import pytest

from adapters.access.port import Role
from adapters.inventory.port import Allocate, Consume, Release, Reserve
from adapters.vault.port import Subject
from domain.carriage import ParcelStatus
from domain.dropship import RequestStatus
from domain.groups import Ending
from domain.ids import LineId, OperationKey, OrderId, Sku, StoreId
from domain.order import Order
from domain.parcels import Claim, Parcel, Resolution
from domain.personal import PersonalData
from domain.shipments import StopAsked
from domain.stock import StockLine
from domain.units import UnitState
from tests.gateway.api.conftest import Shop, an_order, post
from tests.gateway.api.engine import answers_with_group, offered
from tests.gateway.api.test_webhooks import hand_on, parked, send
from workflows import messages

ADDRESS = {"name": "Ann Example", "line1": "Street 1", "postal_code": "10115", "city": "Berlin", "country": "DE"}
TO_SHIP = {"id": "f1", "method": "ship", "address": ADDRESS}


def path(order_id: str, verb: str = "", n: int = 1) -> str:
    return f"/v1/shipments/{order_id}/{n}{verb and '/' + verb}"


async def place_to_ship(shop: Shop, web: httpx.AsyncClient, **ship: Any) -> str:
    """An order that stands and whose place S1 was asked for it; its id."""
    answer = await post(web, "/v1/orders", an_order(fulfilments=[TO_SHIP | ship]))
    assert answer.status_code == 201, answer.text
    order_id: str = answer.json()["order_id"]
    order = shop.engine.of(order_id).order
    order.shipment(1).store_id = StoreId("S1")
    offered(order)
    await shop.engine.write(order_id)
    return order_id


# --- taking in --------------------------------------------------------------------------------------------------------


async def test_an_address_goes_to_the_vault_and_a_region_into_the_order(shop: Shop, web: httpx.AsyncClient) -> None:
    order_id = await place_to_ship(shop, web, service="express", exclude=["S2"], keep_together=True)
    kept = await shop.services.vault.get(Subject(f"{order_id}/address/1"))
    lines = ("Street 1", "10115 Berlin", "DE")
    assert kept == PersonalData(name="Ann Example", address=lines, postal_code="10115")
    [terms] = shop.engine.starts[-1].shipments
    assert (terms.service, terms.exclude, terms.keep_together) == ("express", ["S2"], True)
    assert "Street" not in shop.engine.starts[-1].model_dump_json()
    assert (terms.destination.country, terms.destination.latitude) == ("DE", 52.6)


# --- places -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verb", "body", "fields"),
    [
        ("accept", {}, {}),
        ("reject", {"reason": "closed"}, {"reason": "closed", "lines": None}),
        ("pick", {"lines": [{"line_id": "1", "quantity": 2}]}, {"lines": {"1": 2}}),
        (
            "pack",
            {"lines": [{"line_id": "1", "quantity": 2, "sku": "SHOE"}], "boxes": 2},
            {"lines": {"1": 2}, "scanned": {"1": "SHOE"}},
        ),
        ("unpack", {}, {"lines": None}),
        ("ship", {}, {"carrier": None, "lines": None}),
        ("ship", {"carrier": "Handcart", "tracking_number": "HC-1234"}, {"tracking_number": "HC-1234"}),
        ("cancel-answer", {"stopped": True}, {"stopped": True}),
    ],
)
async def test_a_place_s_command_reaches_the_order(
    shop: Shop, web: httpx.AsyncClient, s1: httpx.AsyncClient, verb: str, body: Any, fields: dict[str, Any]
) -> None:
    order_id = await place_to_ship(shop, web)
    running = shop.engine.of(order_id)
    running.answers[verb.replace("-", "_")] = answers_with_group(shop.engine, order_id)
    answer = await post(s1, path(order_id, verb), body)
    assert answer.status_code == 200, answer.text
    [command] = running.commands
    assert {name: getattr(command, name) for name in fields} == fields
    assert command.actor.place == "S1"
    shown = answer.json()
    assert (shown["kind"], shown["id"], shown["version"]) == ("shipment", f"shipment/{order_id}/1", 3)


async def test_boxes_are_counted_or_measured(shop: Shop, web: httpx.AsyncClient, s1: httpx.AsyncClient) -> None:
    order_id = await place_to_ship(shop, web)
    running = shop.engine.of(order_id)
    running.answers["pack"] = answers_with_group(shop.engine, order_id)
    line = {"lines": [{"line_id": "1", "quantity": 1}]}
    for boxes in (2, [{"weight_g": 900}], []):
        assert (await post(s1, path(order_id, "pack"), line | {"boxes": boxes})).status_code == 200
    assert [[box.weight_g for box in command.boxes] for command in running.commands] == [[None, None], [900], []]


@pytest.mark.parametrize(
    ("verb", "body", "pointer"),
    [
        ("ship", {"carrier": "Handcart"}, "/tracking_number"),
        ("ship", {"tracking_number": "HC-1234"}, "/carrier"),
        ("ship", {"carrier": "Handcart", "tracking_number": "<b>"}, "/tracking_number"),
        ("pack", {"lines": [{"line_id": "1", "quantity": 0}]}, "/lines/0/quantity"),
        ("pack", {"lines": [{"line_id": "1", "quantity": 1}] * 2}, "/lines/1/line_id"),
        ("cancel-answer", {}, "/stopped"),
    ],
)
async def test_a_body_that_makes_no_sense_is_refused_with_where(
    shop: Shop, web: httpx.AsyncClient, s1: httpx.AsyncClient, verb: str, body: Any, pointer: str
) -> None:
    order_id = await place_to_ship(shop, web)
    answer = await post(s1, path(order_id, verb), body)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_a_pickup_is_no_shipment_and_another_place_s_is_nobody_s(
    shop: Shop, web: httpx.AsyncClient, s1: httpx.AsyncClient
) -> None:
    order_id = await place_to_ship(shop, web)
    s2 = await shop.store("S2")
    for client, where in ((s2, path(order_id)), (s1, f"/v1/pickups/{order_id}/1"), (s1, path(order_id, n=2))):
        assert (await client.get(where)).status_code == 404
    assert (await post(s2, path(order_id, "accept"))).status_code == 404
    assert (await post(web, path(order_id, "accept"))).status_code == 403


async def test_who_gave_it_up_does_not_read_the_address_any_more(
    shop: Shop, web: httpx.AsyncClient, s1: httpx.AsyncClient
) -> None:
    order_id = await place_to_ship(shop, web)
    shown = (await s1.get(path(order_id))).json()
    assert (shown["recipient"], shown["address"]) == ("Ann Example", ["Street 1", "10115 Berlin", "DE"])
    group = shop.engine.of(order_id).order.shipment(1)
    group.move(LineId("1"), UnitState.CANCELLED, 2, UnitState.ALLOCATED)
    group.ending = Ending.CANCELLED
    await shop.engine.write(order_id)
    gone = (await s1.get(path(order_id))).json()
    assert (gone["status"], gone["recipient"], gone["address"]) == ("cancelled", None, [])
    assert (await web.get(path(order_id))).json()["recipient"] == "Ann Example"


async def test_the_work_queue_says_what_a_place_has_to_do(
    shop: Shop, web: httpx.AsyncClient, s1: httpx.AsyncClient
) -> None:
    order_id = await place_to_ship(shop, web)
    order = shop.engine.of(order_id).order
    group, now = order.shipment(1), order.terms.received_at

    async def tasks() -> list[str]:
        await shop.engine.write(order_id)
        items = (await s1.get("/v1/stores/S1/tasks?limit=200")).json()["items"]
        assert all(each["kind"] == "shipment" for each in items if each["order_id"] == order_id)
        return [each["task"] for each in items if each["order_id"] == order_id]

    assert await tasks() == ["accept"]
    group.accepted_at = now
    assert await tasks() == ["pick"]
    group.picking_at = now
    group.move(LineId("1"), UnitState.PICKED, 2, UnitState.ALLOCATED)
    assert await tasks() == ["pack"]
    group.packed = {LineId("1"): 2}
    assert await tasks() == ["ship"]
    group.stop = StopAsked(lines={LineId("1"): 1}, reason="customer", since=now, answer_by=now)
    assert await tasks() == ["ship", "cancel_answer"]
    group.stop, group.packed = None, {}
    group.move(LineId("1"), UnitState.SHIPPED, 2, UnitState.PICKED)
    assert await tasks() == []
    group.returned = {LineId("1"): 2}
    assert await tasks() == ["put_back"]


async def test_parcels_that_come_back_after_the_end_are_on_hand_again(
    shop: Shop, web: httpx.AsyncClient, s1: httpx.AsyncClient
) -> None:
    order_id = await place_to_ship(shop, web)
    sku = await _left(shop, order_id)
    before = await _on_hand(shop, sku)
    answer = await post(s1, path(order_id, "put-back"))
    assert (answer.status_code, answer.json()["put_back"], answer.json()["returned"]) == (200, {}, {})
    assert await _on_hand(shop, sku) == before + 2
    again = await post(s1, path(order_id, "put-back"))
    assert (again.status_code, again.json()["already"]) == (200, True)
    assert await _on_hand(shop, sku) == before + 2


async def test_what_came_back_and_what_never_left_are_put_back_in_one_go_after_the_end(
    shop: Shop, web: httpx.AsyncClient, s1: httpx.AsyncClient
) -> None:
    order_id = await place_to_ship(shop, web)
    sku = await _left(shop, order_id)
    line = StockLine(line_id=LineId("1"), sku=sku, location_id=StoreId("S1"), quantity=1)
    given: dict[str, Any] = {"at": shop.services.now(), "order_id": OrderId(order_id), "lines": (line,)}
    async with shop.services.transactions.begin() as books:
        await books.inventory.reserve(Reserve(key=OperationKey(uuid.uuid4().hex), **given))
        await books.inventory.allocate(Allocate(key=OperationKey(uuid.uuid4().hex), **given))
        await books.inventory.set_aside(Release(key=OperationKey(uuid.uuid4().hex), **given))
    shop.engine.of(order_id).order.shipment(1).put_back = {LineId("1"): 1}
    await shop.engine.write(order_id)
    before = await _on_hand(shop, sku)
    answer = await post(s1, path(order_id, "put-back"))
    assert (answer.status_code, answer.json()["put_back"], answer.json()["returned"]) == (200, {}, {})
    assert await _on_hand(shop, sku) == before + 2, "the one that never left was on hand all the time"


async def test_a_parcel_that_comes_back_after_the_end_is_received_once(
    shop: Shop, web: httpx.AsyncClient, s1: httpx.AsyncClient
) -> None:
    order_id = await place_to_ship(shop, web)
    await _left(shop, order_id, returned=False)
    for _ in range(2):
        answer = await send(shop, "carrier", news(order_id, "returned"), event_id=f"r-{order_id}")
        assert answer.status_code == 202
    await send(shop, "carrier", news(order_id, "out_for_delivery"))
    shown = (await s1.get(path(order_id))).json()
    assert (shown["returned"], shown["put_back"]) == ({"1": 2}, {"1": 2})
    events = [(each["said"], each["effect"]) for each in shown["parcels"][0]["events"]]
    assert events == [("returned", "applied"), ("out_for_delivery", "out_of_order")]
    timeline = (await web.get(f"/v1/orders/{order_id}/timeline?limit=200")).json()["items"]
    assert [each["event"] for each in timeline] == ["parcel_returned", "carrier_event"]
    tasks = (await s1.get("/v1/stores/S1/tasks?limit=200")).json()["items"]
    assert [each["task"] for each in tasks if each["order_id"] == order_id] == ["put_back"]


async def _left(shop: Shop, order_id: str, *, returned: bool = True) -> Sku:
    """Both units left, were lost and paid back, and may have come back; the order has ended."""
    order: Order = shop.engine.of(order_id).order
    sku = order.terms.lines[0].sku
    await shop.stock(sku, "S1", 5)
    line = StockLine(line_id=LineId("1"), sku=sku, location_id=StoreId("S1"), quantity=2)
    given: dict[str, Any] = {"at": order.terms.received_at, "order_id": OrderId(order_id), "lines": (line,)}
    async with shop.services.transactions.begin() as books:
        await books.inventory.reserve(Reserve(key=OperationKey(uuid.uuid4().hex), **given))
        await books.inventory.allocate(Allocate(key=OperationKey(uuid.uuid4().hex), **given))
        await books.inventory.consume(Consume(key=OperationKey(uuid.uuid4().hex), **given))
    group = order.shipment(1)
    for source, target in (("allocated", "picked"), ("picked", "shipped"), ("shipped", "lost")):
        group.move(LineId("1"), UnitState(target), 2, UnitState(source))
    group.returned = {LineId("1"): 2} if returned else {}
    at = order.terms.received_at
    lost = Claim(reason=ParcelStatus.LOST, opened_at=at, decide_by=at, resolution=Resolution.REFUND, resolved_at=at)
    group.parcels = [
        Parcel(
            n=1,
            lines={LineId("1"): 2},
            carrier="northway",
            tracking_number=news(order_id, "lost")["data"]["tracking_number"],
            shipped_at=at,
            due_at=at,
            overdue_at=at,
            status=ParcelStatus.LOST,
            status_at=at,
            claim=lost,
        )
    ]
    order.finished = True
    await shop.engine.write(order_id)
    shop.engine.of(order_id).over = True
    return sku


async def _on_hand(shop: Shop, sku: Sku) -> int:
    async with shop.services.transactions.begin() as books:
        [level] = await books.inventory.levels([sku], [StoreId("S1")])
    return level.on_hand


# --- people who decide ------------------------------------------------------------------------------------------------


async def test_a_claim_is_decided_by_the_channel_and_not_by_a_store(
    shop: Shop, web: httpx.AsyncClient, s1: httpx.AsyncClient
) -> None:
    order_id = await place_to_ship(shop, web)
    running = shop.engine.of(order_id)
    running.answers["decide_claim"] = answers_with_group(shop.engine, order_id)
    assert (await post(s1, path(order_id, "claim"), {"resolution": "refund"})).status_code == 403
    put_off = await post(web, path(order_id, "claim"), {"resolution": "refund", "until": "2026-12-01T10:00:00Z"})
    assert (put_off.status_code, put_off.json()["errors"][0]["pointer"]) == (422, "/until")
    assert (await post(web, path(order_id, "claim"), {"resolution": "refund", "parcel": 1})).status_code == 200
    [command] = running.commands
    assert isinstance(command, messages.DecideClaim)
    assert (command.parcel, command.resolution, command.until) == (1, "refund", None)


async def test_the_search_s_end_is_moved_by_operations_to_the_future(shop: Shop, web: httpx.AsyncClient) -> None:
    order_id = await place_to_ship(shop, web)
    shop.engine.of(order_id).answers["move_auto_cancel"] = answers_with_group(shop.engine, order_id)
    ops = await shop.ops()
    for wrong in ("2026-11-23T09:59:00Z", "9999-12-31T23:59:59Z"):
        refused = await post(ops, path(order_id, "auto-cancel"), {"until": wrong})
        assert refused.json()["errors"][0]["pointer"] == "/until"
    for until in ("2026-11-24T10:00:00Z", None):
        assert (await post(ops, path(order_id, "auto-cancel"), {"until": until})).status_code == 200
    service = await shop.ops(Role.CUSTOMER_SERVICE)
    assert (await post(service, path(order_id, "auto-cancel"), {"until": None})).status_code == 403


async def test_operations_assign_what_is_not_picked(shop: Shop, web: httpx.AsyncClient) -> None:
    order_id = await place_to_ship(shop, web)
    running = shop.engine.of(order_id)

    with_shipment = answers_with_group(shop.engine, order_id)

    def answer(command: Any) -> Any:
        return with_shipment(messages.Accept(command_id=command.command_id, actor=command.actor, n=1))

    running.answers["assign"] = answer
    ops = await shop.ops()
    body = {"lines": ["1"], "location_id": "S2", "reason": "closer"}
    assert (await post(ops, f"/v1/orders/{order_id}/assign", body)).status_code == 200
    [command] = running.commands
    assert isinstance(command, messages.Assign)
    assert (command.lines, command.location_id) == ({"1": 2}, "S2")
    for wrong, pointer in (
        ({"location_id": "S9"}, "/location_id"),
        ({"lines": ["9"]}, "/lines/0"),
        ({"lines": ["1", "1"]}, "/lines/1"),
        ({"location_id": "S1"}, "/lines"),
    ):
        refused = await post(ops, f"/v1/orders/{order_id}/assign", body | wrong)
        assert [error["pointer"] for error in refused.json()["errors"]] == [pointer]
    assert (await post(web, f"/v1/orders/{order_id}/assign", body)).status_code == 403


# --- carriers ---------------------------------------------------------------------------------------------------------


def news(order_id: str, status: str) -> dict[str, Any]:
    data = {
        "carrier": "northway",
        "label_id": "l1",
        "tracking_number": "NW123456785DE",
        "reference": order_id,
        "shipment": f"shipment/{order_id}/1",
        "status": status,
        "at": "2026-11-23T12:00:00Z",
    }
    return {"type": f"parcel.{status}", "data": data}


async def test_a_carrier_s_news_reaches_its_order_once(shop: Shop, web: httpx.AsyncClient) -> None:
    order_id = await place_to_ship(shop, web)
    for known in (False, True):
        answer = await send(shop, "carrier", news(order_id, "delivered"), event_id=f"c-{order_id}")
        assert (answer.status_code, answer.json()["known"]) == (202, known)
    await send(shop, "carrier", news(order_id, "gone_fishing"))
    said = [event for name, event in shop.engine.of(order_id).signals if name == "carrier_event"]
    assert [(event.said, event.status) for event in said] == [
        ("delivered", ParcelStatus.DELIVERED),
        ("gone_fishing", ParcelStatus.UNKNOWN),
    ]


async def test_news_that_names_no_parcel_is_refused(shop: Shop) -> None:
    answer = await send(shop, "carrier", {"type": "parcel.lost", "data": {"reference": "o1"}})
    assert answer.status_code == 422


# --- partners ---------------------------------------------------------------------------------------------------------


def partner_news(order_id: str, status: str, shipment: str | None = None) -> dict[str, Any]:
    data = {
        "partner": "P001",
        "request_id": "req_1",
        "reference": order_id,
        "shipment": shipment or f"shipment/{order_id}/1",
        "status": status,
        "at": "2026-11-23T12:00:00Z",
    }
    return {"type": f"partner.{status}", "data": data}


async def test_a_partner_s_news_reaches_its_order_once_also_when_it_comes_before_it(
    shop: Shop, web: httpx.AsyncClient
) -> None:
    order_id = await place_to_ship(shop, web)
    running = shop.engine.running.pop(f"order/{order_id}")
    early = await send(shop, "partner", partner_news(order_id, "accepted"), event_id=f"p-{order_id}")
    assert (early.status_code, early.json()["known"]) == (202, False)
    [event] = await parked(shop, order_id)
    shop.engine.running[f"order/{order_id}"] = running
    assert await hand_on(shop, event)
    again = await send(shop, "partner", partner_news(order_id, "accepted"), event_id=f"p-{order_id}")
    assert (again.status_code, again.json()["known"]) == (202, True)
    await send(shop, "partner", partner_news(order_id, "gone_fishing", "somewhere/else"))
    said = [event for name, event in running.signals if name == "partner_event"]
    assert [(event.n, event.said, event.status) for event in said] == [
        (1, "accepted", RequestStatus.ACCEPTED),
        (0, "gone_fishing", RequestStatus.UNKNOWN),
    ]
    assert await parked(shop, order_id) == []


async def test_what_a_partner_says_once_an_order_has_ended_is_shown_once(shop: Shop, web: httpx.AsyncClient) -> None:
    order_id = await place_to_ship(shop, web)
    shop.engine.of(order_id).over = True
    for _ in range(2):
        await send(shop, "partner", partner_news(order_id, "shipped"), event_id=f"late-{order_id}")
    timeline = (await web.get(f"/v1/orders/{order_id}/timeline")).json()["items"]
    told = [(item["data"]["said"], item["reason"]) for item in timeline if item["event"] == "partner_event"]
    assert told == [("shipped", "the order has ended")]


async def test_partner_news_signed_by_another_or_of_no_request_is_refused(shop: Shop) -> None:
    stranger = "whsec_" + base64.b64encode(b"another secret, another house").decode()
    assert (await send(shop, "partner", partner_news("o1", "accepted"), secret=stranger)).status_code == 401
    nothing = {"type": "partner.accepted", "data": {"reference": "o1", "status": "accepted"}}
    assert (await send(shop, "partner", nothing)).status_code == 422
