"""A change that waits for its payment, and the changes that were made: what an order keeps of both."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from domain.actors import Actor
from domain.change_wishes import ChangeWish
from domain.ids import LineId, StoreId
from domain.payments import TenderId


class Kept(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Totals(Kept):
    """What the customer has and has coming, and what it costs. Minor units."""

    lines: int
    """Goods; without tax where the order's prices do not include it."""
    shipping: int
    tax: int
    """Part of `lines` where prices include it, on top otherwise."""
    total: int


class HeldStock(Kept):
    """Units that are held for a change until it is made or dropped."""

    store_id: StoreId
    lines: dict[LineId, int]
    from_group: int | None = None
    """The group whose units are to come from there; none for units that are added."""


class OpenChange(Kept):
    """Not made before the customer has paid for it; dropped at its deadline."""

    change_id: str
    wish: ChangeWish
    actor: Actor
    since: datetime
    deadline: datetime
    owed: int
    """What has to be authorised first, in minor units."""
    before: Totals
    after: Totals
    stock: list[HeldStock] = []
    tenders: list[TenderId] = []
    """With which the customer pays for it."""


class MadeChange(Kept):
    """What remains of a change that was made."""

    change_id: str
    at: datetime
    before: Totals
    after: Totals
