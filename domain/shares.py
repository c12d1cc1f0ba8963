"""What each unit of an order is worth, to the minor unit, so that any split of it adds up to the whole."""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, NonNegativeInt

from domain.ids import LineId
from domain.money import apportion


class Tranche(BaseModel):
    """Units of a line that were agreed upon together, in minor units for all of them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    units: NonNegativeInt
    goods: int
    shipping: int = 0
    """Their part of the shipping, and of the difference of an order that did not add up."""

    @property
    def payable(self) -> int:
        return self.goods + self.shipping

    def first(self, units: int) -> "Tranche":
        """The first `units` of it; what is left is worth the rest to the cent."""
        if not self.units:
            return self
        goods, payable = self.goods * units // self.units, self.payable * units // self.units
        return Tranche(units=units, goods=goods, shipping=payable - goods)


class Tranches:
    """A line's units in the order in which they were agreed upon. Each change gives another one."""

    def __init__(self, parts: list[Tranche]):
        self.parts = parts

    @property
    def units(self) -> int:
        return sum(part.units for part in self.parts)

    @property
    def goods(self) -> int:
        return sum(part.goods for part in self.parts)

    @property
    def shipping(self) -> int:
        return sum(part.shipping for part in self.parts)

    @property
    def payable(self) -> int:
        return self.goods + self.shipping

    def split(self, units: int) -> tuple["Tranches", "Tranches"]:
        """The first `units`, and the rest. Together they are worth what they were."""
        first, rest = [], []
        for part in self.parts:
            taken = min(units, part.units)
            units -= taken
            if taken == part.units:
                first.append(part)
            elif not taken:
                rest.append(part)
            else:
                piece = part.first(taken)
                first.append(piece)
                rest.append(
                    Tranche(
                        units=part.units - taken,
                        goods=part.goods - piece.goods,
                        shipping=part.shipping - piece.shipping,
                    )
                )
        return Tranches(first), Tranches(rest)

    def with_shipping(self, amount: int) -> "Tranches":
        """The same units, that bear so much more shipping together; less is taken off those that bear it."""
        more = apportion(amount, [max(0, part.shipping) if amount < 0 else part.units for part in self.parts])
        return Tranches(
            [
                part.model_copy(update={"shipping": part.shipping + each})
                for part, each in zip(self.parts, more, strict=True)
            ]
        )

    def with_goods(self, amount: int) -> "Tranches":
        """The same units, whose goods cost so much more together."""
        more = apportion(amount, [part.units for part in self.parts])
        return Tranches(
            [part.model_copy(update={"goods": part.goods + each}) for part, each in zip(self.parts, more, strict=True)]
        )

    def __add__(self, other: "Tranches") -> "Tranches":
        return Tranches([*self.parts, *other.parts])


class Shares:
    """The payable total of an order, spread over its lines and units.

    Shipping (and the difference of an order that did not add up and was released all the same) is spread over the
    lines in proportion to their totals, so that a line's payable amount is final once the order is placed. Lines that
    were changed since are what their tranches say.
    """

    def __init__(
        self,
        line_totals: dict[LineId, int],
        quantities: dict[LineId, int],
        payable: int,
        changed: Mapping[LineId, list[Tranche]] | None = None,
    ):
        ids = list(line_totals)
        extra = apportion(payable - sum(line_totals.values()), [max(0, line_totals[line]) for line in ids])
        self._goods = line_totals
        self._payable = {line: line_totals[line] + part for line, part in zip(ids, extra, strict=True)}
        self._quantities = quantities
        self._changed = changed or {}

    def payable(self, line: LineId) -> int:
        """The whole line, in minor units."""
        return self.tranches(line).payable if line in self._changed else self._payable[line]

    def tranches(self, line: LineId) -> Tranches:
        if line in self._changed:
            return Tranches(self._changed[line])
        goods = self._goods[line]
        return Tranches([Tranche(units=self._quantities[line], goods=goods, shipping=self._payable[line] - goods)])

    def of_units(self, line: LineId, settled_before: int, quantity: int) -> int:
        """The worth of the next `quantity` units after `settled_before` units were handed over, cancelled or lost.

        Cumulative floors: the parts of any sequence add up to the line's payable amount exactly.
        """
        if line in self._changed:
            upto = self.tranches(line).split(settled_before + quantity)[0].payable
            return upto - self.tranches(line).split(settled_before)[0].payable
        whole, units = self._payable[line], self._quantities[line]
        return whole * (settled_before + quantity) // units - whole * settled_before // units
