"""The automatic decision: approve, refer to a person or decline, with every factor that counted, by versioned rules."""

from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from domain.lending.ratios import Affordability
from domain.lending.reasons import Basis, DenialReason, Factor, FactorSource, principal_reasons


class Verdict(StrEnum):
    APPROVE = "approve"
    REFER = "refer"
    DECLINE = "decline"


class DecisionRules(BaseModel):
    """Thresholds of one product version."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    approve_score: int = 680
    decline_score: int = 560
    """Between the two lies the grey band: a person decides."""
    most_dti: Decimal = Decimal(43)
    refer_dti: Decimal = Decimal(36)
    most_ltv: int | None = None
    automatic_up_to: int | None = None
    """More than this is never approved without a person."""


class BureauFacts(BaseModel):
    """What a report says that counts. No score: the person has too little history."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    score: int | None = None
    factors: tuple[str, ...] = ()
    bankrupt: bool = False


class DecisionInput(BaseModel):
    """Everything that the rules look at, kept with the decision: the same input gives the same answer years later."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    amount: int
    affordability: Affordability
    reports: tuple[BureauFacts, ...] = ()
    """One for each borrower, where the product asks for them."""
    needs_report: bool = True
    identity_unsure: bool = False
    fraud_suspected: bool = False
    income_unsure: bool = False
    unscreened: bool = False
    """Nobody could say whether a party is on a sanctions list."""

    @property
    def found_out(self) -> tuple[object, ...]:
        """What others said of the parties, apart from what the applicant said and how it is judged."""
        doubts = (self.identity_unsure, self.fraud_suspected, self.income_unsure, self.unscreened)
        return (self.reports, *doubts)


class AutomaticDecision(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    verdict: Verdict
    reasons: tuple[Factor, ...] = ()
    """Of a denial: the principal reasons. Of a referral: what a person should look at."""
    basis: Basis = Basis.SCORE


_REPORT_REASONS = {"short_history": DenialReason.CREDIT_HISTORY, "delinquency": DenialReason.CREDIT_HISTORY}


def decide(given: DecisionInput, rules: DecisionRules) -> AutomaticDecision:
    """What the rules alone can say."""
    against = [*_automatic(given), *_scored(given, rules)]
    figures = given.affordability
    declined = any(factor.source is FactorSource.AUTOMATIC for factor in against) or any(
        report.factors for report in _scores(given, below=rules.decline_score)
    )
    if figures.dti is not None and figures.dti > rules.most_dti:
        declined = True
    if rules.most_ltv is not None and figures.ltv is not None and figures.ltv > rules.most_ltv:
        declined = True
    if declined:
        return AutomaticDecision(verdict=Verdict.DECLINE, reasons=tuple(principal_reasons(against, Basis.SCORE)))
    doubts = [*against, *_doubts(given, rules)]
    if doubts:
        return AutomaticDecision(verdict=Verdict.REFER, reasons=tuple(doubts), basis=Basis.BOTH)
    return AutomaticDecision(verdict=Verdict.APPROVE)


def _automatic(given: DecisionInput) -> Sequence[Factor]:
    found = []
    if any(report.bankrupt for report in given.reports):
        found.append(_factor("bankruptcy", DenialReason.CREDIT_HISTORY, FactorSource.AUTOMATIC))
    return found


def _scores(given: DecisionInput, *, below: int) -> Sequence[BureauFacts]:
    """The reports whose score is that low."""
    return [report for report in given.reports if report.score is not None and report.score < below]


def _scored(given: DecisionInput, rules: DecisionRules) -> Sequence[Factor]:
    found = []
    figures = given.affordability
    if figures.dti is not None and figures.dti > min(rules.refer_dti, rules.most_dti):
        found.append(_factor("debt_to_income", DenialReason.DTI, weight=90 if figures.dti > rules.most_dti else 40))
    if rules.most_ltv is not None and figures.ltv is not None and figures.ltv > rules.most_ltv:
        found.append(_factor("loan_to_value", DenialReason.COLLATERAL, weight=80))
    for report in _scores(given, below=max(rules.approve_score, rules.decline_score)):
        for place, name in enumerate(report.factors):
            reason = _REPORT_REASONS.get(name, DenialReason.CREDIT_HISTORY)
            found.append(_factor(name, reason, weight=70 - place))
    return found


def _doubts(given: DecisionInput, rules: DecisionRules) -> Sequence[Factor]:
    found = []
    if given.needs_report and (not given.reports or any(report.score is None for report in given.reports)):
        found.append(_factor("short_history", DenialReason.CREDIT_HISTORY, FactorSource.JUDGEMENT))
    if any(not report.factors for report in _scores(given, below=rules.approve_score)):
        # A denial names the factors behind a score: where the bureau gives none, a person looks for them.
        found.append(_factor("unexplained_score", DenialReason.CREDIT_HISTORY, FactorSource.JUDGEMENT))
    if given.affordability.dti is None:
        found.append(_factor("no_income", DenialReason.UNVERIFIABLE, FactorSource.JUDGEMENT))
    if given.identity_unsure:
        found.append(_factor("identity", DenialReason.UNVERIFIABLE, FactorSource.JUDGEMENT))
    if given.fraud_suspected:
        found.append(_factor("inconsistent_answers", DenialReason.UNVERIFIABLE, FactorSource.JUDGEMENT))
    if given.income_unsure:
        found.append(_factor("income", DenialReason.UNVERIFIABLE, FactorSource.JUDGEMENT))
    if given.unscreened:
        found.append(_factor("unanswered_checks", DenialReason.UNVERIFIABLE, FactorSource.JUDGEMENT))
    if rules.automatic_up_to is not None and given.amount > rules.automatic_up_to:
        found.append(_factor("large_amount", DenialReason.OTHER, FactorSource.JUDGEMENT))
    return found


def _factor(code: str, reason: DenialReason, source: FactorSource = FactorSource.SCORE, weight: int = 0) -> Factor:
    return Factor(code=code, source=source, reason=reason, weight=weight)
