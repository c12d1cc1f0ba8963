"""How the lines of a placed order change: units are added at their price or taken off, and bear other shipping.

What left keeps its worth: only units that have had no share of the money yet are touched, so captures still add up.
"""

from domain.change_wishes import NewLine
from domain.ids import LineId
from domain.money import apportion
from domain.open_changes import Totals
from domain.order import GivenUp, Order
from domain.shares import Tranche, Tranches
from domain.terms import LineTerms


def add_line(order: Order, new: NewLine, group: int) -> None:
    """A line at the price that the request names, which begins in `group`."""
    total = new.total(order.terms.prices_include_tax)
    order.amended[new.line_id] = LineTerms(
        line_id=new.line_id,
        sku=new.sku,
        quantity=new.quantity,
        unit_price=new.unit_price,
        discount=new.discount,
        tax=new.tax,
        total=total,
        group=group,
        kind=new.kind,
        components=new.components,
        substitution=new.substitution,
    )
    order.tranches[new.line_id] = [Tranche(units=new.quantity, goods=total)]


def raise_line(order: Order, line: LineTerms, units: int) -> None:
    """More units of a line, at its unit price and rate of tax. A discount was for what was ordered."""
    price = units * line.unit_price
    taxed = line.quantity * line.unit_price - line.discount
    tax = (2 * line.tax * price + taxed) // (2 * taxed) if taxed else 0
    goods = price + (0 if order.terms.prices_include_tax else tax)
    order.tranches[line.line_id] = [*_tranches(order, line.line_id).parts, Tranche(units=units, goods=goods)]
    order.amended[line.line_id] = line.model_copy(
        update={"quantity": line.quantity + units, "tax": line.tax + tax, "total": line.total + goods}
    )


def tax_units(order: Order, line: LineId, units: int, tax: int) -> None:
    """So much tax on the next `units` that have had no share of the money yet, instead of the line's own rate."""
    known = next(each for each in order.lines if each.line_id == line)
    more = tax - known.tax * units // known.quantity
    goods = 0 if order.terms.prices_include_tax else more
    settled, rest = _tranches(order, line).split(order.settled_in_turn(line))
    taxed, others = rest.split(units)
    order.tranches[line] = (settled + taxed.with_goods(goods) + others).parts
    order.amended[line] = known.model_copy(update={"tax": known.tax + more, "total": known.total + goods})


def cut_line(order: Order, line: LineId, units: int) -> int:
    """Units are taken off again, the last that were agreed upon first: settled, and given up. Returns their worth."""
    kept, off = without_last(order, line, units)
    worth = off.payable
    order.tranches[line] = kept.parts
    order.settled[line] = order.settled.get(line, 0) + units
    for book in (order.given_up, order.cut):
        before = book.get(line, GivenUp())
        book[line] = GivenUp(units=before.units + units, worth=before.worth + worth)
    return worth


def without_last(order: Order, line: LineId, units: int) -> tuple[Tranches, Tranches]:
    """The line without the last `units` that were agreed upon, and those.

    Units that have had their share of the money stay apart, as `bear_shipping` leaves them: split anew with fewer units
    behind them, they would be rounded anew and be worth another cent than what was earned or given up.
    """
    settled, rest = _tranches(order, line).split(order.settled_in_turn(line))
    kept, off = rest.split(rest.units - units)
    return settled + kept, off


def shipping_borne(order: Order, lines: dict[LineId, int]) -> int:
    """What the next units of these lines bear of the shipping."""
    return sum(_unsettled(order, line).split(units)[0].shipping for line, units in lines.items())


def bear_shipping(order: Order, lines: dict[LineId, int], more: int) -> None:
    """So much more shipping, spread over the lines' units that have had no share of the money yet.

    Less is taken off the lines that bear it, so that nothing is worth less than its goods.
    """
    borne = [max(0, shipping_borne(order, {line: units})) for line, units in lines.items()]
    parts = apportion(more, borne if more < 0 else list(lines.values()))
    for line, part in zip(lines, parts, strict=True):
        settled, rest = _tranches(order, line).split(order.settled_in_turn(line))
        order.tranches[line] = (settled + rest.with_shipping(part)).parts


def totals_of(order: Order) -> Totals:
    """What the customer has and has coming, to the cent; fees are apart from it."""
    total = shipping = tax = 0
    for line in order.lines:
        tranches = _tranches(order, line.line_id)
        given_up = order.given_up.get(line.line_id, GivenUp())
        cut = order.cut.get(line.line_id, GivenUp())
        kept = tranches.units - given_up.units + cut.units
        total += tranches.payable - given_up.worth + cut.worth
        shipping += tranches.shipping * kept // tranches.units if tranches.units else 0
        tax += line.tax * kept // line.quantity
    on_top = 0 if order.terms.prices_include_tax else tax
    return Totals(lines=total - shipping - on_top, shipping=shipping, tax=tax, total=total)


def _tranches(order: Order, line: LineId) -> Tranches:
    return order.shares.tranches(line)


def _unsettled(order: Order, line: LineId) -> Tranches:
    return _tranches(order, line).split(order.settled_in_turn(line))[1]
