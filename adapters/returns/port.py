"""Returns as people read them, the units that each has a claim on, and the versions of the returns policy.

Units and money of one order are settled under the lock of its row, so that two stores never take back the same unit.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from pydantic import BaseModel, ConfigDict, NonNegativeInt

from domain.ids import LineId, OrderId, ReturnId, StoreId
from domain.money import Currency
from domain.returns.policy import ReturnPolicy
from domain.returns.returned import ReturnView
from domain.returns.settling import Settled
from domain.returns.words import ReturnKind, ReturnStatus


class ExchangeCredit(BaseModel):
    """What a return's replacement may hold and take of the value that the return gives back, in minor units."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    currency: Currency
    promised: NonNegativeInt
    """It may hold so much."""
    granted: NonNegativeInt = 0
    """So much has come back, or was charged instead. It never becomes less."""
    secured: NonNegativeInt = 0
    """For so much a card stands."""


class ReturnChange(BaseModel):
    """What one milestone of a return made of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    return_id: ReturnId
    order_id: OrderId
    sequence: int
    """1 for the first milestone, then one more each time; the return's `version`."""
    at: datetime
    view: ReturnView
    claimed: dict[LineId, NonNegativeInt]
    """Units that no other return may have."""
    accepted: dict[LineId, NonNegativeInt]
    refunded: NonNegativeInt
    """What has gone back for it of this order's tenders, in minor units, or is on its way."""
    elsewhere: dict[OrderId, NonNegativeInt] = {}
    """What has gone back for it of the tenders of other orders, whose value had paid for this one."""
    credit: ExchangeCredit | None = None


class ReturnFilter(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    order_id: OrderId | None = None
    customer_ref: str | None = None
    status: ReturnStatus | None = None
    store_id: StoreId | None = None
    kind: ReturnKind | None = None
    """None: every kind but goodwill, which no goods come back for."""


class Returns(Protocol):
    async def lock_order(self, order_id: OrderId) -> None:
        """Nobody else changes the order or its returns until the transaction ends."""
        ...

    async def write(self, change: ReturnChange) -> bool:
        """Apply a change once. False: this sequence (or a later one) was written before, nothing is changed."""
        ...

    async def claimed(self, order_id: OrderId, *, but_for: ReturnId | None = None) -> Mapping[LineId, int]:
        """Units by line that the returns of an order have a claim on."""
        ...

    async def settlements(self, order_id: OrderId) -> Sequence[tuple[ReturnId, Settled]]:
        """Every settlement of the order's returns, in the order in which they were worked out."""
        ...

    async def add_settlement(self, return_id: ReturnId, order_id: OrderId, settled: Settled) -> None: ...

    async def get(self, return_id: ReturnId) -> ReturnView | None: ...

    async def of_order(self, order_id: OrderId) -> Sequence[ReturnView]:
        """The oldest first."""
        ...

    async def find(
        self, wanted: ReturnFilter, *, after: tuple[datetime, str] | None, limit: int
    ) -> Sequence[ReturnView]:
        """Newest first by (requested_at, return_id); `after` is the last row of the page before."""
        ...

    async def work_at(self, store_id: StoreId, *, limit: int) -> Sequence[ReturnView]:
        """Returns that a store expects, has to inspect or to settle, the longest wait first."""
        ...

    async def asking(self, *, limit: int) -> Sequence[ReturnView]:
        """Returns that wait for a person's decision."""
        ...

    async def open_of(self, customer_ref: str) -> Sequence[ReturnId]: ...


class ReturnPolicies(Protocol):
    async def newest_version(self) -> int:
        """The version that orders which are placed now keep; 0 when there is only the one that is built in."""
        ...

    async def newest(self) -> ReturnPolicy | None:
        """None: only the one that is built in."""
        ...

    async def version(self, number: int) -> ReturnPolicy | None: ...

    async def add(self, policy: ReturnPolicy, at: datetime, by: str) -> bool:
        """Keep the next version for ever. False: that number is taken."""
        ...

    async def all(self) -> Sequence[ReturnPolicy]:
        """Every version, newest first."""
        ...
