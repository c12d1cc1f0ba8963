"""The regulator's outcome code: what became of an application, whoever asks years later (HMDA, 12 CFR 1003.4(a)(8))."""

from collections.abc import Sequence
from enum import IntEnum, StrEnum

from pydantic import BaseModel, ConfigDict

from domain.lending.reasons import MOST_REASONS, DenialReason
from domain.lending.stages import Outcome


class ActionTaken(IntEnum):
    ORIGINATED = 1
    APPROVED_NOT_ACCEPTED = 2
    DENIED = 3
    WITHDRAWN = 4
    CLOSED_INCOMPLETE = 5


class ConditionKind(StrEnum):
    UNDERWRITING = "underwriting"
    """A higher down payment, DTI or LTV, mortgage insurance, appraisal, verification of income or assets."""
    CLOSING = "closing"
    """Customary: clear title, survey, title insurance, termite inspection, subordination, sale of the other home."""


CLOSING_CONDITIONS = frozenset(
    {"clear_title", "survey", "title_insurance", "termite_inspection", "subordination", "sale_statement"}
)
UNDERWRITING_CONDITIONS = {
    "higher_down_payment": DenialReason.INSUFFICIENT_CASH,
    "dti": DenialReason.DTI,
    "ltv": DenialReason.COLLATERAL,
    "mortgage_insurance": DenialReason.INSURANCE_DENIED,
    "appraisal": DenialReason.COLLATERAL,
    "income_verification": DenialReason.UNVERIFIABLE,
    "asset_verification": DenialReason.UNVERIFIABLE,
}
"""Each with the reason of a denial that it is when it stays unmet."""


def condition_kind(code: str) -> ConditionKind | None:
    """Which kind the law gives a condition; none for one that it does not name."""
    if code in CLOSING_CONDITIONS:
        return ConditionKind.CLOSING
    return ConditionKind.UNDERWRITING if code in UNDERWRITING_CONDITIONS else None


class Decided(StrEnum):
    """The last decision before the end."""

    NOTHING = "nothing"
    APPROVED = "approved"
    COUNTEROFFERED = "counteroffered"
    DENIED = "denied"


class Ending(BaseModel):
    """All that the code depends on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    outcome: Outcome
    decided: Decided = Decided.NOTHING
    unmet: frozenset[ConditionKind] = frozenset()
    """Kinds of the approval's conditions that were not met when it ended."""


def outcome_code(ending: Ending) -> ActionTaken | None:
    """The code; none for a draft, which never was an application.

    A denial stands whatever came after it. A counteroffer that was not taken is a denial of the original terms.
    """
    if ending.outcome is Outcome.ABANDONED_DRAFT:
        return None
    if ending.outcome is Outcome.ORIGINATED:
        return ActionTaken.ORIGINATED
    if ending.outcome in (Outcome.RESCINDED, Outcome.BOOKING_FAILED_REVERSED):
        return ActionTaken.APPROVED_NOT_ACCEPTED
    if ending.outcome is Outcome.DENIED or ending.decided in (Decided.DENIED, Decided.COUNTEROFFERED):
        return ActionTaken.DENIED
    if ending.outcome is Outcome.CLOSED_INCOMPLETE:
        return ActionTaken.CLOSED_INCOMPLETE
    open_underwriting = ConditionKind.UNDERWRITING in ending.unmet
    if ending.outcome is Outcome.WITHDRAWN:
        before = ending.decided is Decided.NOTHING or open_underwriting
        return ActionTaken.WITHDRAWN if before else ActionTaken.APPROVED_NOT_ACCEPTED
    return ActionTaken.DENIED if open_underwriting else ActionTaken.APPROVED_NOT_ACCEPTED


def denial_reasons(
    code: ActionTaken | None, decided: Sequence[DenialReason], unmet: Sequence[str]
) -> list[DenialReason]:
    """What the regulator's register names: of a denial up to four, of any other end that none applies.

    `unmet`: underwriting conditions that stayed open, which are the reasons where nobody had decided against it.
    """
    if code is None:
        return []
    if code is not ActionTaken.DENIED:
        return [DenialReason.NOT_APPLICABLE]
    open_ones = [UNDERWRITING_CONDITIONS.get(each, DenialReason.OTHER) for each in unmet]
    return list(dict.fromkeys(decided or open_ones))[:MOST_REASONS]
