"""A name on a sanctions list: who says what it is, what follows, and that nobody outside can tell."""

from typing import Any

import pytest

from adapters.products.reading import shipped
from domain.lending.application_view import ApplicationView, public
from domain.lending.products import CheckKind, Provider
from tests.workflows.borrower import HOME, LOAN, OFFICE, Begins, Borrower, kinds, once, replays
from tests.workflows.lenders import Outside
from tests.workflows.skipping import Calendar
from tests.workflows.test_lending_tranches import building, released, states
from workflows.application_messages import ClearScreening, ConfirmScreening

pytestmark = pytest.mark.stack

LARGE = {**LOAN, "amount": {**LOAN["amount"], "amount": 2_600_000}, "income": {"monthly_income": 2_000_000}}


def cleared(person: str, reason: str = "another birth date") -> ClearScreening:
    return ClearScreening(command_id=once(), actor=OFFICE, person=person, reason=reason)


def confirmed(person: str, reason: str = "the same passport") -> ConfirmScreening:
    return ConfirmScreening(command_id=once(), actor=OFFICE, person=person, reason=reason)


def hit(loan: Borrower, outside: Outside, entry: str = "list-1") -> None:
    outside.checks.entries[loan.id] = entry
    outside.checks.told(loan.id, Provider.SANCTIONS, answer="hit")


async def held(loan: Borrower) -> dict[str, Any]:
    return await loan.comes_to(lambda view: "screening_hold" in view["overlays"])


def outside_sees(view: dict[str, Any]) -> str:
    """All that a channel may read, as one text."""
    return public(ApplicationView.model_validate(view)).model_dump_json().lower()


async def test_a_hit_that_two_people_confirm_ends_it_and_nothing_outside_tells_why(
    begins: Begins, outside: Outside
) -> None:
    loan = await begins("HIT")
    await loan.submits()
    await held(loan)
    await loan.act(confirmed("ada"))
    waiting = await held(loan)
    assert (waiting["outcome"], [each["person"] for each in waiting["findings"]]) == (None, ["ada"])
    assert (await loan.refused(confirmed("ada"))).detail == "This person has said so already; another one must."
    await loan.act(confirmed("max"))
    end = await loan.ends()
    assert (end["outcome"], end["outcome_code"], end["payouts"]) == ("denied", 3, [])
    assert end["decision"]["denial"] == [9]
    assert (kinds(end).count("adverse_action"), kinds(end).count("report_disclosure")) == (1, 0)
    for word in ("sanction", "screening", "list-", "passport", "confirm"):
        assert word not in outside_sees(end), word
        assert word not in str([each["facts"] for each in end["notices"]]).lower(), word
    await replays(loan)


async def test_confirmed_before_the_payout_it_is_taken_back_without_a_word_why(
    begins: Begins, outside: Outside
) -> None:
    loan = await begins()
    await loan.submits()
    hit(loan, outside)
    await loan.agrees()
    await held(loan)
    await loan.act(confirmed("ada"))
    await loan.act(confirmed("max"))
    end = await loan.ends()
    assert (end["outcome"], end["outcome_code"], end["payouts"]) == ("booking_failed_reversed", 2, [])
    assert kinds(end)[-1] == "not_paid_out"
    assert not outside.payouts.for_application[loan.id]
    assert "screening" not in outside_sees(end)
    await replays(loan)


async def test_much_money_is_cleared_by_two_and_who_disagrees_takes_his_own_word_back(
    begins: Begins, outside: Outside
) -> None:
    loan = await begins("HIT")
    await loan.submits(LARGE)
    await held(loan)
    await loan.act(cleared("ada"))
    assert (await loan.refused(cleared("ada"))).kind == "not-allowed-now"
    await loan.act(confirmed("max"))
    both = {each["person"]: each["verdict"] for each in (await held(loan))["findings"]}
    assert both == {"ada": "clear", "max": "confirm"}
    await loan.act(cleared("max", "looked again: another middle name"))
    await loan.referred()
    assert (await loan.events()).count("screening_cleared") == 1


async def test_who_keyed_it_does_not_judge_its_hit(begins: Begins) -> None:
    loan = await begins("HIT")
    for step in (await loan.view())["steps"]:
        await loan.answers(step["name"], LOAN[step["name"]], person="ada")
    await loan.submits()
    await held(loan)
    for said in (cleared("ada"), confirmed("ada")):
        assert (await loan.refused(said)).detail == "Who keyed it has no say in it."


async def test_an_entry_that_was_cleared_holds_nothing_again_but_another_one_does(
    begins: Begins, outside: Outside
) -> None:
    loan, other = await begins("HIT"), await begins("HIT")
    for each in (loan, other):
        await each.submits()
        await held(each)
        await each.act(cleared("ada"))
        await each.stage("offered")
    hit(other, outside, "list-2")
    asked = outside.checks.count(loan.id, CheckKind.SANCTIONS)
    await loan.agrees()
    end = await loan.ends()
    assert (end["outcome"], outside.checks.count(loan.id, CheckKind.SANCTIONS)) == ("originated", asked + 1)
    assert [each["state"] for each in end["checks"] if each["kind"] == "sanctions"] == ["cleared"]
    await other.agrees()
    assert (await held(other))["findings"] == []
    assert not outside.payouts.for_application[other.id]
    await other.act(cleared("ada"))
    assert (await other.ends())["outcome"] == "originated"
    await replays(loan)
    await replays(other)


async def test_confirmed_between_two_parts_the_others_lapse(
    begins: Begins, calendar: Calendar, outside: Outside
) -> None:
    loan = await building(begins)
    await loan.act(released(2))
    hit(loan, outside)
    await calendar.skip(days=61)
    await held(loan)
    await loan.act(confirmed("ada"))
    await loan.act(confirmed("max"))
    end = await loan.ends()
    assert (end["outcome"], states(end)) == ("originated", ["drawn", "lapsed", "lapsed"])
    assert outside.payouts.for_application[loan.id] == 1
    assert "screening" not in outside_sees(end)


async def test_a_mortgage_is_never_cleared_by_one(begins: Begins) -> None:
    loan = await begins("HIT", shipped()["mortgage"])
    await loan.submits(HOME)
    await held(loan)
    await loan.act(cleared("ada"))
    assert "screening_hold" in (await loan.view())["overlays"]
    await loan.act(cleared("max"))
    await loan.stage("offered")
