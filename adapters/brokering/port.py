"""Queues of shipments that wait for a place, and the runs that broker them."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, NamedTuple, Protocol

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from domain.ids import LineId, OperationKey, OrderId, StoreId
from domain.sourcing import SourcingRequest
from domain.sourcing.queues import Queue


class Kept(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class QueuedGroup(Kept):
    """A shipment in the one queue that it is in, with all that a decision about it needs."""

    n: int
    queue: Queue
    since: AwareDatetime
    request: SourcingRequest
    held: dict[StoreId, dict[LineId, int]] = {}
    """Where its units are reserved meanwhile; nowhere once a place has given them up."""


class Waiting(Kept):
    order_id: OrderId
    group: QueuedGroup

    @property
    def place(self) -> "Position":
        return Position(self.group.since, self.order_id, self.group.n)


class Position(NamedTuple):
    """A place in a queue: who came first, stands first."""

    since: AwareDatetime
    order_id: OrderId
    n: int


class QueueLength(Kept):
    queue: Queue
    waiting: int
    since: AwareDatetime
    """When the first of them came."""


class RunState(StrEnum):
    RUNNING = "running"
    DONE = "done"
    CUT_OFF = "cut_off"
    """It was ended from outside; the next run of its queue has finished what it had begun."""


class Outcome(StrEnum):
    OPEN = "open"
    TAKEN = "taken"
    REFUSED = "refused"


class AssignedPart(Kept):
    """What one place is to ship, and the key under which it keeps room for that."""

    location_id: StoreId
    lines: dict[LineId, int]
    capacity: OperationKey


class Assignment(Kept):
    """A run's decision about one shipment, until its order has taken or refused it."""

    order_id: OrderId
    n: int
    lines: dict[LineId, int]
    """The units that were decided about; an order that has others by now refuses."""
    parts: tuple[AssignedPart, ...]
    """None: no place can serve it, and it goes to the queue `then`."""
    then: Queue
    """Where units wait that are in no part."""
    outcome: Outcome = Outcome.OPEN
    moved: bool = False
    """What was reserved for it is reserved where it is to be shipped from, though its order does not know yet."""
    decided_alone: bool = False
    """On what was left there, after others had been quicker."""


class RunCounts(Kept):
    looked_at: int = 0
    brokered: int = 0
    """Shipments whose order took the decision."""
    parts: int = 0
    """Parts of those: as many parcels as leave."""
    kept: int = 0
    """Shipments for which nothing was found now, and that stay in the queue."""
    unfillable: int = 0
    """Shipments that no place can serve."""
    refused: int = 0
    """Shipments that were cancelled, held, moved or served otherwise meanwhile."""


class Run(Kept):
    """One brokering run, and how far it is."""

    run: str
    queue: Queue
    by: str
    """The schedule, or who asked for it."""
    started_at: AwareDatetime
    ended_at: AwareDatetime | None = None
    state: RunState = RunState.RUNNING
    rules: str
    rules_version: int
    counts: RunCounts = RunCounts()
    after: Annotated[Position | None, Field()] = None
    """The last shipment that it has looked at."""
    assignments: tuple[Assignment, ...] = ()
    """Decisions that orders are being told; room is kept for each that is open."""


class Brokering(Protocol):
    """An order's shipment is in one queue at a time: entering another is leaving the first."""

    async def enter(self, order_id: OrderId, group: QueuedGroup) -> None: ...

    async def leave(self, order_id: OrderId, n: int | None = None) -> None:
        """One shipment of an order, or all."""
        ...

    async def waiting(self, queue: Queue, *, after: Position | None, until: AwareDatetime, limit: int) -> list[Waiting]:
        """Who is in a queue since `until` at the latest, first come first."""
        ...

    async def lock(self, shipments: Sequence[tuple[OrderId, int]]) -> dict[tuple[OrderId, int], QueuedGroup]:
        """Those of them that wait, as they are now; they neither leave nor change until this transaction is over."""
        ...

    async def queue_of(self, order_id: OrderId, n: int) -> Queue | None: ...

    async def lengths(self) -> Sequence[QueueLength]:
        """Every queue in which somebody waits, by name."""
        ...

    async def put_run(self, run: Run) -> None:
        """As it is now, in place of what was known of it."""
        ...

    async def run(self, run: str) -> Run | None: ...

    async def runs(
        self, queue: Queue | None = None, *, state: RunState | None = None, limit: int, skip: int = 0
    ) -> Sequence[Run]:
        """The newest first."""
        ...
