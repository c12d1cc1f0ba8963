import asyncio
import json
from typing import Any

import httpx
import pytest
from fastapi.responses import JSONResponse, Response
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.idempotency.postgres import PostgresCommandRecords
from domain.refusals import Refusal, RefusalKind, Refused
from gateway.idempotency import LEASE
from gateway.problems import Problem, ProblemKind

BODY = {"quantity": 1, "name": "Jane"}


async def post(client: httpx.AsyncClient, key: str | None = "one", body: Any = BODY) -> httpx.Response:
    return await client.post("/v1/things", json=body, headers={} if key is None else {"Idempotency-Key": key})


def slug(response: httpx.Response) -> str:
    return str(response.json()["type"]).rpartition("/")[2]


async def test_the_same_key_gives_the_first_answer_marked_as_replayed(web: httpx.AsyncClient, world: Any) -> None:
    first, again = await post(web), await post(web)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again.headers["content-type"] == first.headers["content-type"]
    assert again.headers["location"] == first.headers["location"]
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert len(world.runs) == 1


async def test_spaces_and_order_of_fields_make_no_other_body(web: httpx.AsyncClient, world: Any) -> None:
    await post(web)
    written = json.dumps(dict(reversed(BODY.items())), indent=4)
    headers = {"Idempotency-Key": "one", "Content-Type": "application/json"}
    again = await web.post("/v1/things", content=written, headers=headers)
    assert again.headers["idempotency-replayed"] == "true"
    assert len(world.runs) == 1


async def test_the_same_key_with_another_body_is_refused(web: httpx.AsyncClient, world: Any) -> None:
    await post(web)
    other = await post(web, body=BODY | {"quantity": 2})
    assert other.status_code == 422
    assert slug(other) == "idempotency-key-reused"
    assert len(world.runs) == 1


async def test_the_same_key_on_another_path_is_refused(web: httpx.AsyncClient) -> None:
    await post(web)
    other = await web.post("/v1/things/7/poke", headers={"Idempotency-Key": "one"})
    assert other.status_code == 422


async def test_a_key_means_nothing_to_another_principal(web: httpx.AsyncClient, world: Any) -> None:
    await post(web)
    async with world.client(await world.key("app")) as app:
        assert (await post(app, body=BODY | {"quantity": 2})).status_code == 201


@pytest.mark.parametrize("key", [None, "", "k" * 256, "k" * 300, "a b", "ctrl\x01", "caf\u00e9"])
async def test_without_a_proper_key_a_command_does_not_run(web: httpx.AsyncClient, world: Any, key: str | None) -> None:
    headers = [] if key is None else [(b"Idempotency-Key", key.encode("latin-1"))]
    response = await web.post("/v1/things", json=BODY, headers=headers)
    assert response.status_code == 400
    assert slug(response) == "idempotency-key-missing"
    assert world.runs == []


async def test_a_key_may_be_a_number_that_passes_for_a_card(web: httpx.AsyncClient) -> None:
    """Callers make keys of times and counters, and one in ten of those does."""
    response = await web.post("/v1/things", json=BODY, headers={"Idempotency-Key": "4111111111111111"})
    assert response.status_code == 201


async def test_two_keys_are_no_key(web: httpx.AsyncClient) -> None:
    response = await web.post("/v1/things", json=BODY, headers=[("Idempotency-Key", "a"), ("Idempotency-Key", "b")])
    assert response.status_code == 400


async def test_a_key_may_be_255_visible_characters(web: httpx.AsyncClient) -> None:
    assert (await post(web, "~" * 255)).status_code == 201


async def test_while_it_runs_the_same_command_waits_outside(web: httpx.AsyncClient, world: Any) -> None:
    running, finish = asyncio.Event(), asyncio.Event()

    async def slowly() -> None:
        running.set()
        await finish.wait()

    world.during = slowly
    first = asyncio.create_task(post(web))
    await running.wait()
    second = await post(web)
    assert second.status_code == 409
    assert slug(second) == "request-in-progress"
    assert int(second.headers["retry-after"]) >= 1
    finish.set()
    assert (await first).status_code == 201
    assert (await post(web)).headers["idempotency-replayed"] == "true"


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (ProblemKind.OUT_OF_STOCK, 409),
        (ProblemKind.PAYMENT_DECLINED, 402),
        (ProblemKind.WRONG_CODE, 422),
        (ProblemKind.LOCKED, 423),
    ],
)
async def test_a_decision_against_the_caller_is_kept(
    web: httpx.AsyncClient, world: Any, kind: ProblemKind, status: int
) -> None:
    async def refuse() -> None:
        raise Problem(kind, "No.", current={"left": 0})

    world.during = refuse
    first, again = await post(web), await post(web)
    assert (first.status_code, again.status_code) == (status, status)
    assert first.json() == again.json()
    assert again.headers["content-type"] == "application/problem+json"
    assert again.headers["idempotency-replayed"] == "true"
    assert len(world.runs) == 1


async def test_a_refusal_of_the_domain_is_kept_too(web: httpx.AsyncClient, world: Any) -> None:
    async def refuse() -> None:
        raise Refused(Refusal(kind=RefusalKind.OUT_OF_STOCK, detail="Two were asked, one is left."))

    world.during = refuse
    assert slug(await post(web)) == "out-of-stock"
    assert (await post(web)).headers["idempotency-replayed"] == "true"


@pytest.mark.parametrize(
    "kind", [ProblemKind.VALIDATION, ProblemKind.FORBIDDEN, ProblemKind.NOT_FOUND, ProblemKind.UNAVAILABLE]
)
async def test_a_refused_validation_or_an_outage_frees_the_key(
    web: httpx.AsyncClient, world: Any, kind: ProblemKind
) -> None:
    async def refuse() -> None:
        raise Problem(kind, "Not so.")

    async def agree() -> None:
        pass

    world.during = refuse
    assert (await post(web)).status_code >= 400
    world.during = agree
    assert (await post(web, body=BODY | {"quantity": 2})).status_code == 201


async def test_a_bad_body_does_not_take_the_key(web: httpx.AsyncClient) -> None:
    assert (await post(web, body={"quantity": "1"})).status_code == 422
    assert (await post(web)).status_code == 201


@pytest.mark.parametrize("status", [422, 503])
async def test_a_refusing_response_that_is_returned_frees_the_key(
    web: httpx.AsyncClient, world: Any, status: int
) -> None:
    async def refuse() -> Response:
        return JSONResponse({}, status)

    world.during = refuse
    assert (await post(web)).status_code == status
    assert "idempotency-replayed" not in (await post(web)).headers


async def test_a_system_that_is_away_frees_the_key(web: httpx.AsyncClient, world: Any) -> None:
    async def away() -> None:
        world.system_away()

    async def well() -> None:
        pass

    world.during = away
    assert (await post(web)).status_code == 503
    world.during = well
    assert (await post(web)).status_code == 201
    assert world.runs[0][0] == world.runs[1][0], "the same command comes under the same id"


async def test_a_claim_of_a_process_that_died_is_taken_over_after_its_lease(web: httpx.AsyncClient, world: Any) -> None:
    died = asyncio.Event()

    async def die() -> None:
        died.set()
        await asyncio.Event().wait()

    async def well() -> None:
        pass

    world.during = die
    lost = asyncio.create_task(post(web))
    await died.wait()
    lost.cancel()
    await asyncio.gather(lost, return_exceptions=True)
    world.during = well
    assert (await post(web)).status_code == 409
    world.pass_time(seconds=LEASE.total_seconds())
    assert (await post(web, body=BODY | {"quantity": 2})).status_code == 422
    assert (await post(web)).status_code == 201
    assert world.runs[0][0] == world.runs[1][0], "what was half done is recognised by its id"


async def test_an_answer_that_could_not_be_kept_is_still_given(web: httpx.AsyncClient, world: Any) -> None:
    async def keep(*_: Any) -> bool:
        raise ConnectionError

    world.records.keep = keep
    assert (await post(web)).status_code == 201


async def test_other_commands_have_other_ids(web: httpx.AsyncClient, world: Any) -> None:
    await post(web, "one")
    await post(web, "two")
    assert world.runs[0][0] != world.runs[1][0]


async def test_a_preview_and_a_quote_need_no_key(web: httpx.AsyncClient) -> None:
    preview = {"reason": "changed my mind", "preview": True}
    assert (await web.post("/v1/things/7/cancel", json=preview)).json() == {"preview": True}
    assert (await web.post("/v1/things/7/cancel", json={"reason": "changed my mind"})).status_code == 400
    assert (await web.post("/v1/quotes", json=BODY)).status_code == 200


async def test_kept_bodies_and_keys_cannot_be_read_in_the_register(web: httpx.AsyncClient, world: Any) -> None:
    await post(web, "customer-jane")
    assert "Jane" not in repr(world.records._records)
    assert "jane" not in repr(world.records._records)


async def test_fifty_at_once_run_once_in_postgresql(world: Any, engine: AsyncEngine) -> None:
    world.records = PostgresCommandRecords(engine)
    world.open()
    finish = asyncio.Event()
    world.during = finish.wait
    async with world.client(await world.key()) as web:
        asked = [asyncio.create_task(post(web)) for _ in range(50)]
        refused = await first_answers(asked, 49)
        finish.set()
        answers = await asyncio.gather(*asked)
        again = await post(web)
    assert {response.status_code for response in refused} == {409}
    assert sorted(response.status_code for response in answers) == [201] + [409] * 49
    assert again.headers["idempotency-replayed"] == "true"
    assert len(world.runs) == 1


async def first_answers(asked: list[asyncio.Task[httpx.Response]], count: int) -> list[httpx.Response]:
    answers = asyncio.as_completed(asked)
    return [await next(answers) for _ in range(count)]
