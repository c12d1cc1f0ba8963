"""Who is silent is reminded and then let go, each party for itself; an identity session that ends begins anew."""

import secrets
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import pytest

from adapters.letters.writing import party_subject
from domain.ids import application_workflow_id
from domain.lending.parts import PartyRole
from domain.personal import PersonalData
from tests.workflows.borrower import WEB, Borrower, once
from tests.workflows.skipping import Calendar
from workflows.application_messages import AddParty, AnswerOffer, Consent, NewParty

pytestmark = pytest.mark.stack

Begins = Callable[..., Awaitable[Borrower]]


async def joins(loan: Borrower) -> str:
    """A co-applicant who is reached by mail."""
    name = f"p{secrets.token_hex(4)}"
    key = await loan.made.keys.key_of_workflow(application_workflow_id(loan.id))
    assert key is not None
    person = PersonalData(name="Co Example", email=f"{name}@example.org")
    await loan.made.vault.put(party_subject(loan.id, name), key.id, person, datetime.now().astimezone())
    new = NewParty(party=name, ref=f"C-{name}-GOOD", role=PartyRole.CO_APPLICANT, digest="0" * 64)
    await loan.act(AddParty(command_id=once(), actor=WEB, joins=new))
    return name


def told(view: dict[str, Any], kind: str) -> list[str]:
    return [each["party"] for each in view["notices"] if each["kind"] == kind]


async def test_each_silent_party_is_reminded_to_agree_and_then_to_sign(begins: Begins, calendar: Calendar) -> None:
    loan = await begins()
    co = await joins(loan)
    await loan.submits()
    await calendar.skip(days=12)
    waiting = await loan.comes_to(lambda view: len(told(view, "party_reminder")) == 3)
    assert set(told(waiting, "party_reminder")) == {co}
    await loan.act(Consent(command_id=once(), actor=WEB, party=co, electronic=True))
    await loan.comes_to(lambda view: view["stage"] == "offered")
    await loan.act(AnswerOffer(command_id=once(), actor=WEB, accept=True))
    await loan.signs()
    await loan.comes_to(lambda view: len(view["signatures"]) == 1)
    await calendar.skip(days=100)
    held = await loan.comes_to(lambda view: len(told(view, "sign_reminder")) == 3)
    assert set(told(held, "sign_reminder")) == {co}
    await calendar.skip(days=25)
    end = await loan.ends()
    assert (end["outcome"], end["payouts"]) == ("approved_not_accepted", [])


async def test_an_identity_session_without_an_answer_begins_anew_every_day(begins: Begins, calendar: Calendar) -> None:
    loan = await begins("GONE")
    await loan.submits()
    first = await loan.comes_to(lambda view: "referred" in view["overlays"])
    sessions = [each for each in first["clocks"] if each["name"] == "identity_session"]
    (length,) = [
        datetime.fromisoformat(each["due_at"]) - datetime.fromisoformat(each["started_at"]) for each in sessions
    ]
    assert length.total_seconds() == 24 * 3600
    await calendar.skip(hours=49)

    def sessions_of(view: dict[str, Any]) -> list[str]:
        return [each["state"] for each in view["clocks"] if each["name"] == "identity_session"]

    again = await loan.comes_to(lambda view: sessions_of(view) == ["met", "met", "running"])
    assert "referred" in again["overlays"], "what is known stays while it is asked again"


async def test_a_refusal_proves_that_action_was_taken(begins: Begins) -> None:
    loan = await begins("BAD")
    await loan.submits()
    end = await loan.comes_to(lambda view: view.get("archive"))
    action = [each for each in end["clocks"] if each["name"] in ("action_taken", "adverse_action")]
    assert {(each["state"], each["proof"].partition(" ")[0]) for each in action[-2:]} == {("met", "notice")}
