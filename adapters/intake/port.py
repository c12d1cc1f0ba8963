"""Taking orders in: one channel and external id is one order for ever, and a promised start is made sooner or later."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from domain.ids import OrderId


class IntakeState(StrEnum):
    PROMISED = "promised"
    """The row is written; the workflow may not have been started, or not have answered yet."""
    TAKEN = "taken"


class Intake(BaseModel):
    """The identity of an order, and what is needed to start it again should the start have been lost."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    order_id: OrderId
    channel: str
    external_id: str
    content_hash: str
    created_by: str
    state: IntakeState
    promised_at: datetime


class LateStart(BaseModel):
    """A promise that was not kept: the workflow was not started, or has not answered."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    order_id: OrderId
    promised_at: datetime
    tries: int = 0
    next_try_at: datetime | None
    """None: given up, a person decides."""
    start: bytes
    """The sealed workflow input."""


class OrderIntake(Protocol):
    async def promise(self, intake: Intake, start: bytes) -> Intake:
        """Claim the identity for `intake`, keeping `start` (the sealed workflow input) until the order is taken.

        Returns `intake` itself when it is new, or the one that has the identity already.
        """
        ...

    async def taken(self, order_id: OrderId) -> None:
        """The order is confirmed: its start is no longer needed, its identity stays for ever."""
        ...

    async def forget(self, order_id: OrderId) -> None:
        """The order was refused: its external id is free again."""
        ...

    async def overdue(self, before: datetime, limit: int) -> Sequence[LateStart]:
        """Promises that were made, or put off to a time, before `before` and not kept; the longest due first."""
        ...

    async def put_off(self, order_id: OrderId, until: datetime | None) -> None:
        """A try has failed: the next one is due at `until`; None gives the start up until somebody asks for it."""
        ...

    async def late(self, limit: int) -> Sequence[LateStart]:
        """Promises not kept that were tried again at least once, those given up too, oldest first."""
        ...

    async def try_again(self, order_id: OrderId, at: datetime) -> bool:
        """Make a promise that was not kept due at `at`, also when it was given up; whether there is one."""
        ...

    async def by_external_id(self, channel: str, external_id: str) -> Intake | None: ...

    async def by_order(self, order_id: OrderId) -> Intake | None: ...
