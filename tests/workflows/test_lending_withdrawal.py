"""Withdrawing from a loan that is paid out already: repaid with the interest of each day, in a time of its own."""

import secrets
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from tests.workflows.borrower import LOAN, WEB, Begins, Borrower, clock, kinds, once, replays
from tests.workflows.skipping import Calendar
from workflows.application import ApplicationWorkflow
from workflows.application_messages import Rescind
from workflows.messages import InterventionAction

pytestmark = pytest.mark.stack

EARLY = {**LOAN, "consents": {"credit_report": True, "electronic": True, "early_payout": True}}
PRINCIPAL, RATE = 1_000_000, 640
"""Cents, and hundredths of a percent a year."""


async def paid_early(begins: Begins) -> Borrower:
    loan = await begins("GOOD", "personal-loan-eu")
    await loan.submits(EARLY)
    await loan.agrees()
    paid = await loan.comes_to(lambda view: view["stage"] == "booked" and _told(view, "booked"))
    assert (paid["outcome"], paid["payouts"][0]["state"]) == (None, "paid")
    assert clock(paid, "ccd_withdrawal")["state"] == "running"
    assert paid["waiting_for"][0]["default"] == "the agreement is final"
    return loan


def _told(view: dict[str, Any], kind: str) -> bool:
    return any(each["kind"] == kind and each["state"] == "sent" for each in view["notices"])


async def repays(loan: Borrower, calendar: Calendar) -> int:
    """All that is owed today; what it was."""
    account_id = (await loan.view())["account_id"]
    now = await calendar.now()
    today = now.date()
    account = await loan.made.banking.account(account_id)
    days = (today - account.terms.opened_on).days
    total = PRINCIPAL + round(PRINCIPAL * RATE * days / 10_000 / 365)
    await loan.made.banking.repay(account_id, total, secrets.token_hex(8), now, today, "branch")
    return total


async def test_paid_out_at_once_it_is_final_after_fourteen_days(begins: Begins, calendar: Calendar) -> None:
    loan = await paid_early(begins)
    await calendar.skip(days=16)
    end = await loan.ends()
    assert (end["outcome"], kinds(end).count("booked"), end["repayment"]) == ("originated", 1, None)
    assert clock(end, "ccd_withdrawal")["proof"] == "not used"
    assert len(end["payouts"]) == 1
    await replays(loan)


async def test_withdrawn_after_the_payout_it_is_repaid_in_thirty_days(begins: Begins, calendar: Calendar) -> None:
    loan = await paid_early(begins)
    await calendar.skip(days=9)
    await loan.act(Rescind(command_id=once(), actor=WEB))
    asked = await loan.comes_to(lambda view: _told(view, "withdrawn_after_payout"))
    assert clock(asked, "ccd_repayment")["state"] == "running"
    assert (asked["repayment"]["principal"], asked["repayment"]["daily_interest"]) == (PRINCIPAL, 175)
    letter = asked["notices"][-1]["facts"]
    withdrawn = datetime.fromisoformat(asked["repayment"]["withdrawn_at"])
    assert date.fromisoformat(letter["until"]) - withdrawn.date() in (timedelta(days=30), timedelta(days=31))
    assert letter["total"] == PRINCIPAL + letter["interest"]
    assert letter["interest"] == pytest.approx(175.34 * 9, abs=176)
    await calendar.skip(days=20)
    assert await repays(loan, calendar) > letter["total"]
    await loan.handle.signal(ApplicationWorkflow.account_changed)
    end = await loan.ends()
    assert (end["outcome"], end["outcome_code"]) == ("rescinded", 2)
    assert clock(end, "ccd_repayment")["proof"] == "repaid"
    assert kinds(end).count("rescinded") == 1
    assert len(end["payouts"]) == 1
    await replays(loan)


async def test_what_is_not_repaid_in_time_goes_to_a_person(begins: Begins, calendar: Calendar) -> None:
    loan = await paid_early(begins)
    await loan.act(Rescind(command_id=once(), actor=WEB))
    await loan.comes_to(lambda view: view["repayment"])
    await calendar.skip(days=32)
    late = await loan.comes_to(lambda view: view["interventions"])
    assert late["outcome"] is None
    assert clock(late, "ccd_repayment")["state"] == "breached"
    assert late["interventions"][0]["step"] == "the repayment after a withdrawal"
    await repays(loan, calendar)
    await loan.settled(InterventionAction.RETRY)
    end = await loan.ends()
    assert (end["outcome"], clock(end, "ccd_repayment")["state"]) == ("rescinded", "breached")
    assert end["repayment"]["repaid_at"]


async def test_without_asking_for_it_nothing_is_paid_before_the_time_to_withdraw_is_over(begins: Begins) -> None:
    loan = await begins("GOOD", "personal-loan-eu")
    await loan.submits()
    await loan.agrees()
    await loan.stage("cooling_off")
    await loan.act(Rescind(command_id=once(), actor=WEB))
    end = await loan.ends()
    assert (end["outcome"], end["payouts"], end["repayment"]) == ("rescinded", [], None)
