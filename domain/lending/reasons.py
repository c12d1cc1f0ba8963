"""Why credit was refused: the factors that were really used, at most four, never a phrase that says nothing."""

from collections.abc import Sequence
from enum import IntEnum, StrEnum

from pydantic import BaseModel, ConfigDict

MOST_REASONS = 4


class DenialReason(IntEnum):
    """The regulator's codes."""

    DTI = 1
    EMPLOYMENT_HISTORY = 2
    CREDIT_HISTORY = 3
    COLLATERAL = 4
    INSUFFICIENT_CASH = 5
    UNVERIFIABLE = 6
    INCOMPLETE = 7
    INSURANCE_DENIED = 8
    OTHER = 9
    NOT_APPLICABLE = 10


class FactorSource(StrEnum):
    SCORE = "score"
    JUDGEMENT = "judgement"
    AUTOMATIC = "automatic"
    """By itself a denial, whatever else is good."""


class Factor(BaseModel):
    """One thing that counted against the applicant. `weight`: the larger, the more it counted."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str
    source: FactorSource
    reason: DenialReason
    weight: int = 0


class Basis(StrEnum):
    """How the decision came about."""

    SCORE = "score"
    JUDGEMENT = "judgement"
    BOTH = "both"
    """The score left it open (grey band), then judgement refused."""


REFUSED_REASONS = frozenset({"internal_policy", "score_too_low", "internal_standards", "points_too_low"})
"""The regulation's official interpretation calls these insufficient (Reg B, comment 9(b)(2))."""


class ReasonRefused(ValueError):
    """These reasons may not be given."""


def principal_reasons(factors: Sequence[Factor], basis: Basis) -> list[Factor]:
    """The reasons to give, most important first.

    A failed score gives scored factors only, a failed judgement reviewed ones only, a grey band both; an automatic
    factor is always named, and first. Raises `ReasonRefused` when nothing is left to say.
    """
    used = {
        Basis.SCORE: {FactorSource.SCORE},
        Basis.JUDGEMENT: {FactorSource.JUDGEMENT},
        Basis.BOTH: {FactorSource.SCORE, FactorSource.JUDGEMENT},
    }[basis]
    for factor in factors:
        check_reason(factor.code)
    automatic = [factor for factor in factors if factor.source is FactorSource.AUTOMATIC]
    others = sorted((factor for factor in factors if factor.source in used), key=lambda each: -each.weight)
    named = list({factor.code: factor for factor in [*automatic, *others]}.values())[:MOST_REASONS]
    if not named:
        raise ReasonRefused("no factor that was used speaks against the applicant; a denial needs one")
    return named


def check_reason(code: str) -> None:
    """Raises `ReasonRefused` for what is no specific reason."""
    if code in REFUSED_REASONS:
        raise ReasonRefused(f"{code} is no specific reason: name the factor behind it")


def check_given(codes: Sequence[int | str]) -> list[DenialReason]:
    """An underwriter's reasons. Raises `ReasonRefused` for none, more than four, or one that is not specific."""
    if not 0 < len(codes) <= MOST_REASONS:
        raise ReasonRefused("give one to four reasons")
    found: list[DenialReason] = []
    for code in codes:
        check_reason(str(code))
        try:
            reason = DenialReason(code) if isinstance(code, int) else DenialReason[code.upper()]
        except (ValueError, KeyError):
            raise ReasonRefused("this is none of the reasons") from None
        if reason is DenialReason.NOT_APPLICABLE:
            raise ReasonRefused("a denial has a reason that applies")
        if reason not in found:
            found.append(reason)
    return found


def score_factors(factors: Sequence[str], *, inquiries: str = "inquiries") -> list[str]:
    """The key factors of a score as its disclosure names them: four, five where inquiries are one of them.

    All of them, weightiest first, up to that number (15 U.S.C. 1681m(a)(2), 1681g(f)(1)(C) and (9)).
    """
    others = [each for each in factors if each != inquiries][:MOST_REASONS]
    return [each for each in factors if each == inquiries or each in others]
