"""What a seller lets customers change of a placed order: until when, and what shipping costs them then."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, NonNegativeInt

from domain.intake import Service
from domain.units import UnitState


class EditKind(StrEnum):
    """The kinds of a change."""

    LINES = "lines"
    """Units taken off; units added go in as long as the order is open."""
    ADDRESS = "address"
    METHOD = "method"
    """The way to the customer: pickup or shipping, the store, the service."""


class Until(StrEnum):
    """Until when a unit may be changed."""

    NEVER = "never"
    PICKED = "picked"
    """Somebody took it off the shelf for this order."""
    LEFT = "left"
    """It was handed over, or its label was bought, which happens as it leaves."""

    @property
    def states(self) -> tuple[UnitState, ...]:
        """The states of units that may be changed; those on the shelf first."""
        return _STATES[self]


_SHELF = (UnitState.OPEN, UnitState.ALLOCATED)
_STATES = {
    Until.NEVER: (),
    Until.PICKED: _SHELF,
    Until.LEFT: (*_SHELF, UnitState.PICKED, UnitState.READY),
}


class ServicePrice(BaseModel):
    """Minor units of the order's currency."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    price: NonNegativeInt
    free_from: NonNegativeInt | None = None
    """Orders whose goods are worth so much ship free."""

    def of(self, goods: int) -> int:
        return 0 if self.free_from is not None and goods >= self.free_from else self.price


class ChangePolicy(BaseModel):
    """Fixed for an order when it is placed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    until: dict[EditKind, Until] = {
        EditKind.LINES: Until.PICKED,
        EditKind.ADDRESS: Until.LEFT,
        EditKind.METHOD: Until.PICKED,
    }
    shipping: dict[Service, ServicePrice] = {
        Service.ECONOMY: ServicePrice(price=299, free_from=2900),
        Service.STANDARD: ServicePrice(price=499, free_from=4900),
        Service.EXPRESS: ServicePrice(price=990),
    }
    """What shipping costs who changes to it; what an order was placed with, its channel has priced."""
    charges_after_rejection: bool = False
    """Whether goods that a store could not give out are shipped at the customer's cost."""

    def shipping_price(self, service: Service, goods: int) -> int:
        return self.shipping[service].of(goods)
