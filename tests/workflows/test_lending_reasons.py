"""An applicant who is denied and learns why on request: in time, once, with proof."""

import pytest

from adapters.products.reading import shipped
from domain.lending.products import ReasonsTold
from tests.workflows.borrower import WEB, Begins, Borrower, clock, kinds, once, replays
from tests.workflows.lenders import Outside
from tests.workflows.skipping import Calendar
from workflows.application_messages import AskReasons
from workflows.messages import InterventionAction

pytestmark = pytest.mark.stack


async def denied_without_reasons(begins: Begins) -> Borrower:
    loan = await begins("BAD", shipped()["personal-loan"].model_copy(update={"reasons": ReasonsTold.ON_REQUEST}))
    await loan.submits()
    await loan.comes_to(lambda view: "reasons_asked" in _waits(view) and view["waiting_for"][0].get("deadline"))
    return loan


def _waits(view: dict[str, object]) -> list[str]:
    return [each["kind"] for each in view["waiting_for"]]  # type: ignore[attr-defined]


async def test_asked_in_time_the_reasons_go_out_once_with_proof(begins: Begins, calendar: Calendar) -> None:
    loan = await denied_without_reasons(begins)
    told = await loan.view()
    assert next(each for each in told["notices"] if each["kind"] == "adverse_action")["facts"]["reasons"] == []
    assert told["archive"] is None
    await calendar.skip(days=55)
    for _ in range(2):
        await loan.act(AskReasons(command_id=once(), actor=WEB))
    end = await loan.comes_to(lambda view: view["archive"])
    assert kinds(end).count("statement_of_reasons") == 1
    statement = end["notices"][-1]
    assert statement["facts"]["reasons"] == end["decision"]["reasons"]
    asked = clock(end, "reasons_on_request")
    assert (asked["state"], asked["proof"]) == ("met", f"notice {statement['n']}")
    await replays(loan)


async def test_nobody_asked_within_sixty_days_so_the_file_is_closed(begins: Begins, calendar: Calendar) -> None:
    loan = await denied_without_reasons(begins)
    await calendar.skip(days=59)
    assert (await loan.view())["archive"] is None
    await calendar.skip(days=3)
    end = await loan.comes_to(lambda view: view["archive"])
    assert "reasons_asked" not in _waits(end)
    assert "reasons_not_asked_for" in await loan.events()


async def test_a_statement_that_is_late_is_a_breach_that_the_office_sees(
    begins: Begins, calendar: Calendar, outside: Outside
) -> None:
    loan = await denied_without_reasons(begins)
    outside.letters.away.add(loan.id)
    await loan.act(AskReasons(command_id=once(), actor=WEB))
    await calendar.skip(days=32)
    late = await loan.comes_to(lambda view: view["interventions"])
    assert clock(late, "reasons_on_request")["state"] == "breached"
    assert late["interventions"][0]["step"] == "the statement of reasons is late"
    outside.letters.away.remove(loan.id)
    await calendar.skip(days=4)
    await loan.comes_to(lambda view: view["notices"][-1]["state"] == "sent")
    await loan.settled(InterventionAction.SKIP)
    await loan.comes_to(lambda view: view["archive"])


async def test_reasons_that_the_notice_named_are_not_told_again(begins: Begins, outside: Outside) -> None:
    loan = await begins("BAD")
    early = await loan.refused(AskReasons(command_id=once(), actor=WEB))
    assert early.kind == "not-allowed-now"
    outside.letters.away.add(loan.id)
    await loan.submits()
    await loan.comes_to(lambda view: view["outcome"] == "denied")
    assert (await loan.refused(AskReasons(command_id=once(), actor=WEB))).kind == "not-allowed-now"
