"""What a caller wants changed of a placed order. Free of personal data: an address is in the vault under a number."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, NonNegativeInt, PositiveInt

from domain.destinations import Destination
from domain.ids import LineId, Sku, StoreId
from domain.intake import LineKind, Method, PickupMode, Relation, Service
from domain.kits import Component, needs_of
from domain.substitution_rules import Substitution


class Wished(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class NewLine(Wished):
    """A line to be added, at the price that the channel has told the customer: it is kept as evidence."""

    line_id: LineId
    sku: Sku
    quantity: PositiveInt
    unit_price: NonNegativeInt
    discount: NonNegativeInt = 0
    tax: NonNegativeInt = 0
    fulfilment: str
    """The order's fulfilment that it goes with."""
    kind: LineKind = LineKind.GOODS
    components: list[Component] = []
    """What one unit is made of, when it is a kit."""
    substitution: Substitution | None = None

    @property
    def needs(self) -> dict[Sku, int]:
        return needs_of(self.sku, self.components)

    def total(self, prices_include_tax: bool) -> int:
        return self.quantity * self.unit_price - self.discount + (0 if prices_include_tax else self.tax)


class NewAddress(Wished):
    """Where shipments are to go. `origin` is the number under which the vault keeps the address."""

    destination: Destination
    origin: int


class NewPrices(Wished):
    """What it costs at the new address, as the channel has told the customer: kept as evidence. Minor units."""

    shipping: NonNegativeInt | None = None
    """For all that goes there; none: by the channel's rules."""
    tax: dict[LineId, NonNegativeInt] = {}
    """On the units of a line that go there; a line that is not named is taxed as it was."""


class Way(Wished):
    """How units are to reach the customer."""

    method: Method
    store_id: StoreId | None = None
    mode: PickupMode = PickupMode.COUNTER
    requested_at: datetime | None = None
    proxy: Relation | None = None
    service: Service = Service.STANDARD
    address: NewAddress | None = None
    """None: where the order's shipments go already."""
    allow_split: bool = True
    keep_together: bool = False
    exclude: list[StoreId] = []


class NewWay(Wished):
    """Another way for all that is owed of some lines. `n`: only of that group."""

    lines: list[LineId]
    way: Way
    n: int | None = None


class ChangeWish(Wished):
    """All of it, or nothing."""

    add: list[NewLine] = []
    remove: list[LineId] = []
    quantity: dict[LineId, NonNegativeInt] = {}
    """How many units of a line the customer wants to have in all."""
    address: NewAddress | None = None
    prices: NewPrices | None = None
    """Goes with an address."""
    method: NewWay | None = None
    contact: int | None = None
    """The number under which the vault keeps the customer's new mail address and phone number."""

    @property
    def empty(self) -> bool:
        parts = (self.add, self.remove, self.quantity, self.address, self.method)
        return not any(parts) and self.contact is None
