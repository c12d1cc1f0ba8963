"""Another article instead of one that the store does not find: only as the customer allows, and never dearer.

The substitute is a line of its own, at the lower of the two prices. What it replaces is taken off the order, so that
money, stock and returns know each article by its own line.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from domain.amending import add_line, cut_line, totals_of, without_last
from domain.change_wishes import NewLine
from domain.ids import LineId, Sku
from domain.kits import Component
from domain.open_changes import Totals
from domain.order import Order
from domain.pickups import Proposal
from domain.refusals import Refusal, RefusalKind, Refused
from domain.shares import Tranche
from domain.substitution_rules import Substitution, SubstitutionRule
from domain.terms import LineTerms


class Substitute(BaseModel):
    """What a store has found instead. `category`, `instead_of`: of it, and of what it stands for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    line_id: LineId
    sku: Sku
    quantity: Annotated[int, Field(ge=1)]
    unit_price: Annotated[int, Field(ge=0)]
    """Its usual price, in minor units."""
    components: list[Component] = []
    category: str | None = None
    instead_of: str | None = None


class Consent(StrEnum):
    GIVEN = "given"
    """The rule allows it: nobody is asked."""
    ASKED = "asked"


class Swapped(BaseModel):
    """A substitute that is in the order, and what it made of its money."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    line_id: LineId
    worth: int
    saved: int
    """What the customer pays less, in minor units."""
    before: Totals
    after: Totals


def consent_to(line: LineTerms, found: Substitute) -> Consent:
    """Whether the customer is asked. Raises `Refused` for what the customer's rule leaves out."""
    wish = line.substitution or Substitution()
    match wish.rule:
        case SubstitutionRule.NONE:
            raise _refused(f"The customer wants no substitute for line {line.line_id}.")
        case SubstitutionRule.ASK:
            return Consent.ASKED
        case SubstitutionRule.LIST:
            if found.sku not in wish.skus:
                allowed = ", ".join(wish.skus)
                raise _refused(f"The customer takes only these instead of line {line.line_id}: {allowed}.")
        case SubstitutionRule.CATEGORY:
            if found.category is None or found.category != found.instead_of:
                raise _refused(f"The customer takes only articles of the same category instead of line {line.line_id}.")
    most = wish.up_to if wish.up_to is not None else None
    if wish.rule is SubstitutionRule.CATEGORY and most is None:
        most = line.unit_price
    if most is not None and found.unit_price > most:
        raise _refused(f"The customer allows a substitute for line {line.line_id} up to {most} minor units a unit.")
    return Consent.GIVEN


def proposal_of(order: Order, found: Substitute) -> Proposal:
    """What the customer is asked, with the price that would be paid."""
    return Proposal(
        line_id=found.line_id,
        sku=found.sku,
        quantity=found.quantity,
        unit_price=found.unit_price,
        components=found.components,
        worth=_price(order, found.line_id, found.quantity, found.unit_price).payable,
    )


def swap(order: Order, group: int, found: Proposal, quantity: int) -> Swapped:
    """Take the last `quantity` units of a line off the order and add the substitute for them.

    The units themselves are moved by the caller.
    """
    before = totals_of(order)
    price = _price(order, found.line_id, quantity, found.unit_price)
    line = next(each for each in order.lines if each.line_id == found.line_id)
    worth_before = cut_line(order, found.line_id, quantity)
    new = _line_id(order, found.line_id)
    inclusive = order.terms.prices_include_tax
    tax = _tax(line, price.goods, inclusive)
    gross = price.goods - (0 if inclusive else tax)
    whole = quantity * found.unit_price
    add_line(
        order,
        NewLine(
            line_id=new,
            sku=found.sku,
            quantity=quantity,
            unit_price=found.unit_price,
            discount=max(0, whole - gross),
            tax=tax,
            fulfilment="",
            components=found.components,
        ),
        group,
    )
    order.tranches[new] = [price]
    return Swapped(
        line_id=new,
        worth=price.payable,
        saved=worth_before - price.payable,
        before=before,
        after=totals_of(order),
    )


def _price(order: Order, line_id: LineId, quantity: int, unit_price: int) -> Tranche:
    """The lower of what the units cost and what the substitute costs; the shipping that they bear stays as it is."""
    _, off = without_last(order, line_id, quantity)
    line = next(each for each in order.lines if each.line_id == line_id)
    asked = quantity * unit_price
    if not order.terms.prices_include_tax:
        taxed = line.quantity * line.unit_price - line.discount
        asked += (2 * line.tax * asked + taxed) // (2 * taxed) if taxed else 0
    return Tranche(units=quantity, goods=min(off.goods, asked), shipping=off.shipping)


def _tax(line: LineTerms, goods: int, inclusive: bool) -> int:
    """At the rate of the line that it stands for."""
    paid = line.quantity * line.unit_price - line.discount + (0 if inclusive else line.tax)
    return (2 * line.tax * goods + paid) // (2 * paid) if paid else 0


def _line_id(order: Order, instead_of: LineId) -> LineId:
    known = {line.line_id for line in order.lines}
    number = 1
    while (name := LineId(f"{instead_of}-s{number}")) in known:
        number += 1
    return name


def _refused(detail: str) -> Refused:
    return Refused(Refusal(kind=RefusalKind.CONSENT_NEEDED, detail=f"{detail} Pick without it."))
