"""A loan that pays orders: from when it may, and up to how much."""

from enum import StrEnum
from typing import Any

from domain.lending.stages import Outcome, Stage


class DisbursementPlan(StrEnum):
    """Where a loan's money goes."""

    PAYOUT = "payout"
    """To the borrower, at once."""
    ORDERS = "orders"
    """To the seller, as the goods of its orders arrive."""


_APPROVED = (Stage.OFFERED, Stage.ACCEPTED, Stage.SIGNING, Stage.COOLING_OFF, Stage.DISBURSING, Stage.BOOKED)


def may_finance(view: dict[str, Any]) -> bool:
    """Approved on terms that stand, and not ended in another way."""
    decision = view["decision"]
    approved = decision is not None and decision["verdict"] == "approve" and not decision.get("stale")
    alive = view["outcome"] in (None, Outcome.ORIGINATED.value) and not view.get("purged_at")
    return approved and alive and Stage(view["stage"]) in _APPROVED and view["terms"] is not None


def usable(view: dict[str, Any]) -> int:
    """What may be drawn: the amount financed, without the charge that a payout would have kept back."""
    terms = view["terms"]
    return int(terms["principal"]) - int(terms["prepaid"])
