"""What a refund comes to, to the minor unit: by line and unit, then over the tenders that paid.

Whatever was split before, the parts of any sequence of refunds add up to what was paid: shares are differences of
cumulative floors, so the odd units of a division are given once and nobody else's share ever changes.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt

from domain.ids import LineId
from domain.intake import TenderType
from domain.money import apportion
from domain.payments import TenderId
from domain.promotions import BuyGet, Priced, paid_back
from domain.tender_use import TenderRule

Percent = Annotated[int, Field(strict=True, ge=0, le=100)]


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ShippingRule(StrEnum):
    NEVER = "never"
    PRO_RATA = "pro_rata"
    """Each unit's own share, with the unit."""
    WHEN_ALL = "when_all"
    """With the last unit of the order that goes back."""


class Clawback(StrEnum):
    """What becomes of a buy-some-get-some discount when some of the units go back."""

    KEEP = "keep"
    """Each unit takes its own share of the discount with it; who keeps the others keeps theirs."""
    DEDUCT = "deduct"
    """The kept units are paid as the offer has them; only what is left goes back."""


class RefundTarget(StrEnum):
    ORIGINAL = "original"
    STORE_CREDIT = "store_credit"
    GIFT_CARD = "gift_card"


class PaidLine(_Value):
    """A line as the customer has or had it: the units that came, and what was paid for them, in minor units."""

    line_id: LineId
    units: PositiveInt
    """That came to the customer, given back or not."""
    paid: NonNegativeInt
    """For these units: their price less their discount, with tax, without shipping."""
    tax: NonNegativeInt = 0
    """In `paid`."""
    discount: NonNegativeInt = 0
    """That `paid` is less by."""
    shipping: NonNegativeInt = 0
    """Their share of what shipping cost."""
    shipping_back: NonNegativeInt = 0
    """Of `shipping`, what has gone back before."""
    returned: NonNegativeInt = 0
    """Units for which the money has gone back before."""
    unit_price: NonNegativeInt = 0
    offer: BuyGet | None = None

    @property
    def left(self) -> int:
        return self.units - self.returned


class PaidTender(_Value):
    """One means of payment: what was taken from it and what has gone back or is on its way."""

    tender_id: TenderId
    type: TenderType
    captured: NonNegativeInt
    refunded: NonNegativeInt = 0
    blocked: bool = False
    """Its money is disputed at the provider: nothing more goes back to it."""

    @property
    def available(self) -> int:
        return 0 if self.blocked else max(0, self.captured - self.refunded)


class RefundPolicy(_Value):
    """How a refund is worked out."""

    tenders: TenderRule = TenderRule.LAST
    shipping: ShippingRule = ShippingRule.NEVER
    clawback: Clawback = Clawback.DEDUCT
    fee: NonNegativeInt = 0
    """A return costs the customer so much, in minor units; never more than the goods bring."""
    restocking_percent: Percent = 0
    """Of what goes back for the goods, rounded down."""


class RefundRequest(_Value):
    """What goes back now."""

    lines: Mapping[LineId, NonNegativeInt]
    """Units by line."""
    without_fee: bool = False
    """The seller's fault, say."""
    fee_charged_before: bool = False
    """An earlier part of the same return has borne its fee."""
    to: RefundTarget = RefundTarget.ORIGINAL


class LineShare(_Value):
    """What goes back for some units of a line."""

    line_id: LineId
    units: int
    goods: int
    """Without shipping; what the customer keeps paying for kept units of an offer is taken off."""
    tax: int
    """In `goods`."""
    discount: int
    """The units' own share of the discount."""
    shipping: int
    clawed_back: int = 0
    """How much less `goods` is than the units' own share, since the offer is broken."""


class TenderShare(_Value):
    tender_id: TenderId
    type: TenderType
    amount: int


class RefundSplit(_Value):
    """`refund` = goods + shipping - fees = the tenders' shares + `uncovered`."""

    by_line: tuple[LineShare, ...]
    by_tender: tuple[TenderShare, ...]
    to: RefundTarget
    fees: int
    refund: int
    uncovered: int = 0
    """What no tender can take back: more has gone back or is disputed than the goods leave room for."""


class MoreThanReceived(ValueError):
    """A refund for units that never came, or for units whose money went back before."""


def split_refund(
    lines: Sequence[PaidLine], tenders: Sequence[PaidTender], request: RefundRequest, policy: RefundPolicy
) -> RefundSplit:
    """What goes back for the units of `request`, line by line, and over the tenders in their order of payment.

    `lines`: all of the order that came. Raises `MoreThanReceived`. Fees are never more than the goods bring; a tender
    never takes back more than it paid.
    """
    by_id = {line.line_id: line for line in lines}
    wanted = {line: units for line, units in request.lines.items() if units}
    for line_id, units in wanted.items():
        if line_id not in by_id or units > by_id[line_id].left:
            raise MoreThanReceived(f"{units} units of line {line_id} cannot be paid back")
    shipping = _shipping(lines, wanted, policy.shipping)
    clawed_back = _clawed_back(lines, wanted, policy.clawback)
    shares = tuple(
        _line_share(by_id[line_id], units, shipping.get(line_id, 0), clawed_back.get(line_id, 0))
        for line_id, units in wanted.items()
    )
    goods = sum(share.goods for share in shares)
    fees = 0 if request.without_fee else _fees(goods, policy, charged=request.fee_charged_before)
    refund = goods - fees + sum(share.shipping for share in shares)
    by_tender = split_over_tenders(refund, tenders, policy.tenders)
    return RefundSplit(
        by_line=shares,
        by_tender=by_tender,
        to=request.to,
        fees=fees,
        refund=refund,
        uncovered=refund - sum(share.amount for share in by_tender),
    )


def split_over_tenders(amount: int, tenders: Sequence[PaidTender], rule: TenderRule) -> tuple[TenderShare, ...]:
    """`amount` over the tenders, each within what it can still take back; less than `amount` when all are full."""
    if rule is TenderRule.PRO_RATA:
        parts = _pro_rata(amount, tenders)
    else:
        parts = dict.fromkeys((tender.tender_id for tender in tenders), 0)
        for tender in tenders if rule is TenderRule.FIRST else reversed(tenders):
            parts[tender.tender_id] = min(tender.available, amount)
            amount -= parts[tender.tender_id]
    return tuple(
        TenderShare(tender_id=tender.tender_id, type=tender.type, amount=parts[tender.tender_id])
        for tender in tenders
        if parts[tender.tender_id]
    )


def _line_share(line: PaidLine, units: int, shipping: int, clawed_back: int) -> LineShare:
    own = _share(line.paid, line, units)
    goods = own - clawed_back
    tax = _share(line.tax, line, units)
    return LineShare(
        line_id=line.line_id,
        units=units,
        goods=goods,
        # Less money goes back than the units had cost, and as much less of its tax.
        tax=tax * goods // own if own and clawed_back > 0 else tax,
        discount=_share(line.discount, line, units),
        shipping=shipping,
        clawed_back=clawed_back,
    )


def _share(whole: int, line: PaidLine, units: int) -> int:
    """The part of `whole` that the next `units` bear after those that went back before."""
    return whole * (line.returned + units) // line.units - whole * line.returned // line.units


def _shipping(lines: Iterable[PaidLine], wanted: Mapping[LineId, int], rule: ShippingRule) -> dict[LineId, int]:
    by_id = {line.line_id: line for line in lines}
    match rule:
        case ShippingRule.NEVER:
            return {}
        case ShippingRule.PRO_RATA:
            shares = {each: _share(by_id[each].shipping, by_id[each], units) for each, units in wanted.items()}
            return {each: min(part, by_id[each].shipping - by_id[each].shipping_back) for each, part in shares.items()}
        case ShippingRule.WHEN_ALL:
            if not wanted or any(line.left > wanted.get(line.line_id, 0) for line in by_id.values()):
                return {}
            # The shares of lines that went back earlier come with the last one.
            with_this = {each: by_id[each].shipping - by_id[each].shipping_back for each in wanted}
            everything = sum(line.shipping - line.shipping_back for line in by_id.values())
            last = next(reversed(with_this))
            with_this[last] += everything - sum(with_this.values())
            return with_this


def _clawed_back(lines: Sequence[PaidLine], wanted: Mapping[LineId, int], rule: Clawback) -> dict[LineId, int]:
    """By line, how much less than the units' own shares goes back; below zero where an earlier cut is made good."""
    if rule is Clawback.KEEP:
        return {}
    offers: dict[str, list[PaidLine]] = {}
    for line in lines:
        if line.offer is not None:
            offers.setdefault(line.offer.promotion_id, []).append(line)
    found: dict[LineId, int] = {}
    for members in offers.values():
        own = {line.line_id: _share(line.paid, line, wanted.get(line.line_id, 0)) for line in members}
        going = [line.line_id for line in members if wanted.get(line.line_id)]
        if not going:
            continue
        due = _due_back(members, wanted) - _due_back(members, {})
        weights = [own[line_id] for line_id in going]
        for line_id, part in zip(going, apportion(due, weights), strict=True):
            found[line_id] = own[line_id] - part
    return found


def _due_back(members: Sequence[PaidLine], wanted: Mapping[LineId, int]) -> int:
    offer = members[0].offer
    assert offer is not None
    bought = [Priced(units=line.units, unit_price=line.unit_price) for line in members]
    kept = [
        Priced(units=line.left - wanted.get(line.line_id, 0), unit_price=line.unit_price)
        for line in members
    ]  # fmt: skip
    return paid_back(offer, bought, kept, sum(line.paid for line in members))


def _fees(goods: int, policy: RefundPolicy, *, charged: bool) -> int:
    fee = 0 if charged else policy.fee
    return min(goods, fee + goods * policy.restocking_percent // 100)


def _pro_rata(amount: int, tenders: Sequence[PaidTender]) -> dict[TenderId, int]:
    """In proportion to what each paid; what one cannot take any more the others take."""
    parts = dict.fromkeys((tender.tender_id for tender in tenders), 0)
    left = min(amount, sum(tender.available for tender in tenders))
    while left:
        open_ones = [tender for tender in tenders if tender.available > parts[tender.tender_id]]
        for tender, part in zip(open_ones, apportion(left, [each.captured for each in open_ones]), strict=True):
            taken = min(part, tender.available - parts[tender.tender_id])
            parts[tender.tender_id] += taken
            left -= taken
    return parts
