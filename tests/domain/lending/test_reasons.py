from decimal import Decimal

import pytest

from domain.lending.decisions import BureauFacts, DecisionInput, DecisionRules, Verdict, decide
from domain.lending.ratios import affordability
from domain.lending.reasons import (
    Basis,
    DenialReason,
    Factor,
    FactorSource,
    ReasonRefused,
    check_given,
    principal_reasons,
    score_factors,
)


def factor(code: str, source: FactorSource, weight: int = 0) -> Factor:
    return Factor(code=code, source=source, reason=DenialReason.CREDIT_HISTORY, weight=weight)


SCORED = [factor(f"s{n}", FactorSource.SCORE, n) for n in range(5)]
REVIEWED = [factor("j", FactorSource.JUDGEMENT, 50)]
AUTOMATIC = [factor("bankruptcy", FactorSource.AUTOMATIC)]


@pytest.mark.parametrize(
    ("factors", "basis", "named"),
    [
        ([*SCORED, *REVIEWED], Basis.SCORE, ["s4", "s3", "s2", "s1"]),
        ([*SCORED, *REVIEWED], Basis.JUDGEMENT, ["j"]),
        ([*SCORED, *REVIEWED], Basis.BOTH, ["j", "s4", "s3", "s2"]),
        ([*SCORED, *AUTOMATIC], Basis.SCORE, ["bankruptcy", "s4", "s3", "s2"]),
        ([*SCORED, *AUTOMATIC], Basis.JUDGEMENT, ["bankruptcy"]),
    ],
)
def test_reasons_are_the_factors_that_were_used(factors: list[Factor], basis: Basis, named: list[str]) -> None:
    assert [each.code for each in principal_reasons(factors, basis)] == named


@pytest.mark.parametrize("code", ["internal_policy", "score_too_low"])
def test_empty_phrases_are_refused(code: str) -> None:
    with pytest.raises(ReasonRefused):
        principal_reasons([factor(code, FactorSource.SCORE)], Basis.SCORE)
    with pytest.raises(ReasonRefused):
        check_given([code])


@pytest.mark.parametrize("codes", [[], [1, 2, 3, 4, 5], [10], [11], ["moon"]])
def test_an_underwriter_gives_one_to_four_reasons_that_apply(codes: list[int | str]) -> None:
    with pytest.raises(ReasonRefused):
        check_given(codes)


def test_of_key_factors_four_are_named_and_five_where_inquiries_are_one() -> None:
    assert score_factors(["a", "b", "c", "d", "e"]) == ["a", "b", "c", "d"]
    assert score_factors(["a", "b", "c", "d", "inquiries"]) == ["a", "b", "c", "d", "inquiries"]
    assert score_factors(["a", "inquiries", "c", "d", "e"]) == ["a", "inquiries", "c", "d", "e"]
    assert score_factors(["a", "b", "c", "d", "e", "inquiries", "f"]) == ["a", "b", "c", "d", "inquiries"]
    assert score_factors(["inquiries"]) == ["inquiries"]


RULES = DecisionRules(automatic_up_to=2_500_000)
GOOD = BureauFacts(score=742)


def test_a_reason_that_is_given_twice_is_one():
    assert check_given([1, "dti", 3]) == [DenialReason.DTI, DenialReason.CREDIT_HISTORY]


def test_a_report_that_was_kept_without_its_missing_score_is_read():
    assert BureauFacts.model_validate({"factors": ["short_history"], "bankrupt": False}).score is None


def given(
    score: BureauFacts = GOOD, *, income: int = 500_000, owed: int = 50_000, amount: int = 1_000_000
) -> DecisionInput:
    figures = affordability(obligations=[owed], incomes=[income], payment=30_000)
    return DecisionInput(amount=amount, affordability=figures, reports=(score,))


def test_a_good_report_and_enough_income_are_approved() -> None:
    assert decide(given(), RULES).verdict is Verdict.APPROVE


def test_a_low_score_is_declined_for_the_factors_behind_it() -> None:
    found = decide(given(BureauFacts(score=480, factors=("delinquency", "high_balances"))), RULES)
    assert found.verdict is Verdict.DECLINE
    assert [each.code for each in found.reasons] == ["delinquency", "high_balances"]


def test_too_much_debt_is_declined_as_such() -> None:
    found = decide(given(owed=300_000), RULES)
    assert (found.verdict, found.reasons[0].reason) == (Verdict.DECLINE, DenialReason.DTI)


@pytest.mark.parametrize(
    "case",
    [
        given(BureauFacts(score=None)),
        given(BureauFacts(score=600, factors=("short_history",))),
        given(amount=3_000_000),
    ],
)
def test_what_the_rules_leave_open_is_for_a_person(case: DecisionInput) -> None:
    found = decide(case, RULES)
    assert found.verdict is Verdict.REFER
    assert found.reasons


@pytest.mark.parametrize("score", [480, 600])
def test_a_score_that_names_no_factor_is_neither_approved_nor_declined_by_it(score: int) -> None:
    found = decide(given(BureauFacts(score=score)), RULES)
    assert (found.verdict, [each.code for each in found.reasons]) == (Verdict.REFER, ["unexplained_score"])


def test_what_is_said_of_a_borrower_whose_score_is_good_is_no_reason() -> None:
    figures = affordability(obligations=[50_000], incomes=[500_000], payment=30_000)
    good = BureauFacts(score=742, factors=("inquiries",))
    bad = BureauFacts(score=480, factors=("delinquency",))
    found = decide(DecisionInput(amount=1_000_000, affordability=figures, reports=(good, bad)), RULES)
    assert (found.verdict, [each.code for each in found.reasons]) == (Verdict.DECLINE, ["delinquency"])


def test_rules_that_cross_decline_with_a_reason_all_the_same() -> None:
    """Of an older definition that nobody had checked for it."""
    crossed = DecisionRules(approve_score=500, decline_score=560, refer_dti=Decimal(60), most_dti=Decimal(43))
    by_score = decide(given(BureauFacts(score=520, factors=("delinquency",))), crossed)
    by_debts = decide(given(owed=250_000), crossed)
    assert [each.code for each in by_score.reasons] == ["delinquency"]
    assert (by_debts.verdict, [each.code for each in by_debts.reasons]) == (Verdict.DECLINE, ["debt_to_income"])


def test_bankruptcy_alone_declines_and_is_named() -> None:
    found = decide(given(BureauFacts(score=742, bankrupt=True)), RULES)
    assert (found.verdict, [each.code for each in found.reasons]) == (Verdict.DECLINE, ["bankruptcy"])


def test_the_same_input_gives_the_same_reasons_after_a_journey_through_json() -> None:
    case = given(BureauFacts(score=480, factors=("delinquency",)), owed=300_000)
    again = DecisionInput.model_validate_json(case.model_dump_json())
    assert decide(again, RULES) == decide(case, RULES)


@pytest.mark.parametrize(
    ("case", "basis"),
    [
        (given(amount=3_000_000), Basis.JUDGEMENT),
        (given(BureauFacts(score=None)), Basis.JUDGEMENT),
        (given(BureauFacts(score=600, factors=("short_history",))), Basis.BOTH),
        (given(owed=170_000), Basis.BOTH),
    ],
)
def test_only_what_the_score_left_open_is_judged_on_both(case: DecisionInput, basis: Basis) -> None:
    found = decide(case, RULES)
    assert (found.verdict, found.basis) == (Verdict.REFER, basis)
