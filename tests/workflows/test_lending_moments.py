"""Clocks that ring in the very second in which what they wait for has come."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from temporalio import workflow

from domain.lending.application import Application
from domain.lending.clocks import ClockName, ClockState
from domain.lending.parts import Offer, OfferState
from domain.lending.stages import Outcome, Stage
from tests.domain.lending.test_application import AT, loan
from workflows.timekeeping import Timekeeping

LATER = AT + timedelta(days=200)


class Desk:
    """Keeps what is told."""

    def __init__(self, application: Application):
        self.application = application
        self.ending: Outcome | None = None
        self.events: list[str] = []

    def event(self, event: str, *_: Any, **__: Any) -> None:
        self.events.append(event)

    def end_clock(self, name: ClockName, state: ClockState, proof: str | None = None) -> None:
        self.application.end_clock(name, state, proof)

    def untold(self, name: ClockName) -> bool:
        return False

    async def record(self) -> None: ...


def offered(state: OfferState) -> Application:
    application = loan(stage=Stage.OFFERED)
    terms = application.asked_terms()
    assert terms is not None
    offer = SimpleNamespace(payment=1, apr="1", finance_charge=1, total_of_payments=1, totals_from="rounded")
    application.offers = [
        Offer(
            n=1,
            terms=terms,
            terms_hash=terms.hash(),
            counter=False,
            issued_at=AT,
            expires_at=AT,
            state=state,
            **vars(offer),
        )
    ]
    application.start_clock(ClockName.OFFER, AT)
    return application


@pytest.fixture(autouse=True)
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workflow, "now", lambda: LATER)


async def rung(application: Application, ending: Outcome | None = None) -> Desk:
    desk = Desk(application)
    desk.ending = ending
    await Timekeeping(desk, lambda: None)._ring()  # type: ignore[arg-type]
    return desk


async def test_an_offer_that_was_accepted_in_its_last_second_does_not_lapse() -> None:
    desk = await rung(offered(OfferState.ACCEPTED))
    assert (desk.ending, desk.application.clocks[0].state) == (None, ClockState.STOPPED)
    desk = await rung(offered(OfferState.OPEN))
    assert (desk.ending, desk.application.clocks[0].state) == (Outcome.EXPIRED_OFFER, ClockState.MET)


async def test_a_draft_that_was_submitted_in_its_last_second_is_not_abandoned() -> None:
    for stage, ending in ((Stage.SUBMITTED, None), (Stage.DRAFT, Outcome.ABANDONED_DRAFT)):
        application = loan(stage=stage, draft_reminders=9)
        application.start_clock(ClockName.DRAFT_SILENCE, AT)
        assert (await rung(application)).ending == ending


async def test_who_has_withdrawn_is_not_overtaken_by_a_clock() -> None:
    application = offered(OfferState.OPEN)
    desk = await rung(application, Outcome.WITHDRAWN)
    assert (desk.ending, desk.events, application.offers[0].state) == (Outcome.WITHDRAWN, [], OfferState.OPEN)


async def test_after_the_end_only_the_duty_of_its_notice_is_watched() -> None:
    application = loan(stage=Stage.IN_REVIEW, outcome=Outcome.DENIED)
    application.start_clock(ClockName.ADVERSE_ACTION, AT)
    desk = await rung(application, None)
    assert (desk.events, desk.application.clocks[0].state) == (["clock_breached"], ClockState.BREACHED)
    assert Timekeeping(desk, lambda: None)._next() is None  # type: ignore[arg-type]
