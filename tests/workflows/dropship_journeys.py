"""The stories of shipments that a partner sends, told as those in `journeys.py` are."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from domain.carriage import ParcelStatus
from domain.dropship import PartnerId
from domain.policy_packs import PolicyPack
from tests.workflows.journeys import Journey
from tests.workflows.shipping_journeys import quick_shipping
from tests.workflows.shop import PRICE, Shop
from tests.workflows.watched import PATIENCE, WatchedOrder

PARTNER = PartnerId("P001")
"""It answers when it is told to."""


def looked_at_often(**durations: float) -> PolicyPack:
    return quick_shipping(look_at_partner_every=0.2, **durations)


async def with_partner(shop: Shop, partner: PartnerId = PARTNER, policy: PolicyPack | None = None) -> None:
    """The first store is a partner's."""
    shop.policy = policy or looked_at_often()
    async with shop.transactions.begin() as books:
        place = await books.places.place(shop.store(1))
        assert place is not None
        await books.places.put(place.model_copy(update={"partner": partner}))


async def come_true(look: Callable[[], Awaitable[object]]) -> None:
    """Wait until `look` finds something."""
    end = asyncio.get_running_loop().time() + PATIENCE
    while not await look():
        assert asyncio.get_running_loop().time() < end, "it did not come true"
        await asyncio.sleep(0.05)


async def requests(shop: Shop, order: WatchedOrder) -> list[dict[str, Any]]:
    """What the partner has been asked, as it tells itself."""
    async with httpx.AsyncClient(trust_env=False) as client:
        found = await client.get(f"{shop.partners_url}/ledger", params={"reference": order.order_id})
    entries: list[dict[str, Any]] = found.json()["entries"]
    return entries


async def partner_says(shop: Shop, order: WatchedOrder, word: str, **more: str) -> None:
    """The partner answers the order's request."""
    request = (await requests(shop, order))[0]["request_id"]
    async with httpx.AsyncClient(trust_env=False) as client:
        path = f"{shop.partners_url}/requests/{request}/answers"
        answer = await client.post(path, json={"answer": word, **more})
    assert answer.status_code == 201, answer.text


async def asked_of_partner(shop: Shop, quantity: int = 2) -> WatchedOrder:
    order = await shop.place_to_ship(quantity)
    await order.until_event("partner_asked")
    await come_true(lambda: requests(shop, order))
    return order


async def sent_by_a_partner(shop: Shop) -> WatchedOrder:
    """Asked, accepted, sent: exactly its share is captured when it has left."""
    await with_partner(shop)
    order = await asked_of_partner(shop)
    assert await order.waits() == ["partner accepts"]
    await partner_says(shop, order, "accept")
    await order.until(lambda view: view.groups[0].status == "accepted")
    assert await order.money() == ["authorise 9998"]
    await partner_says(shop, order, "ship", tracking_number=f"P{shop.name}")
    view = await order.until(lambda view: bool(view.groups[0].parcels))
    assert await order.money() == ["authorise 9998", "capture 9998"]
    await order.carrier_says(view.groups[0].parcels[0], ParcelStatus.DELIVERED)
    view = await order.ended()
    assert (view.status, view.lines[0].delivered) == ("completed", 2)
    assert [each["operation"] for each in await requests(shop, order)].count("ask") == 1
    assert await shop.on_hand() == {1: 18, 2: 20}
    return order


async def told_by_a_partner(shop: Shop) -> WatchedOrder:
    """Its own word is a reason to look, nothing more: early, late, twice, in disorder or false, it is heard once."""
    await with_partner(shop, policy=quick_shipping(look_at_partner_every=3600))
    order = await asked_of_partner(shop)
    await order.partner_tells("accepted", await _request_id(shop, order))
    await order.until_event("partner_event")
    assert (await order.record()).groups[0].status == "offered", "it has not accepted, whatever it says"
    await partner_says(shop, order, "accept")
    told = await order.partner_tells("accepted", await _request_id(shop, order))
    await order.until(lambda view: view.groups[0].status == "accepted")
    await order.partner_tells("accepted", await _request_id(shop, order), event_id=told)
    await order.partner_tells("shipped", "req_of_another")
    await partner_says(shop, order, "ship", tracking_number=f"P{shop.name}")
    await order.partner_tells("shipped", await _request_id(shop, order))
    view = await order.until(lambda view: bool(view.groups[0].parcels))
    await order.partner_tells("accepted", await _request_id(shop, order))
    await order.carrier_says(view.groups[0].parcels[0], ParcelStatus.DELIVERED)
    assert (await order.ended()).status == "completed"
    heard = [entry for entry in await order.timeline() if entry.event == "partner_event"]
    assert [entry.reason for entry in heard] == [None, None, "not waited for", None, "nothing new"]
    assert await order.money() == ["authorise 9998", "capture 9998"]
    assert await shop.on_hand() == {1: 18, 2: 20}
    return order


async def declined_by_a_partner(shop: Shop) -> WatchedOrder:
    """Another place sends it, and the partner is never asked again."""
    await with_partner(shop)
    order = await asked_of_partner(shop)
    await partner_says(shop, order, "decline", reason="too_late")
    view = await order.until(lambda view: view.groups[-1].status == "offered" and len(view.groups) == 2)
    assert (view.groups[1].store_id, view.groups[1].declined_by) == (shop.store(2), [shop.store(1)])
    await order.make_packed(2, n=2)
    await order.carrier_says(await order.ship(n=2), ParcelStatus.DELIVERED)
    assert (await order.ended()).payment.captured == 2 * PRICE
    assert await shop.on_hand() == {1: 20, 2: 18}
    return order


async def called_off_by_agreement(shop: Shop) -> WatchedOrder:
    """A cancel asks the partner; nothing is cancelled before it has agreed."""
    await with_partner(shop)
    order = await asked_of_partner(shop)
    await partner_says(shop, order, "accept")
    await order.until(lambda view: view.groups[0].status == "accepted")
    plan = (await order.cancel()).plan
    assert ([part.quantity for part in plan.asked], plan.release) == ([2], [])
    await come_true(lambda: _asked_to_stop(shop, order))
    assert "partner says whether it could stop" in await order.waits()
    assert await order.money() == ["authorise 9998"]
    await partner_says(shop, order, "agree")
    assert (await order.ended()).status == "cancelled"
    assert await order.money() == ["authorise 9998", "void 9998"]
    assert await shop.on_hand() == {1: 20, 2: 20}
    return order


async def partner_cannot_stop(shop: Shop) -> WatchedOrder:
    """Too late: it comes all the same, is paid, and may be returned."""
    await with_partner(shop)
    order = await asked_of_partner(shop)
    await partner_says(shop, order, "accept")
    await order.until(lambda view: view.groups[0].status == "accepted")
    await order.cancel()
    await come_true(lambda: _asked_to_stop(shop, order))
    await partner_says(shop, order, "refuse")
    await order.until_event("stop_too_late")
    await partner_says(shop, order, "ship", tracking_number=f"P{shop.name}")
    view = await order.until(lambda view: bool(view.groups[0].parcels))
    await order.carrier_says(view.groups[0].parcels[0], ParcelStatus.DELIVERED)
    assert (await order.ended()).status == "completed"
    assert await order.money() == ["authorise 9998", "capture 9998"]
    return order


async def _request_id(shop: Shop, order: WatchedOrder) -> str:
    return str((await requests(shop, order))[0]["request_id"])


async def _asked_to_stop(shop: Shop, order: WatchedOrder) -> bool:
    return any(each["operation"] == "call_off" for each in await requests(shop, order))


DROPSHIP_JOURNEYS: dict[str, Journey] = {
    journey.__name__: journey
    for journey in (
        sent_by_a_partner,
        told_by_a_partner,
        declined_by_a_partner,
        called_off_by_agreement,
        partner_cannot_stop,
    )
}
