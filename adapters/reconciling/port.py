"""What a reconciliation reads, page by page, so that its memory does not grow with the number of orders."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from domain.ids import OrderId, Sku, StoreId


class Balance(NamedTuple):
    """One number of a level, and what its movements sum up to."""

    sku: Sku
    store_id: StoreId
    what: str
    level: int
    movements: int


class Reconciling(Protocol):
    async def orders(self, *, after: str, limit: int) -> Sequence[OrderId]:
        """Orders that people can see, by id, from just after one."""
        ...

    async def unbalanced(
        self, *, after: tuple[str, str], limit: int
    ) -> tuple[Sequence[Balance], tuple[str, str] | None]:
        """What differs in the next `limit` levels, by SKU and place; and the last one looked at, if there are more."""
        ...
