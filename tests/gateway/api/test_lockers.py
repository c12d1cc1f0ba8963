"""Parcel machines at the edge: which may be asked for, what the store is told, and what comes after the end."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from adapters.inbound.port import InboundEvent
from adapters.locker.port import ReserveRequest
from domain.ids import OperationKey, OrderId
from domain.locker_stays import LockerNews
from domain.lockers import Compartment, CompartmentSize, CompartmentStatus, LockerId
from domain.units import UnitState
from gateway.webhooks import late_lockers
from gateway.webhooks.carriage import LockerData
from tests.gateway.api.conftest import Shop, a_store, an_order, post
from tests.gateway.api.engine import offered

AT_L001 = {"id": "f1", "method": "pickup", "store_id": "S1", "mode": "locker", "locker_id": "L001"}


@pytest.fixture(autouse=True)
async def machine(shop: Shop) -> None:
    """L001 stands at the door of S1."""
    async with shop.services.transactions.begin() as books:
        await books.places.put(a_store("S1", lockers=(LockerId("L001"),)))


async def place(shop: Shop, web: httpx.AsyncClient) -> OrderId:
    answer = await post(web, "/v1/orders", an_order(fulfilments=[AT_L001]))
    assert answer.status_code == 201, answer.text
    order_id = OrderId(answer.json()["order_id"])
    offered(shop.engine.of(order_id).order)
    await shop.engine.write(order_id)
    return order_id


async def reserved(shop: Shop, order_id: OrderId) -> Compartment:
    """The store has picked it, and a compartment is held for it."""
    group = shop.engine.of(order_id).order.pickup(1)
    now = shop.services.now()
    group.accepted_at = group.picking_at = now
    for line, units in group.owed_lines().items():
        group.move(line, UnitState.PICKED, units, UnitState.ALLOCATED)
    compartment = await shop.services.lockers.reserve(
        ReserveRequest(
            key=OperationKey(f"{order_id}:locker"),
            reference=order_id,
            group=group.group_id,
            locker_id=LockerId("L001"),
            size=CompartmentSize.SMALL,
            until=now + timedelta(hours=1),
        )
    )
    assert group.locker is not None
    group.locker.reserved(compartment)
    await shop.engine.write(order_id)
    return compartment


async def tasks(store: httpx.AsyncClient, order_id: OrderId) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await store.get("/v1/stores/S1/tasks?limit=200")).json()["items"]
    return [task for task in items if task["order_id"] == order_id]


async def test_the_terms_name_the_machine(shop: Shop, web: httpx.AsyncClient) -> None:
    order_id = await place(shop, web)
    [pickup] = shop.engine.starts[-1].pickups
    assert (pickup.locker_id, pickup.mode) == ("L001", "locker")
    locker = (await web.get(f"/v1/orders/{order_id}")).json()["groups"][0]["locker"]
    assert (locker["locker_id"], locker["status"]) == ("L001", "requested")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"locker_id": "L002"}, "/fulfilments/0/locker_id"),
        ({"locker_id": None}, "/fulfilments/0/locker_id"),
        ({"store_id": "S2"}, "/fulfilments/0/locker_id"),
    ],
)
async def test_a_machine_that_does_not_stand_there_is_refused(
    shop: Shop, web: httpx.AsyncClient, change: dict[str, Any], pointer: str
) -> None:
    answer = await post(web, "/v1/orders", an_order(fulfilments=[AT_L001 | change]))
    assert (answer.status_code, [each["pointer"] for each in answer.json()["errors"]]) == (422, [pointer])


async def test_the_store_is_told_what_to_put_where_and_with_which_code(
    shop: Shop, web: httpx.AsyncClient, s1: httpx.AsyncClient
) -> None:
    order_id = await place(shop, web)
    path = f"/v1/pickups/{order_id}/1/deposit-code"
    assert (await s1.get(path)).status_code == 409, "nothing is reserved yet"
    compartment = await reserved(shop, order_id)
    [task] = await tasks(s1, order_id)
    assert (task["task"], task["locker"]["compartment_id"]) == ("deposit", compartment.id)
    code = (await s1.get(path)).json()
    expected = (await shop.services.lockers.deposit_code(compartment.id)).get_secret_value()
    assert (code["locker_id"], code["compartment_id"], code["code"]) == ("L001", compartment.id, expected)
    assert (await web.get(path)).status_code == 403
    assert (await (await shop.store("S2")).get(path)).status_code == 404
    await shop.services.lockers.release(compartment.id, key=OperationKey("elsewhere"))
    assert (await s1.get(path)).status_code == 409, "its operator has given it to others"


async def test_what_lies_in_the_machine_is_no_work_of_the_store(
    shop: Shop, web: httpx.AsyncClient, s1: httpx.AsyncClient
) -> None:
    order_id = await place(shop, web)
    compartment = await reserved(shop, order_id)
    group, now = shop.engine.of(order_id).order.pickup(1), shop.services.now()
    assert group.locker is not None
    group.locker.take(
        LockerNews(
            event_id="e1",
            compartment_id=compartment.id,
            at=now + timedelta(minutes=1),
            said="deposited",
            status=CompartmentStatus.DEPOSITED,
        )
    )
    for line, units in group.owed_lines().items():
        group.move(line, UnitState.READY, units, UnitState.PICKED)
    group.ready_at = now
    await shop.engine.write(order_id)
    assert await tasks(s1, order_id) == []


async def test_what_is_said_once_an_order_has_ended_is_kept_and_shown(shop: Shop, web: httpx.AsyncClient) -> None:
    order_id = await place(shop, web)
    compartment = await reserved(shop, order_id)
    group = shop.engine.of(order_id).order.pickup(1)
    assert group.locker is not None
    expired = {"status": CompartmentStatus.EXPIRED, "said": "expired", "event_id": "e1"}
    group.locker.take(LockerNews(compartment_id=compartment.id, at=shop.services.now() + timedelta(days=3), **expired))
    await shop.engine.write(order_id)
    for said, status in (("returned", "returned"), ("deposited", "returned")):
        data = LockerData.model_validate(
            {
                "reference": order_id,
                "status": said,
                "at": (shop.services.now() + timedelta(days=4)).isoformat(),
                "locker_id": "L001",
                "compartment_id": compartment.id,
                "group": f"pickup/{order_id}/1",
            }
        )
        event = InboundEvent(
            provider="locker",
            event_id=f"late-{said}",
            type=data.type,
            order_id=order_id,
            received_at=shop.services.now(),
            data={},
        )
        await late_lockers.keep(shop.services.transactions, event, data)
        locker = (await web.get(f"/v1/orders/{order_id}")).json()["groups"][0]["locker"]
        assert locker["status"] == status
    timeline = (await web.get(f"/v1/orders/{order_id}/timeline")).json()["items"]
    told = [(item["data"]["said"], item["reason"]) for item in timeline if item["event"] == "locker_event"]
    assert told == [("returned", None), ("deposited", "the order has ended")]


@pytest.mark.parametrize(("group", "number"), [("pickup/o1/3", 3), ("pickup/o2/3", 0), ("o1", 0), ("pickup/o1/x", 0)])
def test_a_name_of_ours_says_which_pickup_is_meant(group: str, number: int) -> None:
    told = {"reference": "o1", "status": "deposited", "at": "2026-11-23T10:00:00Z", "locker_id": "L1"}
    assert LockerData.model_validate(told | {"compartment_id": "c1", "group": group}).pickup == number
