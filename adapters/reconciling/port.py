"""What a reconciliation reads and keeps, page by page, so that its memory does not grow with the number of orders."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, Protocol

from pydantic import BaseModel, ConfigDict

from domain.ids import OperationKey, OrderId, Sku, StoreId
from domain.payments import Authorisation, AuthorisationId
from domain.reconciling import Difference, Held, Looked


class Balance(NamedTuple):
    """One number of a level, and what its movements sum up to."""

    sku: Sku
    store_id: StoreId
    what: str
    level: int
    movements: int


class RunState(StrEnum):
    RUNNING = "running"
    ENDED = "ended"


class RunCounts(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    authorisations: int = 0
    """That the provider knows."""
    orders: int = 0
    looked_into: int = 0
    """Orders of which something seemed to differ, so that they were looked at one by one."""
    levels: int = 0
    differences: int = 0


class Reconciliation(BaseModel):
    """One run over everything."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run: str
    state: RunState
    requested_by: str
    started_at: datetime
    ended_at: datetime | None = None
    counts: RunCounts = RunCounts()


class FoundState(StrEnum):
    OPEN = "open"
    WAITS_FOR_APPROVAL = "waits_for_approval"
    """A second person must agree."""
    APPLIED = "applied"
    FAILED = "failed"
    """It could not be made right so; it may be tried again."""
    DISMISSED = "dismissed"


class Found(BaseModel):
    """A difference of a run, with what became of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run: str
    n: int
    state: FoundState
    difference: Difference
    proposed_by: str | None = None
    approved_by: str | None = None
    reason: str | None = None
    outcome: str | None = None
    decided_at: datetime | None = None


class Page(NamedTuple):
    """Some orders by id, and those of them of which something seems to differ."""

    orders: int
    last: OrderId | None
    suspects: Sequence[OrderId]


class Reconciler(Protocol):
    """Each call is a transaction of its own."""

    # --- reading -----------------------------------------------------------------------------------------------------

    async def look(self, order_id: OrderId) -> Looked | None:
        """All that is on our record of an order, without the provider; none when there is no such order."""
        ...

    async def keep_payments(self, run: str, read: Sequence[Authorisation]) -> None:
        """A page of the provider's ledger. Repeating it changes nothing."""
        ...

    async def page(self, run: str, *, after: str, limit: int) -> Page:
        """The next orders that people can see, compared at once with the provider's ledger as the run has read it."""
        ...

    async def strays(self, run: str, *, after: str, limit: int) -> Sequence[AuthorisationId]:
        """Money at the provider of which our ledger knows nothing, by id."""
        ...

    async def is_ours(self, authorisation: Authorisation) -> bool:
        """Our ledger knows it by now, or waits for the answer of one for the same order."""
        ...

    async def orphans(self, *, before: datetime, after: str, limit: int) -> Sequence[tuple[OrderId, Held]]:
        """Units that are kept for what is no order, and moved last before an instant, by order id."""
        ...

    async def unbalanced(
        self, *, after: tuple[str, str], limit: int
    ) -> tuple[Sequence[Balance], tuple[str, str] | None]:
        """What differs in the next `limit` levels, by SKU and place; and the last one looked at, if there are more."""
        ...

    # --- runs --------------------------------------------------------------------------------------------------------

    async def open(self, reconciliation: Reconciliation) -> None: ...

    async def close(self, run: str, at: datetime, counts: RunCounts) -> RunCounts:
        """Forget what was read for it; the counts, with how many differences stand."""
        ...

    async def add(self, run: str, differences: Sequence[Difference]) -> None:
        """Each once, whatever is repeated."""
        ...

    async def get(self, run: str) -> Reconciliation | None: ...

    async def runs(self, *, limit: int) -> Sequence[Reconciliation]:
        """Newest first."""
        ...

    async def found(self, run: str, *, after: int, limit: int) -> Sequence[Found]: ...

    async def one(self, run: str, n: int) -> Found | None: ...

    async def decide(self, found: Found, *, only_if: Sequence[FoundState]) -> bool:
        """What became of a difference. False: somebody was faster, and it is in another state."""
        ...

    # --- making it right ---------------------------------------------------------------------------------------------

    async def show_money(self, order_id: OrderId, shown: Mapping[str, int]) -> bool:
        """Have an order that is over show these totals (`captured`, `refunded`, `authorised`)."""
        ...

    async def explain_level(self, sku: Sku, store_id: StoreId, *, key: OperationKey, at: datetime, reason: str) -> None:
        """Enter the one movement after which the level is the sum of its movements. The level stays as it is."""
        ...
