"""A signature under another text, or other terms, than stand: refused, remembered, shown to the office, never paid."""

import pytest

from domain.lending.parts import SignatureWay
from tests.workflows.borrower import BRANCH, WEB, Begins, once, replays
from workflows.application_messages import Sign
from workflows.messages import InterventionAction

pytestmark = pytest.mark.stack


async def test_a_signature_of_what_does_not_stand_alarms_the_office_and_pays_nothing(begins: Begins) -> None:
    loan = await begins()
    await loan.submits()
    await loan.accepts()
    await loan.stage("signing")
    for more in ({"text": "agreement-0"}, {"terms_hash": "0" * 64}):
        pen = Sign(command_id=once(), actor=BRANCH, party="p1", way=SignatureWay.WET, **more)
        assert (await loan.refused(pen)).kind == "stale-version"
    question = await loan.asked()
    assert question["step"] == "signature of p1"
    held = await loan.view()
    assert (held["stage"], held["signatures"], held["payouts"]) == ("signing", [], [])
    assert len(held["interventions"]) == 1
    assert (await loan.events()).count("signature_of_another_text") == 2
    await loan.settled(InterventionAction.SKIP)
    await loan.signs(by=WEB)
    end = await loan.ends()
    assert (end["outcome"], len(end["signatures"]), len(end["payouts"])) == ("originated", 1, 1)
    await replays(loan)
