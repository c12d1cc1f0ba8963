"""What is sold: the items of the catalogue, as far as orders need them."""

from collections.abc import Sequence
from typing import Annotated, Protocol, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from domain.ids import Sku
from domain.intake import KEY, misplaced
from domain.kits import MOST_COMPONENTS, Count

SkuText = Annotated[Sku, StringConstraints(min_length=1, max_length=64, pattern=KEY)]


class KitRefused(Exception):
    """An item that cannot be made of what it names; nothing was changed. `position`: of the component at fault."""

    def __init__(self, reason: str, position: int | None = None) -> None:
        self.reason, self.position = reason, position
        super().__init__(reason)


class Part(BaseModel):
    """So many pieces of another item in one kit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sku: SkuText
    quantity: Count = 1


class Item(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    sku: SkuText
    name: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    pickup: bool = True
    """False for what no store gives out, e.g. bulky goods."""
    weight_grams: Annotated[int, Field(strict=True, ge=0, le=10**9)] | None = None
    price: Annotated[int, Field(strict=True, ge=0, le=10**12)] | None = None
    """The usual price in minor units; an order's own prices are the ones that count."""
    category: Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=KEY)] | None = None
    """Of what kind it is: articles of one category may stand in for each other, where a customer allows it, and the
    returns policy may tell kinds apart."""
    components: Annotated[list[Part], Field(max_length=MOST_COMPONENTS)] = []
    """What a kit is made of; its own SKU is stocked nowhere. No component is a kit itself."""

    @model_validator(mode="after")
    def _is_made_of_others(self) -> Self:
        seen: set[str] = set()
        for position, part in enumerate(self.components):
            if part.sku == self.sku:
                raise misplaced(("components", position, "sku"), "A kit is not made of itself")
            if part.sku in seen:
                raise misplaced(("components", position, "sku"), "The component is named twice")
            seen.add(part.sku)
        return self


class Items(Protocol):
    async def items(self, skus: Sequence[str] | None = None) -> Sequence[Item]:
        """The named items, or all of them, by SKU. Unknown SKUs are left out."""
        ...

    async def page(self, *, after: str | None, limit: int) -> Sequence[Item]:
        """Items by SKU, from just after one."""
        ...

    async def put(self, item: Item) -> None:
        """Add an item or replace it. Orders that were placed keep what their kits were made of.

        Raises: KitRefused (a component is unknown or a kit; the item is a component of another kit).
        """
        ...


def check_kit(item: Item, components: Sequence[Item], used_by: Sequence[str]) -> None:
    """Kits are one level deep. `components`: the items that it names; `used_by`: kits of which it is a component."""
    known = {each.sku: each for each in components}
    for position, part in enumerate(item.components):
        if part.sku not in known:
            raise KitRefused("Unknown SKU", position)
        if known[part.sku].components:
            raise KitRefused("Is a kit itself: name what it is made of", position)
    if item.components and used_by:
        raise KitRefused(f"Is a component of {', '.join(sorted(used_by))}, and so cannot be a kit")
