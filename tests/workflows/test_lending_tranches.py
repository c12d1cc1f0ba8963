"""A house is built: its loan is paid out in parts, each one once, and what is stopped is paid no more."""

from typing import Any

import pytest

from domain.lending.products import Provider
from tests.workflows.borrower import HOME, OFFICE, WEB, Begins, Borrower, kinds, once, replays
from tests.workflows.lenders import AWAY, Outside
from tests.workflows.lending_journeys import HOUSE
from tests.workflows.skipping import Calendar
from workflows.application_messages import ClearScreening, ReleaseTranche, Withdraw
from workflows.messages import InterventionAction

pytestmark = pytest.mark.stack


async def building(begins: Begins) -> Borrower:
    """The land is paid."""
    loan = await begins("GOOD", HOUSE)
    await loan.submits(HOME)
    await loan.agrees()
    await loan.comes_to(lambda view: states(view)[:1] == ["drawn"] and waits(view))
    return loan


def states(view: dict[str, Any]) -> list[str]:
    return [each["state"] for each in view["tranches"]]


def waits(view: dict[str, Any]) -> list[str]:
    return [each["what"] for each in view["waiting_for"] if each["kind"] == "tranche"]


def paid(view: dict[str, Any]) -> list[tuple[int, int, str]]:
    return [(each["tranche"], each["amount"], each["state"]) for each in view["payouts"]]


def released(n: int, person: str = "ada") -> ReleaseTranche:
    return ReleaseTranche(command_id=once(), actor=OFFICE, n=n, person=person, reason="seen by the surveyor")


async def test_each_part_leaves_in_its_time_when_it_is_released_and_screened_again(
    begins: Begins, calendar: Calendar, outside: Outside
) -> None:
    loan = await building(begins)
    view = await loan.view()
    assert (view["stage"], states(view), waits(view)) == (
        "disbursing",
        ["drawn", "planned", "planned"],
        ["part 2 (the roof) is released"],
    )
    account = await outside.banking.account(view["account_id"])
    assert account.terms.agreed == 20_000_000
    assert sum(each.principal for each in account.instalments) == 20_000_000
    assert account.instalments[0].payment == account.instalments[0].interest
    assert (await loan.refused(released(3))).kind == "not-allowed-now"
    assert (await loan.refused(released(9))).kind == "not-found"
    await loan.act(released(2))
    assert (await loan.refused(released(2))).kind == "not-allowed-now"
    await calendar.skip(days=50)
    assert paid(await loan.view()) == [(1, 7_800_000, "paid")]
    screened = len([each for each in outside.checks.of(loan.id) if each.kind.value == "sanctions"])
    outside.payouts.moods[loan.id] = [AWAY, "lost"]
    await calendar.skip(days=11)
    await loan.comes_to(lambda view: states(view) == ["drawn", "drawn", "planned"])
    assert len([each for each in outside.checks.of(loan.id) if each.kind.value == "sanctions"]) == screened + 1
    await calendar.skip(days=90)
    end = await loan.ends()
    assert (end["outcome"], end["stage"], states(end)) == ("originated", "booked", ["drawn"] * 3)
    assert paid(end) == [(1, 7_800_000, "paid"), (2, 6_000_000, "paid"), (3, 6_000_000, "paid")]
    assert kinds(end).count("tranche_paid") == 3
    keys = [key for key in outside.payouts.paid if key.startswith(loan.id)]
    assert sorted(keys) == [f"{loan.id}:payout:{n}" for n in (1, 2, 3)]
    mine = [call for call, key in outside.payouts.calls if key == f"{loan.id}:payout:2"]
    assert mine == ["find", "pay_out"] * 2 + ["find"], "looked up before each further try"
    account = await outside.banking.account(end["account_id"])
    assert [each.state.value for each in account.transactions] == ["booked"] * 3
    assert sum(each.principal for each in account.instalments) == 20_000_000
    await replays(loan)


async def test_who_withdraws_between_the_parts_owes_what_was_drawn_and_gets_no_more(
    begins: Begins, calendar: Calendar, outside: Outside
) -> None:
    loan = await building(begins)
    await loan.act(released(2))
    await calendar.skip(days=30)
    await loan.act(Withdraw(command_id=once(), actor=WEB, reason="the land is sold"))
    end = await loan.ends()
    assert (end["outcome"], end["outcome_code"], states(end)) == ("originated", 1, ["drawn", "lapsed", "lapsed"])
    assert outside.payouts.for_application[loan.id] == 1
    told = next(each["facts"] for each in end["notices"] if each["kind"] == "drawing_ended")
    assert (told["drawn"], told["undrawn"]) == (8_000_000, 12_000_000)
    account = await outside.banking.account(end["account_id"])
    assert (account.terms.agreed, sum(each.principal for each in account.instalments)) == (8_000_000, 8_000_000)
    await replays(loan)


async def test_a_part_that_nobody_releases_lapses_with_those_after_it(
    begins: Begins, calendar: Calendar, outside: Outside
) -> None:
    loan = await building(begins)
    await calendar.skip(days=355)
    assert states(await loan.view()) == ["drawn", "planned", "planned"]
    await calendar.skip(days=10)
    end = await loan.ends()
    assert (end["outcome"], states(end)) == ("originated", ["drawn", "lapsed", "lapsed"])
    assert outside.payouts.for_application[loan.id] == 1


async def test_a_part_that_is_declined_is_taken_back_and_paid_again_under_another_key_or_given_up(
    begins: Begins, calendar: Calendar, outside: Outside
) -> None:
    for action, after in (
        (InterventionAction.RETRY, ["drawn", "drawn", "drawn"]),
        (InterventionAction.GIVE_UP, ["drawn", "lapsed", "lapsed"]),
    ):
        loan = await building(begins)
        await loan.act(released(2))
        outside.payouts.moods[loan.id] = ["declined"]
        await calendar.skip(days=61)
        question = await loan.asked()
        assert (question["step"], question["choices"]) == ("pay out part 2", ["retry", "give_up"])
        account = await outside.banking.account((await loan.view())["account_id"])
        assert [each.state.value for each in account.transactions] == ["booked", "reversed"]
        await loan.settled(action)
        await calendar.skip(days=91)
        end = await loan.ends()
        assert (end["outcome"], states(end)) == ("originated", after)
        drawn = after.count("drawn")
        assert outside.payouts.for_application[loan.id] == drawn
        account = await outside.banking.account(end["account_id"])
        assert [each.state.value for each in account.transactions].count("booked") == drawn
        letters = [each for each in end["notices"] if each["kind"] == "booked"]
        assert letters[0]["facts"]["paid_out"] == 7_800_000 + (drawn - 1) * 6_000_000


async def test_a_hit_between_the_parts_holds_the_next_one_and_is_not_told(
    begins: Begins, calendar: Calendar, outside: Outside
) -> None:
    loan = await building(begins)
    await loan.act(released(2))
    outside.checks.told(loan.id, Provider.SANCTIONS, answer="hit")
    await calendar.skip(days=61)
    held = await loan.comes_to(lambda view: "screening_hold" in view["overlays"])
    assert waits(held) == ["part 2 (the roof) is paid out"]
    await calendar.skip(days=20)
    assert outside.payouts.for_application[loan.id] == 1
    outside.checks.silent_no_more(loan.id)
    for person in ("ada", "ben"):
        cleared = ClearScreening(command_id=once(), actor=OFFICE, person=person, reason="another birth date")
        await loan.act(cleared)
    await loan.comes_to(lambda view: states(view)[1] == "drawn")
    await calendar.skip(days=100)
    assert (await loan.ends())["outcome"] == "originated"
