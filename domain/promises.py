"""A promise: units of one store, ready at a time, kept for a customer who has not paid yet; until its deadline.

It counts what an order would count: the store's opening hours, its cut-off and its local time. An order takes it over
once; otherwise it ends by itself.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import NewType

from pydantic import BaseModel, ConfigDict

from domain.actors import Channel
from domain.ids import LineId, OperationKey, OrderId, Sku, StoreId
from domain.kits import Needs, pieces
from domain.pickup_windows import promised_ready_at
from domain.policy_packs import PolicyPack
from domain.stock import StockLine
from domain.store_hours import StoreHours

PromiseId = NewType("PromiseId", str)


class PromiseState(StrEnum):
    OPEN = "open"
    CONVERTED = "converted"
    """An order has it."""
    RELEASED = "released"
    EXPIRED = "expired"


class Misfit(StrEnum):
    """Why an order cannot take a promise over."""

    OVER = "over"
    OTHER_CHANNEL = "other_channel"
    OTHER_STORE = "other_store"
    OTHER_UNITS = "other_units"


class Promise(BaseModel):
    """What was promised; it never changes. Free of personal data."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    promise_id: PromiseId
    channel: Channel
    created_by: str
    store_id: StoreId
    units: dict[Sku, int]
    """By what is sold; a kit counts as one."""
    stock: tuple[StockLine, ...]
    """The same units as they lie on the shelf."""
    requested_at: datetime | None
    made_at: datetime
    ready_at: datetime
    expires_at: datetime

    @property
    def holder(self) -> OrderId:
        """Under this name stock is kept for it."""
        return OrderId(f"promise-{self.promise_id}")


def promise_workflow_id(promise: PromiseId) -> str:
    return f"promise/{promise}"


def make_promise(
    promise_id: PromiseId,
    channel: Channel,
    created_by: str,
    store_id: StoreId,
    units: Mapping[Sku, int],
    *,
    needs: Mapping[Sku, Needs],
    hours: StoreHours,
    policy: PolicyPack,
    at: datetime,
    requested: datetime | None = None,
) -> Promise:
    """Promise units at a store that may be collected then. `needs`: what one unit of each is made of."""
    return Promise(
        promise_id=promise_id,
        channel=channel,
        created_by=created_by,
        store_id=store_id,
        units=dict(units),
        stock=tuple(
            StockLine(line_id=LineId(sku), sku=piece, location_id=store_id, quantity=asked)
            for sku, quantity in units.items()
            for piece, asked in pieces(needs[sku], quantity).items()
        ),
        requested_at=requested,
        made_at=at,
        ready_at=promised_ready_at(hours, policy.pickup, at, requested),
        expires_at=at + policy.promise_within,
    )


def misfit(
    promise: Promise, state: PromiseState, channel: Channel, store_id: StoreId, units: Mapping[Sku, int], at: datetime
) -> Misfit | None:
    """Why an order of `units` at a store cannot have the promise; nothing when it can."""
    if channel is not promise.channel:
        return Misfit.OTHER_CHANNEL
    if store_id != promise.store_id:
        return Misfit.OTHER_STORE
    if dict(units) != promise.units:
        return Misfit.OTHER_UNITS
    return Misfit.OVER if state is not PromiseState.OPEN or at >= promise.expires_at else None


def conversion_key(holder: OrderId, order: OrderId) -> OperationKey:
    return OperationKey(f"{holder}:convert:{order}")
