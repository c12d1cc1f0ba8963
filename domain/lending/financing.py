"""A loan that pays orders: from when it may, and up to how much."""

from enum import StrEnum

from domain.lending.application_view import ApplicationView
from domain.lending.decisions import Verdict
from domain.lending.stages import Outcome, Stage
from domain.lending.terms import LoanTerms


class DisbursementPlan(StrEnum):
    """Where a loan's money goes."""

    PAYOUT = "payout"
    """To the borrower, at once."""
    ORDERS = "orders"
    """To the seller, as the goods of its orders arrive."""


_APPROVED = (Stage.OFFERED, Stage.ACCEPTED, Stage.SIGNING, Stage.COOLING_OFF, Stage.DISBURSING, Stage.BOOKED)


def financing_terms(view: ApplicationView) -> LoanTerms | None:
    """The terms on which it may pay orders: approved and standing. None when it may not, or ended in another way."""
    decision = view.decision
    approved = decision is not None and decision.verdict is Verdict.APPROVE and not decision.stale
    alive = view.outcome in (None, Outcome.ORIGINATED) and view.purged_at is None
    return view.terms if approved and alive and view.stage in _APPROVED else None


def usable(terms: LoanTerms) -> int:
    """What may be drawn: the amount financed, without the charge that a payout would have kept back."""
    return terms.principal - terms.prepaid
