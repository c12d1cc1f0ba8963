"""Mail servers that refuse, put off or are gone: one mail an event in the end, and no order waits for it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.scenarios.placed import Placed
from tests.scenarios.world import Json, World

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(120)]


@pytest.fixture(autouse=True)
async def healed(world: World) -> AsyncIterator[None]:
    yield
    (await world.http.delete(f"{world.record['mail']}/faults")).raise_for_status()


async def fault(world: World, **what: Any) -> None:
    (await world.http.post(f"{world.record['mail']}/faults", json=what)).raise_for_status()


async def message(world: World, order: Placed, kind: str, *states: str) -> Json:
    """The message of a kind, once it is in one of the states."""

    async def look() -> Json | None:
        answer = await world.channel("GET", f"/v1/orders/{order.id}/messages")
        found = [each for each in answer.json()["items"] if each["kind"] == kind]
        return next((each for each in found if each["state"] in states), None)

    found: Json = await world.until(f"{kind} is {states}", look)
    return found


async def test_a_mail_that_is_put_off_is_sent_once_later(world: World) -> None:
    body = world.body()
    await fault(world, code=451, count=1, to=body["customer"]["email"])
    order = await world.placed(body)
    sent = await message(world, order, "order_confirmed", "sent")
    assert sent["attempts"] == 2
    assert len(await world.mails(order.mailbox)) == 1


async def test_a_mail_box_that_is_not_there_is_a_task_and_holds_no_order_up(world: World) -> None:
    body = world.body()
    await fault(world, code=550, count=9, to=body["customer"]["email"])
    order = await world.placed(body)
    failed = await message(world, order, "order_confirmed", "failed")
    assert failed["attempts"] == 1, "what is refused for good is not tried again"
    assert body["customer"]["email"] not in str(failed)
    pickup = await order.make_ready()
    assert pickup["status"] == "ready"
    await message(world, order, "ready_for_pickup", "failed")  # one not yet tried would be sent once that is mended
    assert await world.mails(order.mailbox) == []
    tasks = (await world.ops("GET", "/v1/ops/messages")).json()["items"]
    assert [task["kind"] for task in tasks if task["order_id"] == order.id][-1] == "order_confirmed"
    await world.http.delete(f"{world.record['mail']}/faults")
    path = f"/v1/orders/{order.id}/messages/{failed['id']}/resend"
    assert (await world.ops("POST", path)).status_code == 202, "a person mends it and has it sent again"
    await message(world, order, "order_confirmed", "sent")
    assert len(await world.mails(order.mailbox)) == 1


async def test_orders_go_on_without_a_mail_server_and_every_mail_comes_once_when_it_is_back(world: World) -> None:
    await fault(world, mode="down")
    order = await world.place()
    await order.make_ready()
    waiting = await message(world, order, "ready_for_pickup", "pending")
    assert waiting["state"] == "pending"
    assert (await order.group())["status"] == "ready", "the order is not held up"
    await fault(world, mode="up")
    pickup = await order.is_handed_over(await order.code())
    assert pickup["status"] == "collected"
    await order.reaches("completed")
    await order.told("order_confirmed", "ready_for_pickup", "collected")
