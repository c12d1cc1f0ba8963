"""What a co-applicant earns and owes counts for as long as the two apply together, and is never demanded."""

import pytest

from tests.workflows.borrower import LOAN, WEB, Begins, once
from workflows.application_messages import Consent, RemoveParty, Submit

pytestmark = pytest.mark.stack

SMALL = LOAN | {"income": {"monthly_income": 90_000}}
TOGETHER = {"monthly_income": 300_000, "monthly_obligations": 10_000}


async def test_a_co_applicants_income_carries_a_loan_that_the_applicant_alone_cannot(begins: Begins) -> None:
    alone = await begins()
    await alone.submits(SMALL)
    end = await alone.ends()
    assert (end["outcome"], end["decision"]["reasons"]) == ("denied", ["debt_to_income"])

    joint = await begins()
    for step in (await joint.view())["steps"]:
        await joint.answers(step["name"], SMALL[step["name"]])
    refusal = await joint.refused(joint.step("co_income", TOGETHER, WEB))
    assert "none takes part" in refusal.detail
    other = await joint.joins()
    asked = await joint.view()
    assert "co_income" in [each["name"] for each in asked["steps"]]
    assert "co_income" not in [each["name"] for each in asked["missing"]]
    await joint.answers("co_income", TOGETHER)
    await joint.act(Consent(command_id=once(), actor=WEB, party=other, electronic=True))
    await joint.act(Submit(command_id=once(), actor=WEB))
    proofs = [each["party"] for each in (await joint.view())["documents"] if each["type"] == "income_proof"]
    assert proofs == ["p1", other], "each proves what he earns himself"
    await joint.brings_documents()
    offered = await joint.stage("offered")
    # (40,000 + 10,000 + a payment of 32,220) of 390,000.
    assert offered["decision"]["input"]["affordability"]["dti"].startswith("21.")

    await joint.act(RemoveParty(command_id=once(), actor=WEB, party=other))
    left = await joint.ends()
    assert (left["outcome"], left["decision"]["reasons"]) == ("denied", ["debt_to_income"])
    assert "co_income" not in [each["name"] for each in left["steps"]]
