"""What it costs that units go to another address: as the channel told the customer, or by the channel's rules.

Only units are touched that go there and have had no share of the money yet.
"""

from collections.abc import Iterable

from domain.amending import bear_shipping, shipping_borne, tax_units, totals_of
from domain.change_wishes import NewAddress, NewPrices
from domain.ids import LineId
from domain.order import Order


def price_address(order: Order, shipments: Iterable[int], address: NewAddress, prices: NewPrices | None) -> None:
    """Before the shipments, by their numbers, have the new address."""
    lines = going_to(order, shipments)
    if not lines:
        return
    for line, tax in (prices.tax if prices is not None else {}).items():
        if line in lines:  # else the same change takes all of it off
            tax_units(order, line, lines[line], tax)
    price = prices.shipping if prices is not None else None
    if price is None:
        price = _by_rule(order, shipments, address)
    if price is not None:
        bear_shipping(order, lines, price - max(0, shipping_borne(order, lines)))


def going_to(order: Order, shipments: Iterable[int]) -> dict[LineId, int]:
    """The units per line that go there and are to be paid: those that stand for lost ones are paid already."""
    lines: dict[LineId, int] = {}
    for n in shipments:
        group = order.group(n)
        if not group.paid:
            for line, units in group.owed_lines().items():
                lines[line] = lines.get(line, 0) + units
    return lines


def _by_rule(order: Order, shipments: Iterable[int], address: NewAddress) -> int | None:
    """The channel's price for another country, once for each service that goes there; none: it costs what it did."""
    country = address.destination.country
    moved = [order.shipment(n) for n in shipments]
    if all(group.destination.country == country for group in moved):
        return None
    services = {group.service for group in moved if not group.paid}
    known = order.terms.rules.shipping_to.get(country, {})
    if not services or not services <= known.keys():
        return None
    goods = totals_of(order).lines
    return sum(known[service].of(goods) for service in services)
