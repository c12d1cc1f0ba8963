"""What is sold: the items of the catalogue, as far as orders need them."""

from collections.abc import Sequence
from typing import Annotated, Protocol

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from domain.ids import Sku
from domain.intake import KEY


class Item(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    sku: Annotated[Sku, StringConstraints(min_length=1, max_length=64, pattern=KEY)]
    name: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    pickup: bool = True
    """False for what no store gives out, e.g. bulky goods."""
    weight_grams: Annotated[int, Field(strict=True, ge=0, le=10**9)] | None = None
    price: Annotated[int, Field(strict=True, ge=0, le=10**12)] | None = None
    """The usual price in minor units; an order's own prices are the ones that count."""


class Items(Protocol):
    async def items(self, skus: Sequence[str] | None = None) -> Sequence[Item]:
        """The named items, or all of them, by SKU. Unknown SKUs are left out."""
        ...

    async def page(self, *, after: str | None, limit: int) -> Sequence[Item]:
        """Items by SKU, from just after one."""
        ...

    async def put(self, item: Item) -> None: ...
