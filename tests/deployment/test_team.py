"""Journeys on a team's servers: two APIs, three workers by pool, Temporal on PostgreSQL, nothing shared but those."""

import asyncio

import pytest

from tests.deployment.callers import Callers
from tests.deployment.team import APIS, WORKERS, Team

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(1800)]


async def test_an_order_goes_from_placing_to_collecting_through_every_process(team: Team, callers: Callers) -> None:
    shelf = await callers.shelf(S001=10)
    order = await callers.place(sku=shelf.sku, quantity=3, price=3334, discount=2)
    await order.make_ready()
    code = await order.code()
    pickup = await order.is_handed_over(code, lines={"1": 1})
    assert pickup["hand_overs"][0]["captured"] == 3333
    await order.is_handed_over(code)
    await order.reaches("completed")
    await order.money_rests(authorised=10000, captured=10000)
    await order.told("order_confirmed", "ready_for_pickup", "partly_collected", "collected")
    await shelf.adds_up(S001=7)
    assert {api for api, _, _ in callers.balancer.statuses} == set(APIS), "both APIs took part"


async def test_a_cancelled_order_leaves_nothing_held(callers: Callers) -> None:
    shelf = await callers.shelf(S002=4)
    order = await callers.place(sku=shelf.sku, quantity=2, store="S002")
    await order.make_ready()
    answer = await order.cancel()
    assert answer.status_code == 200, answer.text
    await order.reaches("cancelled")
    await order.money_rests(authorised=9998, captured=0)


async def test_what_one_api_took_the_other_knows(team: Team, callers: Callers) -> None:
    body = callers.body()
    key = callers.keys["web"]
    first = await callers.call("POST", "/v1/orders", key, body, idempotency=f"{body['external_id']}-k")
    again = await callers.call("POST", "/v1/orders", key, body, idempotency=f"{body['external_id']}-k")
    twin = await callers.call("POST", "/v1/orders", key, body)
    assert first.status_code == 201
    assert again.json()["order_id"] == twin.json()["order_id"] == first.json()["order_id"]


async def test_the_last_unit_is_sold_once_over_both_apis(callers: Callers) -> None:
    shelf = await callers.shelf(S003=1)
    bodies = [callers.body(sku=shelf.sku, store="S003") for _ in range(6)]
    answers = await asyncio.gather(*(callers.channel("POST", "/v1/orders", body) for body in bodies))
    taken = [answer for answer in answers if answer.status_code == 201 and answer.json()["status"] == "in_progress"]
    assert len(taken) == 1
    assert (await shelf.at("S003"))["available"] == 0


async def test_every_process_is_well_as_its_health_check_sees_it(team: Team) -> None:
    assert {name: await team.is_well(name) for name in (*APIS, *WORKERS)} == dict.fromkeys((*APIS, *WORKERS), True)


async def test_each_pool_is_served_by_its_own_process_only(team: Team, callers: Callers) -> None:
    """Without the payment pool an order waits for its payment; with it again, it goes on."""
    payment = team.process("worker-payment")
    await payment.stop()
    try:
        body = callers.body()
        placing = asyncio.create_task(callers.channel("POST", "/v1/orders", body, patient=False))
        answer = await placing
        assert answer.status_code in (201, 202)
    finally:
        await payment.start()
    order = await callers.placed(body)
    await order.make_ready()
    await order.is_handed_over(await order.code())
    await order.reaches("completed")
    await order.money_rests(authorised=4999, captured=4999)


async def test_the_first_key_is_issued_on_the_server_and_rotated_without_a_break(team: Team, callers: Callers) -> None:
    """As docs/operations tells: `docker compose run --rm migrate python -m workers.keys …`."""
    first = await team.job("migrate", "workers.keys", "issue", "ops", "first-ops", "--role", "ops", "--days", "90")
    second = await team.job("migrate", "workers.keys", "issue", "ops", "first-ops", "--role", "ops")
    item = {"sku": "KEYED-1", "name": "Thing", "price": 100}
    for key in (first, second):
        assert (await callers.call("PUT", "/v1/items", key, item)).status_code == 200
    await team.job("migrate", "workers.keys", "revoke", first.split("_")[1])

    async def is_refused() -> bool:
        return (await callers.call("PUT", "/v1/items", first, item)).status_code == 401

    # Each API remembers a good key for some seconds.
    await callers.until("the revoked key is refused", is_refused, patience=15)
    assert (await callers.call("PUT", "/v1/items", second, item)).status_code == 200


async def test_jobs_that_ran_before_find_all_there(team: Team) -> None:
    assert "is at revision" in await team.job("migrate")
    assert await team.job("namespace") == "All was there."
