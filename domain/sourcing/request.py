"""What is to be sourced: the open lines of an order, where they go, and what the customer and the seller allow."""

from typing import Annotated, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from domain.actors import Channel
from domain.ids import LineId, OrderId, Sku, StoreId
from domain.intake import COUNTRY, Amount, Quantity, Service, misplaced


class Fixed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Destination(Fixed):
    """Where the postal code is, and no finer: decisions are kept, and their distances would give an address away."""

    latitude: Annotated[float, Field(ge=-90, le=90)]
    longitude: Annotated[float, Field(ge=-180, le=180)]
    country: Annotated[str, Field(pattern=COUNTRY)]


class SourcingLine(Fixed):
    """The open units of one line."""

    line_id: LineId
    sku: Sku
    quantity: Quantity
    value: Amount = 0
    """Of all these units together, minor units."""
    components: dict[Sku, Quantity] = {}
    """What one unit of a kit is made of. A kit is sourced by component; its own SKU is stocked nowhere."""
    together: str | None = None
    """Lines with the same name here leave from one place, or not at all."""
    quantity_split: bool = False
    """Its units may come from several places, where the rule allows it too."""

    def needs(self) -> dict[Sku, int]:
        """Units by the SKU that is really picked."""
        if not self.components:
            return {self.sku: self.quantity}
        return {sku: each * self.quantity for sku, each in sorted(self.components.items())}


class SourcingRequest(Fixed):
    order_id: OrderId
    lines: Annotated[tuple[SourcingLine, ...], Field(min_length=1)]
    destination: Destination
    service: Service = Service.STANDARD
    channel: Channel
    allow_split: bool = True
    """The lines may leave from several places, or some now and some later."""
    keep_together: bool = False
    """The seller's word for the same: all lines are one keep-together group."""
    exclude: tuple[StoreId, ...] = ()
    """Places that may not serve this order, by the customer's or the channel's wish."""
    declined: tuple[StoreId, ...] = ()
    """Places that declined these lines, or let them lie; they are never asked again."""
    hops: int = 0
    """How often these lines were taken back from a place."""
    promise: AwareDatetime | None = None
    """By when the goods should leave, as first promised: re-sourcing never moves it."""
    pinned: dict[LineId, StoreId] = {}
    """A person's assignment. It overrides every rule, but not what is in stock."""

    @property
    def one_parcel(self) -> bool:
        return self.keep_together or not self.allow_split

    @property
    def value(self) -> int:
        return sum(line.value for line in self.lines)

    @model_validator(mode="after")
    def _lines_are_told_apart(self) -> Self:
        seen: set[LineId] = set()
        for index, line in enumerate(self.lines):
            if line.line_id in seen:
                raise misplaced(("lines", index, "line_id"), f"line {line.line_id} is there twice")
            seen.add(line.line_id)
        for line_id in self.pinned:
            if line_id not in seen:
                raise misplaced(("pinned", line_id), f"no line {line_id} is to be sourced")
        for name, members in self.bundles().items():
            places = {self.pinned[line.line_id] for line in members if line.line_id in self.pinned}
            if len(places) > 1:
                raise misplaced(
                    ("pinned",), f"lines kept together ({name}) are assigned to {' and '.join(sorted(places))}"
                )
        return self

    def bundles(self) -> dict[str, list[SourcingLine]]:
        """The lines by what must stay together, in the order's own order; a line alone is a bundle of its own."""
        bundles: dict[str, list[SourcingLine]] = {}
        for line in self.lines:
            name = "order" if self.one_parcel else f"group {line.together}" if line.together else f"line {line.line_id}"
            bundles.setdefault(name, []).append(line)
        return bundles
