import re
from typing import Any, Literal

import httpx
import pytest
import structlog
from pydantic import TypeAdapter, ValidationError

from domain.refusals import Refusal, RefusalKind, Shortfall
from gateway.problems import MOST_ERRORS, TYPES, FieldError, Problem, ProblemKind, of_refusal, reason_of

KEY = {"Idempotency-Key": "one"}


def slug(response: httpx.Response) -> str:
    assert response.headers["content-type"] == "application/problem+json"
    document = response.json()
    assert document["status"] == response.status_code
    assert document["title"]
    assert document["detail"]
    return str(document["type"]).removeprefix("https://throughline.dev/problems/")


def test_every_kind_has_its_type_and_every_refusal_its_kind() -> None:
    assert set(TYPES) == set(ProblemKind)
    assert {kind.value for kind in RefusalKind} <= {kind.value for kind in ProblemKind}
    assert all(re.fullmatch(r"[a-z-]+", kind) for kind in ProblemKind)


def test_a_refusal_tells_what_is_short() -> None:
    short = Shortfall(sku="SHOE-42", location_id="S001", asked=2, available=1)
    problem = of_refusal(Refusal(kind=RefusalKind.OUT_OF_STOCK, detail="One is left.", shortfalls=[short]))
    assert problem.status == 409
    assert problem.document()["shortfalls"] == [short.model_dump()]


def test_choices_are_named_as_callers_write_them() -> None:
    choices = Literal[RefusalKind.NOT_ALLOWED_NOW, RefusalKind.OUT_OF_STOCK]
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(choices).validate_python("x")
    assert reason_of(refused.value.errors()[0]) == "Input should be 'not-allowed-now' or 'out-of-stock'"


def test_a_document_shows_the_present_state_and_a_bounded_number_of_faults() -> None:
    errors = [FieldError(pointer=f"/lines/{n}", reason="Required") for n in range(MOST_ERRORS + 1)]
    problem = Problem(ProblemKind.STALE_VERSION, "Read it again.", errors=errors, current={"version": 7})
    document = problem.document()
    assert document["current"] == {"version": 7}
    assert len(document["errors"]) == MOST_ERRORS


async def test_an_unknown_path_is_a_problem(web: httpx.AsyncClient) -> None:
    for path in ("/nowhere", "/v1/things/1/", "/v1/secret-name"):
        response = await web.get(path)
        assert response.status_code == 404
        assert slug(response) == "not-found"
        assert "secret" not in response.text


async def test_a_wrong_method_says_what_is_allowed(web: httpx.AsyncClient) -> None:
    response = await web.delete("/v1/quotes")
    assert response.status_code == 405
    assert slug(response) == "method-not-allowed"
    assert response.headers["allow"] == "POST"
    assert (await web.delete("/v1/things")).headers["allow"] == "GET, POST"


async def test_a_bad_parameter_is_pointed_at_without_its_value(web: httpx.AsyncClient) -> None:
    response = await web.get("/v1/things/hunter2")
    assert response.status_code == 422
    assert [error["pointer"] for error in response.json()["errors"]] == ["/path/thing_id"]
    assert "hunter2" not in response.text


async def test_a_bug_answers_500_and_shows_and_logs_no_value(web: httpx.AsyncClient, world: Any) -> None:
    async def fail() -> None:
        raise RuntimeError("password=hunter2")

    world.during = fail
    with structlog.testing.capture_logs() as logs:
        response = await web.post("/v1/things", json={"quantity": 1}, headers=KEY)
    assert response.status_code == 500
    assert slug(response) == "internal"
    assert "hunter2" not in response.text
    [entry] = [each for each in logs if each["event"] == "request_failed"]
    assert entry["error"] == "RuntimeError"
    assert any("test_problems.py" in frame for frame in entry["at"])
    assert "hunter2" not in repr(logs)


async def test_an_outage_answers_503_with_the_time_to_come_back(web: httpx.AsyncClient, world: Any) -> None:
    async def away() -> None:
        world.system_away()

    async def away_below() -> None:
        try:
            world.system_away()
        except Exception as error:
            raise RuntimeError("could not read") from error

    for during in (away, away_below):
        world.during = during
        response = await web.post("/v1/things", json={"quantity": 1}, headers=KEY)
        assert response.status_code == 503
        assert slug(response) == "unavailable"
        assert response.headers["retry-after"] == "3"
        assert "hunter2" not in response.text


@pytest.mark.parametrize("kind", list(ProblemKind))
async def test_every_kind_reaches_the_caller_as_a_document(
    web: httpx.AsyncClient, world: Any, kind: ProblemKind
) -> None:
    async def refuse() -> None:
        raise Problem(kind, "Do this next.")

    world.during = refuse
    response = await web.post("/v1/things", json={"quantity": 1}, headers=KEY)
    assert response.status_code == TYPES[kind].status
    assert slug(response) == kind
