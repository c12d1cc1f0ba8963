"""Routing rules in all their versions, and the log of what was decided by them."""

from collections.abc import Sequence
from typing import Annotated, NamedTuple, Protocol

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from domain.ids import OperationKey, OrderId
from domain.sourcing import RoutingRules, Snapshot, SourcingDecision


class RoutingEntry(BaseModel):
    """One decision about one order, as it was made. Never changed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: OperationKey
    """The business identity of the decision: recording it again changes nothing."""
    order_id: OrderId
    group: Annotated[int, Field(ge=1)] | None = None
    """The fulfilment group whose lines were sourced; none: lines that were in no group yet."""
    run: str | None = None
    """The brokering run that made it; none: it was made at once. `until the run`: it only keeps stock until then."""
    at: AwareDatetime
    decision: SourcingDecision
    snapshot: Snapshot | None = None
    """What it was made from, so that other rules can be tried on it."""


class RulesVersion(NamedTuple):
    rules: RoutingRules
    at: AwareDatetime | None
    """Since when it counted; none: the rules that Throughline comes with."""


class Routing(Protocol):
    async def rules(self, version: int | None = None) -> RoutingRules | None:
        """The rules of a version, or the newest ones; none for a version that never was.

        Version 1 are the rules that Throughline comes with: they count until others are put.
        """
        ...

    async def versions(self) -> Sequence[RulesVersion]:
        """All versions, the newest first."""
        ...

    async def put_rules(self, rules: RoutingRules, at: AwareDatetime) -> RoutingRules:
        """Make these the next version, whatever version they say; orders keep those that they were decided by."""
        ...

    async def record(self, entry: RoutingEntry) -> None:
        """Add a decision to the log. Repeating its key changes nothing."""
        ...

    async def decisions(self, order_id: OrderId) -> Sequence[RoutingEntry]:
        """What was decided about an order, oldest first."""
        ...

    async def snapshots(
        self,
        *,
        order_ids: Sequence[OrderId] | None = None,
        since: AwareDatetime | None = None,
        until: AwareDatetime | None = None,
        limit: int,
    ) -> Sequence[Snapshot]:
        """What the first decisions about these orders, or of this time, were made from; oldest first.

        `since` is included and `until` is not. Decisions without a snapshot are left out.
        """
        ...
