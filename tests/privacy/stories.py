"""Orders of customers who leave traces wherever traces can be left: in mails, at counters, in refusals, in failures.

Days take seconds on this stack, and the machine may be busy: a story whose order ended too early is told again.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.privacy.persons import ADDRESS, REFUSED_CARD, REFUSED_CVV, Customer
from tests.scenarios.placed import Json, Placed
from tests.scenarios.world import World, later
from workers.stack.stack import Stack

TRIES = 4
CODE = re.compile(r"^Code: (\d{8})\s*$", re.MULTILINE)


class EndedTooEarly(Exception):
    """The short day was over before the store had done its work."""


@dataclass
class Told:
    """What the stories left to look at."""

    orders: dict[str, Placed] = field(default_factory=dict)
    refusals: list[httpx.Response] = field(default_factory=list)
    link: str = ""


def body_of(world: World, who: Customer, *, token: str | None = None, **wanted: Any) -> Json:
    body = world.body(token=token or who.token, **wanted)
    body["customer"] = {"ref": who.ref, "name": who.name, "email": who.email, "phone": who.phone}
    return body


async def until_told(story: Callable[[], Awaitable[Placed]]) -> Placed:
    ends = []
    for _ in range(TRIES):
        try:
            return await story()
        except EndedTooEarly as end:
            ends.append(str(end))
    raise AssertionError(f"the machine is too busy for days of seconds: {ends}")


async def does(order: Placed, command: str, body: Json | None = None, **more: Any) -> Json:
    answer = await order.world.store(order, command, body, **more)
    if answer.status_code != 200:
        raise EndedTooEarly(f"{command}: {answer.text[:300]}")
    pickup: Json = answer.json()
    return pickup


async def made_ready(order: Placed, who: Customer) -> str:
    """Ready, with time enough; the code that the customer got."""
    await does(order, "accept")
    await does(order, "pick", {"lines": [{"line_id": "1", "quantity": 1}]})
    await does(order, "ready", {"location": "A1"})
    await does(order, "extend", {"until": later(seconds=25)})
    return await newest_code(order, who, 1)


async def newest_code(order: Placed, who: Customer, n: int) -> str:
    async def look() -> str | None:
        mails = [mail["text"] for mail in await order.world.mails(who.email) if order.external_id in mail["subject"]]
        codes = list(dict.fromkeys(code for text in mails for code in CODE.findall(text)))
        return codes[n - 1] if len(codes) >= n else None

    code: str = await order.world.until("the mail with the code comes", look)
    who.codes.append(code)
    return code


async def link_of(order: Placed, who: Customer) -> str:
    for mail in await order.world.mails(who.email):
        if found := re.search(r"http://\S+/c/\S+", mail["text"]):
            return found.group()
    raise AssertionError("no mail has a link")


# --- stories ---------------------------------------------------------------------------------------------------------


async def collected_by_a_friend(world: World, who: Customer, told: Told) -> Placed:
    """At the kerb, through the customer's own page, with a wrong code first."""
    body = body_of(world, who, mode="curbside", pickup={"person": {"name": who.proxy, "relation": "friend"}})
    key = f"key-of-{who.email}"
    answer = await world.channel("POST", "/v1/orders", body, idempotency=f"{key}-{body['external_id']}")
    assert answer.status_code == 201, answer.text
    order = Placed(world, body, answer.json(), "web")
    code = await made_ready(order, who)
    told.link = await link_of(order, who)
    page = await world.http.get(told.link)
    assert page.status_code == 200
    once = re.search(r'name="once"[^>]*value="([^"]*)"', page.text)
    await world.http.post(told.link, data={"once": once[1] if once else "1", "bay": "4", "vehicle": who.vehicle})
    await does(order, "arrived", {"bay": "4", "vehicle": who.vehicle})
    for wrong in (who.name, "00000000"):
        told.refusals.append(await world.store(order, "hand-over", {"code": wrong}))
    person = {"name": who.proxy, "relation": "friend"}
    stranger = {"name": "Hieronymus Stolzenfels", "relation": "other"}
    told.refusals.append(await world.store(order, "hand-over", {"code": code, "person": stranger}))
    proof = {"kind": "id_sighted", "ref": "till-7"}
    pickup = await does(order, "hand-over", {"code": f"{code[:4]} {code[4:]}", "person": person, "proof": proof})
    if pickup["status"] != "collected":
        raise EndedTooEarly(pickup["status"])
    await order.reaches("completed")
    return order


async def shipped_home(world: World, who: Customer, told: Told) -> Placed:
    """To an address that changes and that the place that packs it reads, under a label that a carrier sold."""
    body = body_of(world, who) | {"fulfilments": [{"id": "f1", "method": "ship", "address": ADDRESS}]}
    order = await world.placed(body)
    moved = ADDRESS | {"line1": "Quastenhof 9912"}
    told.refusals.append(await order.ask("changes", {"address": moved, "remove": ["99"]}))
    changed = await order.ask("changes", {"address": moved})
    if changed.status_code != 200:
        raise EndedTooEarly(f"changes: {changed.text[:300]}")
    place = str((await order.group())["store_id"])
    path, key = f"/v1/shipments/{order.id}/1", world.key_of(place)
    lines = {"lines": [{"line_id": "1", "quantity": 1}]}
    for command, sent in (("accept", {}), ("pick", lines), ("pack", lines), ("ship", {})):
        answer = await world.call("POST", f"{path}/{command}", key, sent)
        if answer.status_code != 200:
            raise EndedTooEarly(f"{command}: {answer.text[:300]}")
    shown = await world.call("GET", path, key)
    assert moved["line1"] in shown.text, "whoever packs it knows where it goes"
    return order


async def locked_by_wrong_codes(world: World, who: Customer, told: Told) -> Placed:
    order = await world.placed(body_of(world, who))
    old = await made_ready(order, who)
    for n in range(5):
        told.refusals.append(await world.store(order, "hand-over", {"code": f"1234567{n}"}))
    if told.refusals[-1].status_code not in (422, 423):
        raise EndedTooEarly("while wrong codes were tried")
    told.refusals.append(await world.store(order, "hand-over", {"code": old}))
    await does(order, "unlock", manager=True)
    await world.channel("POST", f"/v1/pickups/{order.id}/1/proxy", {"name": who.proxy, "relation": "family"})
    await does(order, "resend-code")
    new = await newest_code(order, who, 2)
    told.refusals.append(await world.store(order, "hand-over", {"code": old}))
    await does(order, "hand-over", {"code": new})
    await order.reaches("completed")
    return order


async def whose_mails_bounce(world: World, who: Customer, told: Told) -> Placed:
    for fault in ({"code": 451, "count": 1, "to": who.email}, {"code": 550, "count": 1, "to": who.email}):
        (await world.http.post(f"{world.record['mail']}/faults", json=fault)).raise_for_status()
    order = await world.placed(body_of(world, who))

    async def bounced() -> bool:
        answer = await world.channel("GET", f"/v1/orders/{order.id}/messages")
        return any(each["state"] == "failed" for each in answer.json()["items"])

    await world.until("a mail is given up", bounced)
    await order.cancel()
    await order.reaches("cancelled")
    return order


async def refused_in_every_way(world: World, who: Customer, told: Told) -> None:
    """Nothing of these becomes an order."""
    stores = world.keys["stores"]["S001"]
    bodies = [
        body_of(world, who, token=f"tok_declined+{who.token}"),
        body_of(world, who, quantity=99_999),
        body_of(world, who, token=REFUSED_CARD),
        body_of(world, who) | {"tenders": [{"type": "card", "token": who.token, "amount": 4999, "cvv": REFUSED_CVV}]},
        body_of(world, who) | {who.email: who.phone},
        body_of(world, who, sku=who.email),
        body_of(world, who) | {"locale": who.name},
        body_of(world, who) | {"placed_at": who.phone},
        body_of(world, who) | {"total": 1},
        body_of(world, who, token=REFUSED_CARD) | {"fulfilments": [{"id": "f1", "method": "ship", "address": ADDRESS}]},
        body_of(world, who) | {"fulfilments": [{"id": "f1", "method": "pickup", "store_id": "S999"}]},
    ]
    for body in bodies:
        answer = await world.channel("POST", "/v1/orders", body)
        assert 400 <= answer.status_code < 500, answer.text
        told.refusals.append(answer)
    for path in (f"/v1/orders/{who.email}", f"/v1/orders?external_id={who.email}", f"/v1/customers/{who.email}"):
        told.refusals.append(await world.channel("GET", path))
    told.refusals.append(await world.call("GET", f"/v1/stores/{who.email}/tasks", stores))
    told.refusals.append(await world.channel("GET", "/v1/orders", On_Behalf_Of=f"customer/{who.email}"))
    api = world.record["api"]
    told.refusals.append(await world.http.get(f"{api}/v1/orders", headers={"authorization": f"Bearer {who.email}"}))
    told.refusals.append(await world.http.post(f"{api}/v1/{who.name}", json={"email": who.email}))
    broken = f'{{"customer": {{"email": "{who.email}"'
    headers = {"authorization": f"Bearer {world.keys['web']}", "content-type": "application/json"}
    told.refusals.append(await world.http.post(f"{api}/v1/orders", content=broken, headers=headers))


async def whose_money_needs_a_person(world: World, who: Customer, told: Told) -> Placed:
    """The provider is away at the counter and then declines; a person writes the money off."""
    order = await world.placed(body_of(world, who))
    code = await made_ready(order, who)
    fault = {"operation": "capture", "reference": order.id, "kind": "status"}
    await world.provider_fault(**fault, status=503, count=6)
    await world.provider_fault(**fault, status=402, count=1)
    await does(order, "hand-over", {"code": code})
    await order.reaches("needs_attention", "completed", patience=60)
    listed = await world.ops("GET", "/v1/ops/interventions")
    for question in listed.json()["items"]:
        if question["order_id"] == order.id:
            path = f"/v1/ops/interventions/{question['intervention_id']}"
            await world.ops("POST", path, {"action": "skip", "reason": "small amount"})
    await order.reaches("completed", patience=60)
    return order


async def reviewed_and_declined(world: World, who: Customer, told: Told) -> Placed:
    """Events from outside say more than they should."""
    order = await world.placed(body_of(world, who))
    chatty = {"name": who.name, "email": who.email, "billing": ADDRESS}
    moved = {"authorisation_id": "auth_unknown", "operation_id": "op_unknown", "amount": 1, "currency": "EUR"}
    event = {"type": "capture.succeeded", "data": moved | {"reference": order.id, "customer": chatty}}
    told.refusals.append(await world.webhook("payment", event))
    told.refusals.append(await world.webhook("payment", {"type": who.email, "data": chatty}))
    seen = {"reference": order.id, "status": "delivered", "at": "2026-03-01T12:00:00Z"}
    parcel = {
        "carrier": "northway",
        "label_id": "lbl_1",
        "tracking_number": "NW1",
        "shipment": f"shipment/{order.id}/1",
    }
    told.refusals.append(await world.webhook("carrier", {"type": who.email, "data": seen | parcel | chatty}))
    told.refusals.append(await world.webhook("carrier", {"type": "x", "data": seen | parcel | {"status": who.name}}))
    told.refusals.append(await world.webhook("fraud", {"order_id": order.id, "decision": "decline", **chatty}))
    await order.reaches("cancelled", "completed", patience=60)
    return order


async def never_collected(world: World, who: Customer, told: Told) -> Placed:
    order = await world.placed(body_of(world, who))
    await order.reaches("cancelled", "completed", patience=90)
    return order


async def through_an_outage(world: World, stack: Stack, who: Customer) -> Placed:
    """The database goes away while orders are being taken: drivers complain, steps fail, and are tried again."""
    assert stack.servers.postgres is not None
    bodies = [body_of(world, who) for _ in range(3)]
    placing = [asyncio.ensure_future(world.channel("POST", "/v1/orders", body, patient=False)) for body in bodies]
    await asyncio.sleep(0.1)
    await stack.servers.postgres.stop()
    await asyncio.sleep(1.0)
    await stack.servers.postgres.start()
    await asyncio.gather(*placing)
    # The same orders under new keys: the old ones may still be held by those who were cut off.
    answers = [await world.channel("POST", "/v1/orders", body) for body in bodies]
    assert all(answer.status_code in (200, 201) for answer in answers), [answer.text for answer in answers]
    orders = [Placed(world, body, answer.json(), "web") for body, answer in zip(bodies, answers, strict=True)]
    for order in orders:
        await order.cancel()
        await order.reaches("cancelled", "completed", patience=60)
    return orders[0]


async def play(world: World, stack: Stack, customers: list[Customer]) -> Told:
    told = Told()
    xaverine, ottokar, philomena, zacharias, kunigunde, eusebius = customers
    stories: dict[str, tuple[Callable[..., Awaitable[Placed]], Customer]] = {
        "collected": (collected_by_a_friend, xaverine),
        "shipped": (shipped_home, xaverine),
        "locked": (locked_by_wrong_codes, ottokar),
        "bounced": (whose_mails_bounce, philomena),
        "intervened": (whose_money_needs_a_person, kunigunde),
        "reviewed": (reviewed_and_declined, eusebius),
        "expired": (never_collected, ottokar),
    }

    async def tell(name: str) -> None:
        story, who = stories[name]
        told.orders[name] = await until_told(lambda: story(world, who, told))

    await asyncio.gather(*(tell(name) for name in stories))
    await refused_in_every_way(world, zacharias, told)
    told.orders["outage"] = await through_an_outage(world, stack, zacharias)
    return told
