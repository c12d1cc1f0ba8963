"""The regulator's table, row by row."""

import pytest

from domain.lending.outcomes import (
    CLOSING_CONDITIONS,
    UNDERWRITING_CONDITIONS,
    ActionTaken,
    ConditionKind,
    Decided,
    Ending,
    condition_kind,
    denial_reasons,
    outcome_code,
)
from domain.lending.reasons import DenialReason
from domain.lending.stages import GroupStatus, Outcome, worst

UNDERWRITING = frozenset({ConditionKind.UNDERWRITING})
CLOSING = frozenset({ConditionKind.CLOSING})
NONE = frozenset[ConditionKind]()

TABLE = {
    "approved and extended": (Outcome.ORIGINATED, Decided.APPROVED, NONE, 1),
    "only closing conditions unmet": (Outcome.APPROVED_NOT_ACCEPTED, Decided.APPROVED, CLOSING, 2),
    "applicant silent": (Outcome.EXPIRED_OFFER, Decided.APPROVED, NONE, 2),
    "all met but no closing": (Outcome.APPROVED_NOT_ACCEPTED, Decided.APPROVED, NONE, 2),
    "borrower rescinds": (Outcome.RESCINDED, Decided.APPROVED, NONE, 2),
    "denied first, then withdrawn": (Outcome.WITHDRAWN, Decided.DENIED, NONE, 3),
    "denied": (Outcome.DENIED, Decided.DENIED, NONE, 3),
    "underwriting condition unmet": (Outcome.APPROVED_NOT_ACCEPTED, Decided.APPROVED, UNDERWRITING, 3),
    "counteroffer declined": (Outcome.DENIED, Decided.COUNTEROFFERED, NONE, 3),
    "counteroffer unanswered": (Outcome.EXPIRED_OFFER, Decided.COUNTEROFFERED, NONE, 3),
    "withdrawn before a decision": (Outcome.WITHDRAWN, Decided.NOTHING, NONE, 4),
    "withdrawn before underwriting conditions": (Outcome.WITHDRAWN, Decided.APPROVED, UNDERWRITING | CLOSING, 4),
    "withdrawn, all underwriting conditions met": (Outcome.WITHDRAWN, Decided.APPROVED, CLOSING, 2),
    "incompleteness unanswered": (Outcome.CLOSED_INCOMPLETE, Decided.NOTHING, NONE, 5),
    "paid out and taken back": (Outcome.BOOKING_FAILED_REVERSED, Decided.APPROVED, NONE, 2),
}


@pytest.mark.parametrize(("outcome", "decided", "unmet", "code"), TABLE.values(), ids=TABLE)
def test_the_outcome_code(outcome: Outcome, decided: Decided, unmet: frozenset[ConditionKind], code: int) -> None:
    assert outcome_code(Ending(outcome=outcome, decided=decided, unmet=unmet)) == ActionTaken(code)


@pytest.mark.parametrize(
    ("code", "decided", "unmet", "reasons"),
    [
        (3, [DenialReason.DTI, DenialReason.COLLATERAL], [], [1, 4]),
        (3, [], ["appraisal", "ltv", "income_verification"], [4, 6]),
        (3, [], ["dti", "mortgage_insurance", "higher_down_payment", "ltv", "asset_verification"], [1, 8, 5, 4]),
        (3, [], ["a_blue_door"], [9]),
        (2, [], ["clear_title"], [10]),
        (4, [DenialReason.DTI], [], [10]),
        (None, [], [], []),
    ],
)
def test_the_reasons_of_the_regulators_register(
    code: int | None, decided: list[DenialReason], unmet: list[str], reasons: list[int]
) -> None:
    assert denial_reasons(ActionTaken(code) if code else None, decided, unmet) == reasons


def test_a_draft_is_no_application() -> None:
    assert outcome_code(Ending(outcome=Outcome.ABANDONED_DRAFT)) is None


def test_conditions_have_the_kind_that_the_law_gives_them() -> None:
    assert condition_kind("clear_title") is ConditionKind.CLOSING
    assert condition_kind("appraisal") is ConditionKind.UNDERWRITING
    assert condition_kind("blue_door") is None
    assert not CLOSING_CONDITIONS & set(UNDERWRITING_CONDITIONS)


def test_a_group_is_as_far_as_its_worst_member() -> None:
    assert worst([GroupStatus.READY, GroupStatus.AWAITING_PARTY, GroupStatus.AWAITING_DOCUMENTS]) is (
        GroupStatus.AWAITING_PARTY
    )
    assert worst([]) is GroupStatus.READY
