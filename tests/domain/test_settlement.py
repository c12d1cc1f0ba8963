"""Which steps bring money into line with what left and what is owed."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.intake import TenderType
from domain.money import apportion
from domain.settlement import MoneyPlan, StepKind, TenderBook, plan_money
from domain.tender_use import TenderRule, TenderUse
from tests.domain.sample_orders import book

TILL = TenderType.PAY_IN_STORE


def moves(plan: MoneyPlan) -> list[tuple[str, str, int]]:
    return [(step.kind.value, step.tender_id, step.amount) for step in plan.steps]


def left_over(plan: MoneyPlan) -> tuple[int, int, int]:
    return plan.short, plan.expected, plan.uncovered


# --- one card -------------------------------------------------------------------------------------------------------


def test_a_new_order_is_authorised_for_what_is_owed():
    plan = plan_money([book(100, authorisation_id=None)], earned=0, owed=100)
    assert moves(plan) == [("authorise", "t1", 100)]
    assert left_over(plan) == (0, 0, 0)


def test_what_left_is_captured_and_what_is_owed_stays_live():
    plan = plan_money([book(100, live=100)], earned=33, owed=67)
    assert moves(plan) == [("capture", "t1", 33)]
    assert plan.steps[0].authorisation_id == "auth-1"


def test_what_is_cancelled_is_voided():
    assert moves(plan_money([book(100, live=67, captured=33)], earned=33, owed=40)) == [("void", "t1", 27)]


def test_what_left_and_what_is_cancelled_part_the_authorisation():
    assert moves(plan_money([book(100, live=100)], earned=33, owed=0)) == [("capture", "t1", 33), ("void", "t1", 67)]


def test_money_in_line_needs_no_step():
    plan = plan_money([book(100, live=67, captured=33)], earned=33, owed=67)
    assert (plan.steps, left_over(plan)) == ([], (0, 0, 0))


def test_what_one_capture_released_is_authorised_again():
    tender = book(100, captured=33, voided=67)
    assert moves(plan_money([tender], earned=33, owed=67)) == [("authorise", "t1", 67)]


def test_captured_money_of_what_came_to_nothing_is_refunded_to_where_it_came_from():
    tender = book(100, captured=70, refunded=10, captures={"auth-0": 20, "auth-1": 40})
    plan = plan_money([tender], earned=5, owed=0)
    assert moves(plan) == [("refund", "t1", 40), ("refund", "t1", 15)]
    assert [step.authorisation_id for step in plan.steps] == ["auth-1", "auth-0"]


def test_captured_money_covers_what_is_still_owed_before_it_is_refunded():
    assert moves(plan_money([book(100, captured=100)], earned=40, owed=50)) == [("refund", "t1", 10)]
    assert moves(plan_money([book(100, captured=100)], earned=40, owed=60)) == []


def test_a_tender_has_one_live_authorisation():
    plan = plan_money([book(100, live=20, captured=30, voided=50)], earned=30, owed=50)
    assert moves(plan) == []
    assert left_over(plan) == (0, 0, 30)


def test_what_left_without_money_is_short_until_it_is_authorised_and_captured():
    tender = book(100, voided=100)
    plan = plan_money([tender], earned=30, owed=0)
    assert moves(plan) == [("authorise", "t1", 30)]
    assert left_over(plan) == (30, 0, 0)


def test_a_declined_card_is_not_charged_again():
    plan = plan_money([book(100, exhausted=True)], earned=30, owed=70)
    assert (moves(plan), left_over(plan)) == ([], (30, 0, 100))


def test_a_declined_card_can_still_give_back():
    assert moves(plan_money([book(100, captured=100, exhausted=True)], earned=0, owed=0)) == [("refund", "t1", 100)]


def test_less_than_nothing_is_never_owed():
    plan = plan_money([book(100, captured=50, voided=50)], earned=100, owed=-50)
    assert moves(plan) == [("authorise", "t1", 50)]
    assert plan.short == 50


# --- several tenders ------------------------------------------------------------------------------------------------


def test_the_first_tender_is_captured_first_and_voided_last():
    cards = [book(60, live=60), book(40, n=2, live=40)]
    assert moves(plan_money(cards, earned=50, owed=50)) == [("capture", "t1", 50)]
    assert moves(plan_money(cards, earned=70, owed=30)) == [("capture", "t1", 60), ("capture", "t2", 10)]
    assert moves(plan_money(cards, earned=0, owed=50)) == [("void", "t2", 40), ("void", "t1", 10)]
    assert moves(plan_money(cards, earned=50, owed=20)) == [("capture", "t1", 50), ("void", "t2", 30)]


def test_the_last_tender_is_refunded_first():
    cards = [book(60, captured=60), book(40, n=2, captured=40)]
    assert moves(plan_money(cards, earned=50, owed=0)) == [("refund", "t2", 40), ("refund", "t1", 10)]


def test_another_card_covers_what_a_declined_one_does_not():
    cards = [book(60, exhausted=True), book(100, n=2, authorisation_id=None)]
    plan = plan_money(cards, earned=0, owed=60)
    assert (moves(plan), left_over(plan)) == ([("authorise", "t2", 60)], (0, 0, 0))


def test_no_card_is_authorised_for_more_than_its_part():
    cards = [book(60, authorisation_id=None), book(40, n=2, authorisation_id=None)]
    plan = plan_money(cards, earned=0, owed=110)
    assert (moves(plan), left_over(plan)) == ([("authorise", "t1", 60), ("authorise", "t2", 40)], (0, 0, 10))


# --- money at the till, and customers who must confirm ---------------------------------------------------------------


def test_money_for_the_till_is_expected_while_goods_wait():
    plan = plan_money([book(100, kind=TILL)], earned=0, owed=100)
    assert (moves(plan), left_over(plan)) == ([], (0, 100, 0))


def test_goods_that_leave_unpaid_are_short():
    plan = plan_money([book(100, kind=TILL, captured=30)], earned=50, owed=50)
    assert left_over(plan) == (20, 70, 0)


def test_nobody_is_expected_at_the_till_once_all_goods_are_gone():
    plan = plan_money([book(100, kind=TILL)], earned=20, owed=0)
    assert left_over(plan) == (20, 0, 20)


def test_money_of_the_till_covers_goods_before_they_leave():
    assert left_over(plan_money([book(100, kind=TILL, captured=60)], earned=0, owed=100)) == (0, 40, 0)
    assert left_over(plan_money([book(100, kind=TILL, captured=60)], earned=60, owed=40)) == (0, 40, 0)


def test_too_much_at_the_till_goes_back_at_the_till():
    plan = plan_money([book(100, kind=TILL, captured=120)], earned=0, owed=100)
    assert moves(plan) == [("refund", "t1", 20)]
    assert plan.steps[0].authorisation_id == "till"


def test_a_card_is_let_go_for_what_was_paid_at_the_till():
    tenders = [book(100, live=100), book(100, n=2, kind=TILL, captured=100)]
    assert moves(plan_money(tenders, earned=0, owed=100)) == [("void", "t1", 100)]


def test_the_till_expects_only_what_a_card_does_not_cover():
    tenders = [book(60, live=60), book(40, n=2, kind=TILL)]
    assert left_over(plan_money(tenders, earned=0, owed=100)) == (0, 40, 0)
    assert left_over(plan_money(tenders, earned=0, owed=70)) == (0, 10, 0)
    assert moves(plan_money(tenders, earned=0, owed=50)) == [("void", "t1", 10)]


def test_a_confirmation_is_expected_and_no_second_authorisation_asked():
    plan = plan_money([book(100, awaiting="auth-9", authorisation_id=None)], earned=0, owed=100)
    assert (moves(plan), left_over(plan)) == ([], (0, 100, 0))


def test_a_card_that_never_was_confirmed_covers_nothing():
    plan = plan_money([book(100, exhausted=True, authorisation_id=None)], earned=0, owed=100)
    assert left_over(plan) == (0, 0, 100)


# --- which tender first ---------------------------------------------------------------------------------------------

GIFT = TenderType.GIFT_CARD
FIRST, LAST, PRO_RATA = TenderRule.FIRST, TenderRule.LAST, TenderRule.PRO_RATA


def test_a_gift_card_is_held_as_a_card_is():
    cards = [book(30, authorisation_id=None, kind=GIFT), book(70, n=2, authorisation_id=None)]
    assert moves(plan_money(cards, earned=0, owed=100)) == [("authorise", "t1", 30), ("authorise", "t2", 70)]


@pytest.mark.parametrize(
    ("captured", "expected"),
    [
        (FIRST, [("capture", "t1", 30), ("capture", "t2", 10), ("void", "t2", 30)]),
        (LAST, [("capture", "t2", 40), ("void", "t1", 30)]),
        # 40 of 100: 12 and 28; of what is left, 30 go, so that 21 and 49 stay in all.
        (PRO_RATA, [("capture", "t1", 12), ("capture", "t2", 28), ("void", "t2", 21), ("void", "t1", 9)]),
    ],
)
def test_a_channel_says_which_tender_is_captured_first(captured: TenderRule, expected: list[tuple[str, str, int]]):
    tenders = [book(30, live=30, kind=GIFT), book(70, n=2, live=70)]
    plan = plan_money(tenders, earned=40, owed=30, use=TenderUse(captured=captured))
    assert moves(plan) == expected


@pytest.mark.parametrize(
    ("refunded", "expected"),
    [
        (FIRST, [("refund", "t1", 30), ("refund", "t2", 10)]),
        (LAST, [("refund", "t2", 40)]),
        (PRO_RATA, [("refund", "t2", 28), ("refund", "t1", 12)]),
    ],
)
def test_a_channel_says_which_tender_is_refunded_first(refunded: TenderRule, expected: list[tuple[str, str, int]]):
    tenders = [book(30, captured=30, kind=GIFT), book(70, n=2, captured=70)]
    assert moves(plan_money(tenders, earned=60, owed=0, use=TenderUse(refunded=refunded))) == expected


def test_shares_are_the_same_in_one_step_and_in_several():
    use = TenderUse(captured=PRO_RATA)
    tenders = [book(33, live=33, kind=GIFT), book(67, n=2, live=67)]
    for earned in (10, 25, 61, 100):
        tenders = apply(tenders, plan_money(tenders, earned, 100 - earned, use=use))
        assert [each.captured for each in tenders] == apportion(earned, [33, 67])


# --- any books ------------------------------------------------------------------------------------------------------


@st.composite
def books(draw: st.DrawFn) -> list[TenderBook]:
    """Books as they can be: live money has an authorisation, what is kept is known by where it came from."""
    found = []
    for n in range(1, draw(st.integers(1, 4)) + 1):
        kind = draw(st.sampled_from([TenderType.CARD, TenderType.CARD, TILL]))
        amount = draw(st.integers(0, 60))
        sources = ["till"] if kind is TILL else [f"auth-{n}", f"old-{n}"]
        captures = {source: draw(st.integers(0, 30)) for source in sources}
        refunded = draw(st.integers(0, 10))
        state: dict[str, Any] = {"captures": captures, "refunded": refunded}
        state["captured"] = sum(captures.values()) + refunded
        if kind is TenderType.CARD:
            state["live"] = draw(st.integers(0, 60))
            state["exhausted"] = draw(st.booleans())
            if not state["live"] and draw(st.booleans()):
                state["awaiting"] = f"ask-{n}"
        found.append(book(amount, n=n, kind=kind, **state))
    return found


amounts = st.integers(0, 120)


def apply(tenders: list[TenderBook], plan: MoneyPlan) -> list[TenderBook]:
    """What the books say after every step was done as asked."""
    after = {each.tender_id: each.model_copy(deep=True) for each in tenders}
    for step in plan.steps:
        tender = after[step.tender_id]
        assert step.amount > 0
        match step.kind:
            case StepKind.AUTHORISE:
                assert tender.live == 0, "a second authorisation beside a live one"
                tender.authorisation_id, tender.live = "new", step.amount
            case StepKind.CAPTURE:
                assert step.authorisation_id == tender.authorisation_id
                tender.live -= step.amount
                tender.captured += step.amount
                tender.captures[step.authorisation_id] = tender.captures.get(step.authorisation_id, 0) + step.amount
            case StepKind.VOID:
                assert step.authorisation_id == tender.authorisation_id
                tender.live -= step.amount
                tender.voided += step.amount
            case StepKind.REFUND:
                tender.captures[step.authorisation_id] -= step.amount
                tender.refunded += step.amount
        assert tender.live >= 0
        assert tender.refunded <= tender.captured
        assert all(kept >= 0 for kept in tender.captures.values())
    return list(after.values())


uses = st.builds(TenderUse, captured=st.sampled_from(TenderRule), refunded=st.sampled_from(TenderRule))


@given(books(), amounts, amounts, uses)
def test_a_plan_once_carried_out_leaves_nothing_to_do(
    tenders: list[TenderBook], earned: int, owed: int, use: TenderUse
):
    plan = plan_money(tenders, earned, owed, use=use)
    once = apply(tenders, plan)
    # What was authorised for goods that are gone is captured at once; then money is in line.
    captures = plan_money(once, earned, owed, use=use)
    assert {step.kind for step in captures.steps} <= {StepKind.CAPTURE}
    assert bool(captures.steps) <= bool(plan.short)
    assert plan_money(apply(once, captures), earned, owed, use=use).steps == []


@given(books(), amounts, amounts)
def test_at_rest_kept_money_is_earned_or_prepaid_and_live_money_is_owed(
    tenders: list[TenderBook], earned: int, owed: int
):
    done = tenders
    for _ in range(2):
        done = apply(done, plan_money(done, earned, owed))
    plan = plan_money(done, earned, owed)
    held, live = sum(each.held for each in done), sum(each.live for each in done)
    assert held + live + plan.expected + plan.uncovered == earned + owed
    assert held <= earned + owed
    assert plan.short == max(0, earned - held)
    if plan.short:
        assert live == 0
    if not plan.expected and not plan.uncovered:
        assert live == owed - (held - earned)


@given(books(), amounts, amounts, uses)
def test_whichever_tender_is_first_the_same_money_moves(
    tenders: list[TenderBook], earned: int, owed: int, use: TenderUse
):
    plan, usual = plan_money(tenders, earned, owed, use=use), plan_money(tenders, earned, owed)
    for kind in (StepKind.CAPTURE, StepKind.REFUND, StepKind.VOID):
        assert plan.total(kind) == usual.total(kind)
    assert plan.short == usual.short


@given(books(), amounts, amounts)
def test_a_plan_never_charges_a_tender_beyond_its_amount(tenders: list[TenderBook], earned: int, owed: int):
    plan = plan_money(tenders, earned, owed)
    by_id = {each.tender_id: each for each in tenders}
    for step in plan.of(StepKind.AUTHORISE):
        tender = by_id[step.tender_id]
        assert (tender.type, tender.exhausted, tender.awaiting) == (TenderType.CARD, False, None)
        assert step.amount + tender.held <= tender.amount
    assert sum(step.amount for step in plan.of(StepKind.AUTHORISE)) <= earned + owed


@given(books(), amounts, amounts)
def test_planning_changes_no_book(tenders: list[TenderBook], earned: int, owed: int):
    before = [each.model_copy(deep=True) for each in tenders]
    plan_money(tenders, earned, owed)
    assert tenders == before


@given(books(), amounts, amounts)
def test_a_customer_is_expected_only_while_goods_wait(tenders: list[TenderBook], earned: int, owed: int):
    plan = plan_money(tenders, earned, owed)
    assert plan.expected <= sum(each.expected for each in tenders)
    assert owed or not plan.expected


@pytest.mark.parametrize("tender", [book(100, kind=TILL, captured=130), book(100, awaiting="a", captured=120)])
def test_nothing_is_expected_of_who_paid_more(tender: TenderBook):
    assert tender.expected == 0
