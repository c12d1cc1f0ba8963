"""How long an application's file is kept, what stops its purge, and what the law and statistics need after it."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, ConfigDict

from domain.lending.application_view import ApplicationView
from domain.lending.parts import Decision


class LegalHold(BaseModel):
    """A reason to keep a file beyond its time: a dispute, an inquiry. It ends by a person's word only."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hold_id: str
    reason: str
    set_by: str
    set_at: AwareDatetime
    released_by: str | None = None
    released_at: AwareDatetime | None = None
    released_for: str | None = None

    @property
    def open(self) -> bool:
        return self.released_at is None


class KeptFor(StrEnum):
    """Why a file whose time is over is still there."""

    LEGAL_HOLD = "legal_hold"
    OPEN_ACCOUNT = "open_account"
    """Its loan is still owed, or its account holds money: who the customer is must be known."""


def retention_begins(ended_at: datetime, proofs: Iterable[datetime | None]) -> datetime:
    """With the last notice that was sent; where nobody was owed one, with the end."""
    return max((at for at in proofs if at is not None), default=ended_at)


def remains(view: ApplicationView, purged_at: datetime) -> ApplicationView:
    """The regulator's register: what was asked for, what became of it and when. Nobody can be told from it."""
    decision = view.decision
    return ApplicationView(
        application_id=view.application_id,
        product=view.product,
        product_version=view.product_version,
        channel=view.channel,
        locale=view.locale,
        currency=view.currency,
        version=view.version,
        created_at=view.created_at,
        stage=view.stage,
        status=view.status,
        outcome=view.outcome,
        outcome_code=view.outcome_code,
        denial_reasons=view.denial_reasons,
        ended_at=view.ended_at,
        terms=view.terms,
        asked_terms=view.asked_terms,
        approvals_left=view.approvals_left,
        account_id=view.account_id,
        decision=_register(decision) if decision else None,
        purged_at=purged_at,
    )


def _register(decision: Decision) -> Decision:
    return decision.model_copy(update={"actor": None, "person": None, "conditions": [], "input": None, "stale": False})
