"""Which tender of an order is captured first, and which is refunded first: a setting of its channel."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class TenderRule(StrEnum):
    """Which tender comes first."""

    FIRST = "first"
    LAST = "last"
    """In the reverse order of payment: of refunds, so that the first tender bears what is kept."""
    PRO_RATA = "pro_rata"


class TenderUse(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    captured: TenderRule = TenderRule.FIRST
    refunded: TenderRule = TenderRule.LAST
