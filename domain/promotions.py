"""Buy some, get some free: what the units that a customer keeps cost when others of the same offer go back."""

from collections.abc import Iterable
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt


class BuyGet(BaseModel):
    """Of every `buy` + `get` units the `get` cheapest are free; of fewer, as many as their proportion gives whole."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    promotion_id: Annotated[str, Field(min_length=1, max_length=64)]
    """Lines that name the same one share the offer."""
    buy: Annotated[int, Field(strict=True, ge=1, le=1000)]
    get: Annotated[int, Field(strict=True, ge=1, le=1000)]

    def free_units(self, units: int) -> int:
        """How many of `units` are free. One unit fewer makes at most one free unit fewer."""
        return units * self.get // (self.buy + self.get)

    def worth(self, kept: Iterable["Priced"]) -> int:
        """What these units cost under the offer, in minor units: all of them, less the cheapest free ones."""
        by_price = sorted(kept, key=lambda each: each.unit_price)
        free = self.free_units(sum(each.units for each in by_price))
        total = 0
        for each in by_price:
            given = min(free, each.units)
            free -= given
            total += (each.units - given) * each.unit_price
        return total


class Priced(BaseModel):
    """Some units at one price, before any discount."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    units: NonNegativeInt
    unit_price: NonNegativeInt


def paid_back(offer: BuyGet, bought: list[Priced], kept: list[Priced], paid: int) -> int:
    """How much of `paid` must have gone back in all, once only `kept` of what was `bought` is left with the customer.

    Who keeps units keeps paying for them what they cost under the offer, in proportion to what was really paid: nothing
    goes back while everything is kept, all of it when nothing is, and never less for one unit more that goes back.
    """
    whole = offer.worth(bought)
    if not whole:
        return 0 if any(each.units for each in kept) else paid
    return paid - paid * offer.worth(kept) // whole
