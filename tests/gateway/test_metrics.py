from typing import Any

import httpx


async def test_requests_are_counted_by_route_without_ids(web: httpx.AsyncClient, world: Any) -> None:
    await web.get("/v1/things/7")
    await web.get("/v1/things/8")
    await web.get("/v1/things/hunter2")
    await web.get("/nowhere/hunter2")
    async with world.client() as anyone:
        text = (await anyone.get("/metrics")).text
    count = "throughline_http_request_seconds_count"
    assert f'{count}{{method="GET",route="/v1/things/{{thing_id}}",status="200"}} 2.0' in text
    assert f'{count}{{method="GET",route="/v1/things/{{thing_id}}",status="422"}} 1.0' in text
    assert f'{count}{{method="GET",route="unmatched",status="404"}} 1.0' in text
    assert "hunter2" not in text


async def test_a_bug_is_counted_as_500(web: httpx.AsyncClient, world: Any) -> None:
    async def fail() -> None:
        raise RuntimeError

    world.during = fail
    await web.post("/v1/things", json={"quantity": 1}, headers={"Idempotency-Key": "one"})
    text = (await web.get("/metrics")).text
    assert 'method="POST",route="/v1/things",status="500"} 1.0' in text
