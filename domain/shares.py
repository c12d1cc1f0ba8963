"""What each unit of an order is worth, to the minor unit, so that any split of it adds up to the whole."""

from domain.ids import LineId
from domain.money import apportion


class Shares:
    """The payable total of an order, spread over its lines and units.

    Shipping (and the difference of an order that did not add up and was released all the same) is spread over the
    lines in proportion to their totals, so that a line's payable amount is final once the order is placed.
    """

    def __init__(self, line_totals: dict[LineId, int], quantities: dict[LineId, int], payable: int):
        ids = list(line_totals)
        extra = apportion(payable - sum(line_totals.values()), [max(0, line_totals[line]) for line in ids])
        self._payable = {line: line_totals[line] + part for line, part in zip(ids, extra, strict=True)}
        self._quantities = quantities

    def payable(self, line: LineId) -> int:
        """The whole line, in minor units."""
        return self._payable[line]

    def of_units(self, line: LineId, settled_before: int, quantity: int) -> int:
        """The worth of the next `quantity` units after `settled_before` units were handed over, cancelled or lost.

        Cumulative floors: the parts of any sequence add up to the line's payable amount exactly.
        """
        whole, units = self._payable[line], self._quantities[line]
        return whole * (settled_before + quantity) // units - whole * settled_before // units
