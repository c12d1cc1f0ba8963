"""Goodwill (an appeasement): money of an order that goes back for no unit. Each role has its limit."""

from collections.abc import Iterable, Mapping

from pydantic import BaseModel, ConfigDict, NonNegativeInt, PositiveInt

from domain.refunds import RefundTarget
from domain.tender_use import TenderRule

UNLIMITED_ROLE = "ops_manager"


class Goodwill(BaseModel):
    model_config = ConfigDict(extra="forbid")

    amount: PositiveInt
    reason: str
    to: RefundTarget = RefundTarget.ORIGINAL
    tenders: TenderRule = TenderRule.LAST
    """Which tender is paid back first."""
    limit: NonNegativeInt | None = None
    """What the one who asked may give of an order by themself, all goodwill together; none: without limit."""
    awaits: bool = False
    """A second person has to approve it."""
    asked_by: str | None = None
    decided_by: str | None = None

    def within(self, given_before: int) -> bool:
        return self.limit is None or given_before + self.amount <= self.limit


def limit_of(roles: Iterable[str], limits: Mapping[str, int]) -> int | None:
    """The highest limit of one's roles; none for who has no limit. Who has no role gives nothing alone."""
    mine = set(roles)
    if UNLIMITED_ROLE in mine:
        return None
    return max((limits.get(role, 0) for role in mine), default=0)
