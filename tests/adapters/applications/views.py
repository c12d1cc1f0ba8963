"""Views of made-up applications, for tests of what keeps or reads them."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from domain.actors import Actor, ActorKind, Channel
from domain.lending.application_view import ApplicationView
from domain.lending.decisions import Verdict
from domain.lending.parts import Decision
from domain.lending.reasons import Basis
from domain.lending.schedule import DayCount
from domain.lending.stages import GroupStatus, Stage
from domain.lending.terms import LoanTerms

DECIDED_AT = datetime(2026, 11, 2, 12, tzinfo=UTC)
UNA = Actor(kind=ActorKind.UNDERWRITER, id="una", channel=Channel.BRANCH)
TERMS = LoanTerms(
    principal=1_000,
    currency="USD",
    annual_rate=Decimal("9.9"),
    term_months=36,
    day_count=DayCount.THIRTY_360,
    prepaid=10,
)


def decided(verdict: Verdict, **more: Any) -> Decision:
    known = {
        "at": DECIDED_AT,
        "actor": UNA,
        "person": "una",
        "automatic": False,
        "basis": Basis.JUDGEMENT,
        "rules": "1",
    }
    return Decision.model_validate({"verdict": verdict} | known | more)


def view(application_id: str, **changed: Any) -> ApplicationView:
    """Of a personal loan that is approved and offered, unless said otherwise."""
    known = {
        "product": "personal-loan",
        "product_version": 1,
        "channel": Channel.WEB,
        "locale": "en",
        "currency": "USD",
        "version": 1,
        "created_at": datetime(2026, 11, 1, 12, tzinfo=UTC),
        "stage": Stage.OFFERED,
        "status": GroupStatus.READY,
        "decision": decided(Verdict.APPROVE),
        "terms": TERMS,
    }
    return ApplicationView.model_validate({"application_id": application_id} | known | changed)
