"""What simulated carriers and lockers see arrives at the API, signed with their own secrets, and is taken."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from tests.scenarios.placed import Json
from tests.scenarios.playing import story
from tests.scenarios.world import World

pytestmark = [pytest.mark.stack, pytest.mark.slow]


@story
async def test_every_word_of_a_carrier_is_taken_also_one_that_nobody_knows(world: World) -> None:
    carriers, order = world.record["carriers"], uuid.uuid4().hex
    area = {"country": "DE", "postal_code": "10115"}
    label = await asked(
        world,
        f"{carriers}/v1/labels",
        {
            "reference": order,
            "shipment": f"shipment/{order}/1",
            "carrier": "kestrel",
            "service": "economy",
            "carriage": {"origin": area, "destination": area, "weight_grams": 900},
            "recipient": {"name": "Ada Lovelace", "lines": ["St James's Square 12"]},
        },
    )
    for status in ("lost", "held_for_inspection"):
        await asked(world, f"{carriers}/parcels/{label['tracking_number']}/events", {"status": status})
    assert await told(world, "carriers", order) == {"parcel.lost", "parcel.held_for_inspection"}


@story
async def test_what_happens_in_a_locker_is_taken(world: World) -> None:
    lockers, order = world.record["lockers"], uuid.uuid4().hex
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    reserved = await asked(
        world,
        f"{lockers}/v1/compartments",
        {
            "reference": order,
            "group": f"pickup/{order}/1",
            "locker_id": f"L{int(order[:6], 16) % 900 + 100}",
            "size": "small",
            "until": until,
        },
    )
    code = (await world.http.get(f"{lockers}/v1/compartments/{reserved['id']}/deposit_code")).json()
    await asked(world, f"{lockers}/machines/{reserved['locker_id']}/deposit", code)
    assert await told(world, "lockers", order) == {"locker.deposited"}


async def asked(world: World, url: str, body: Json) -> Json:
    answer = await world.http.post(url, json=body, headers={"idempotency-key": uuid.uuid4().hex})
    assert answer.status_code == 201, answer.text
    done: Json = answer.json()
    return done


async def told(world: World, system: str, order: str) -> set[str]:
    """The kinds of events of an order, once the API has taken all of them."""

    async def look() -> list[Json] | None:
        sent = await world.http.get(f"{world.record[system]}/webhooks", params={"reference": order})
        events: list[Json] = sent.json()["items"]
        return events if events and all(event["deliveries"] for event in events) else None

    events = await world.until("the events were taken", look)
    assert {event["last_status"] for event in events} == {202}
    return {event["type"] for event in events}
