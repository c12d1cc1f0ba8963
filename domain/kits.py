"""A kit is sold as one article and stocked as its components: what its units ask of the shelves, and their worth.

A kit has one price, and its units are ordered, cancelled and given back whole. What one component of it is worth is a
share of that price by the components' usual prices; the minor units left over are assigned once.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from domain.ids import Sku
from domain.money import apportion

Count = Annotated[int, Field(strict=True, ge=1, le=1000)]
MOST_COMPONENTS = 20
Needs = Mapping[Sku, int]
"""Pieces of each SKU that one unit of a line is made of."""


class Component(BaseModel):
    """So many pieces of a SKU in one unit of a kit, as it was when the order was placed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sku: Sku
    quantity: Count
    price: Annotated[int, Field(strict=True, ge=0)] = 0
    """The usual price of one piece in minor units: its weight in the kit's price."""


def needs_of(sku: Sku, components: Sequence[Component]) -> dict[Sku, int]:
    """What one unit is made of: a kit of its components, anything else of itself."""
    return {each.sku: each.quantity for each in components} or {sku: 1}


def pieces(needs: Needs, units: int) -> dict[Sku, int]:
    """What so many units ask of each SKU."""
    return {sku: each * units for sku, each in needs.items()}


def whole_units(there: Mapping[Sku, int], needs: Needs) -> int:
    """How many units the pieces that are there make; pieces that make none whole count for nothing."""
    return min((max(0, there.get(sku, 0)) // each for sku, each in needs.items()), default=0)


def short_of(there: Mapping[Sku, int], needs: Needs, units: int) -> set[Sku]:
    """The SKUs of which too little is there for so many units."""
    return {sku for sku, wanted in pieces(needs, units).items() if there.get(sku, 0) < wanted}


def component_shares(total: int, components: Sequence[Component]) -> list[int]:
    """What each component bears of a kit's `total`, in minor units, by its usual price; they add up to it exactly.

    Largest remainder, ties to the component that is named first. Components without any price: the first bears all.
    """
    return apportion(total, [each.price * each.quantity for each in components])
