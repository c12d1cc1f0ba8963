from typing import Any

import pytest

from gateway.problems import Problem
from gateway.ratelimit import RateLimit


async def test_over_the_limit_a_key_waits_and_others_do_not_notice(world: Any) -> None:
    world.a_minute = 3
    world.open()
    async with world.client(await world.key()) as web, world.client(await world.key("app")) as app:
        answers = [await web.get("/v1/me") for _ in range(5)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
        assert answers[-1].headers["content-type"] == "application/problem+json"
        assert answers[-1].json()["type"].endswith("/rate-limited")
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
        assert (await app.get("/v1/me")).status_code == 200


async def test_two_keys_of_one_principal_have_a_limit_each(world: Any) -> None:
    world.a_minute = 1
    world.open()
    for key in (await world.key(), await world.key()):
        async with world.client(key) as client:
            assert (await client.get("/v1/me")).status_code == 200


async def test_a_refused_request_takes_no_idempotency_key(world: Any) -> None:
    world.a_minute = 1
    world.open()
    async with world.client(await world.key()) as web:
        await web.get("/v1/me")
        headers = {"Idempotency-Key": "one"}
        assert (await web.post("/v1/things", json={"quantity": 1}, headers=headers)).status_code == 429
    assert world.records._records == {}


def test_the_default_is_6000_a_minute() -> None:
    limit = RateLimit()
    for _ in range(6000):
        limit.count("key")
    with pytest.raises(Problem) as refused:
        limit.count("key")
    assert refused.value.status == 429
