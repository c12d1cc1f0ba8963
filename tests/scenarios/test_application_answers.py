"""What nobody can say of a person, a document or a day is refused with the place, and no auditor decides."""

import uuid

import pytest

from tests.scenarios.applied import PDF, Applied, person
from tests.scenarios.placed import Json
from tests.scenarios.playing import story
from tests.scenarios.world import World, refused

pytestmark = [pytest.mark.stack, pytest.mark.slow]
TOO_MUCH = 10_300_000


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"birth_date": "1985-02-30"}, "/party/birth_date"),
        ({"phone": "call me"}, "/party/phone"),
        ({"name": "  "}, "/party/name"),
    ],
)
async def test_a_party_that_cannot_be_is_refused_with_the_place(world: World, changed: Json, pointer: str) -> None:
    ref = f"P-{uuid.uuid4().hex[:8]}"
    body = {"product": "personal-loan", "channel": "web", "party": {"ref": ref} | person(ref) | changed}
    problem = refused(await world.channel("POST", "/v1/applications", body), 422, "validation")
    assert [each["pointer"] for each in problem["errors"]] == [pointer]


@story
async def test_a_document_that_is_too_large_is_answered_and_an_auditor_accepts_none(world: World) -> None:
    loan = await Applied.begun(world)
    await loan.answers()
    assert (await loan.upload("d1", PDF + b"0" * TOO_MUCH)).status_code == 413
    assert (await loan.upload("d1")).status_code == 200
    for decision in ("accept", "reject", "waive"):
        body = {"reason": "a look"}
        assert await loan.refused("POST", f"/documents/d1/{decision}", body, by="eva") == (403, "forbidden")
    assert (await loan.shown())["documents"][0]["state"] == "received"


@story
async def test_an_accounts_balances_are_asked_of_a_moment_that_is_on_a_day(world: World) -> None:
    loan = await Applied.begun(world)
    await loan.submitted()
    await loan.agreed()
    account = (await loan.ends())["account_id"]
    problem = refused(
        await loan.call("GET", f"/v1/accounts/{account}/balances?as_of=0001-01-01T00:00:00Z"), 422, "validation"
    )
    assert [each["pointer"] for each in problem["errors"]] == ["/query/as_of"]
    before = await loan.done("GET", f"/v1/accounts/{account}/balances?as_of=1999-01-01T00:00:00Z")
    assert (before["principal"], before["pending"]) == (0, 0)


async def test_how_a_product_decides_is_the_offices_to_know(world: World) -> None:
    weighed = {"checks", "facts", "decision", "approvals"}
    for key, known in ((world.keys["web"], set()), (world.keys["underwriters"]["una"], weighed)):
        one = (await world.call("GET", "/v1/products/personal-loan", key)).json()
        listed = (await world.call("GET", "/v1/products", key)).json()["items"]
        assert weighed & one.keys() == known
        assert all(weighed & each.keys() == known for each in listed)
