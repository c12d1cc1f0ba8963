"""Electronic signatures through their provider: late, silent, of another text, declined, told twice; and the pen."""

from typing import Any

from tests.scenarios.applied import Applied
from tests.scenarios.placed import Json
from tests.scenarios.playing import story
from tests.scenarios.world import World


class Provider:
    """The signature provider's own door."""

    def __init__(self, world: World, loan: Applied):
        self.world = world
        self.loan = loan

    async def signers(self, behaviour: str, **more: Any) -> None:
        await self._post("/signers", {"reference": self.loan.id, "behaviour": behaviour, **more})

    async def answers(self, envelope: Json, *, signs: bool) -> None:
        await self._post(f"/envelopes/{envelope['id']}/answers", {"signs": signs})

    async def envelopes(self) -> list[Json]:
        found = await self.world.http.get(f"{self.world.record['signing']}/ledger?reference={self.loan.id}")
        entries: list[Json] = found.json()["entries"]
        return entries

    async def _post(self, path: str, body: Json) -> None:
        answer = await self.world.http.post(self.world.record["signing"] + path, json=body)
        assert answer.status_code == 201, answer.text


async def to_be_signed(world: World, behaviour: str, **more: Any) -> tuple[Applied, Provider]:
    loan = await Applied.begun(world)
    await loan.submitted()
    await loan.stage("offered")
    await loan.done("POST", "/offer/accept", {})
    await loan.stage("signing")
    provider = Provider(world, loan)
    await provider.signers(behaviour, **more)
    await loan.done("POST", "/sign", {})
    return loan, provider


@story
async def test_a_late_signature_counts_when_the_provider_tells_of_it_with_its_evidence(world: World) -> None:
    loan, provider = await to_be_signed(world, "late", seconds=2.0)
    end = await loan.ends()
    (signature,), (envelope,) = end["signatures"], await provider.envelopes()
    assert (signature["envelope_id"], signature["evidence"]) == (envelope["id"], envelope["evidence"])
    assert signature["consent"]["text"] == envelope["consent_text"] == "electronic-records-1"
    assert signature["consent"]["channel"] == "web"
    assert end["outcome"] == "originated"


@story
async def test_a_pen_in_a_branch_makes_the_silent_envelope_void(world: World) -> None:
    loan, provider = await to_be_signed(world, "silent")
    await loan.comes_to(lambda view: view["envelopes"][0].get("envelope_id"))
    await loan.done("POST", "/sign", {})
    assert len(await provider.envelopes()) == 1
    await loan.done("POST", "/sign", {"way": "wet"}, by="branch")
    end = await loan.ends()
    assert [each["way"] for each in end["signatures"]] == ["wet"]
    await loan.comes_to(lambda view: view["envelopes"][0]["state"] == "voided")
    assert [each["state"] for each in await provider.envelopes()] == ["voided"]


@story
async def test_a_signature_of_another_text_does_not_count_and_a_declined_one_may_be_given_again(world: World) -> None:
    loan, provider = await to_be_signed(world, "wrong")
    await loan.comes_to(lambda view: view["envelopes"][0]["state"] == "wrong")
    await provider.signers("declines")
    await loan.done("POST", "/sign", {})
    held = await loan.comes_to(lambda view: view["envelopes"][-1]["state"] == "declined")
    assert (held["stage"], held["signatures"]) == ("signing", [])
    await provider.signers("signs")
    await loan.done("POST", "/sign", {})
    end = await loan.ends()
    assert (end["outcome"], len(end["signatures"])) == ("originated", 1)


@story
async def test_an_answer_for_a_silent_signer_told_twice_is_one_signature(world: World) -> None:
    loan, provider = await to_be_signed(world, "silent")
    await loan.comes_to(lambda view: view["envelopes"][0].get("envelope_id"))
    (envelope,) = await provider.envelopes()
    await provider.answers(envelope, signs=True)
    event = {
        "type": "envelope.completed",
        "data": {"envelope_id": envelope["id"], "reference": loan.id, "state": "completed"},
    }
    for _ in range(2):
        answer = await world.webhook("signature", event, event_id=f"again-{loan.id}")
        assert answer.status_code == 202, answer.text
    end = await loan.ends()
    assert (end["outcome"], len(end["signatures"])) == ("originated", 1)
