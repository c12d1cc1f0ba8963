"""The money of a return: what was paid for the units that came, what goes back for some, and from which tenders."""

from collections.abc import Iterable, Mapping, Sequence

from pydantic import BaseModel, ConfigDict

from domain.balances import BalanceKind, tender_of_hold
from domain.ids import LineId, OperationKey, OrderId, ReturnId, refund_number, return_of_key
from domain.intake import TenderType
from domain.ledger import OrderMoney
from domain.payments import AuthorisationId, OperationKind, TenderId
from domain.refunds import PaidLine, PaidTender, RefundPolicy, RefundRequest, RefundTarget, split_refund
from domain.returns.exchanging import is_credit
from domain.returns.returned import ReturnView
from domain.shares import Shares
from domain.views import LineView, OrderView


class Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


TILL = TenderId("till")
"""Money that was paid in a store: no provider knows it, and it goes back at the till."""


class Settled(Value):
    """A settlement of some units, by line, in minor units. Worked out once, under the order's lock, and kept."""

    n: int
    units: dict[LineId, int]
    goods: dict[LineId, int]
    shipping: dict[LineId, int] = {}
    fees: int = 0
    spent: int = 0
    """What `refund` is less by, since gift cards that came back had bought something."""
    goodwill: int = 0
    """What `refund` is less by, since goodwill for the order had given it back before."""
    refund: int

    def without_spent(self, spent: int) -> "Settled":
        off = min(spent, self.refund)
        return self.model_copy(update={"refund": self.refund - off, "spent": off}) if off else self

    def at_most(self, left: int) -> "Settled":
        """No more goes back than the order has left; what was goodwill is not paid a second time."""
        over = max(0, self.refund - max(0, left))
        return self.model_copy(update={"refund": self.refund - over, "goodwill": over}) if over else self


class Part(Value):
    """What one authorisation can still give back."""

    tender_id: TenderId
    authorisation_id: AuthorisationId
    available: int


class Begun(Value):
    """A refund that our ledger has under a return's name, and of which the return itself does not know (any more)."""

    key: OperationKey
    tender_id: TenderId
    authorisation_id: AuthorisationId
    amount: int
    to: RefundTarget = RefundTarget.ORIGINAL


class Tenders(Value):
    """The tenders of an order in their order of payment, and the authorisations behind them."""

    tenders: tuple[PaidTender, ...]
    parts: tuple[Part, ...]
    begun: tuple[Begun, ...] = ()
    """Of the return that asks, by number: a worker was lost before it could say that it had asked for them."""
    source: OrderId | None = None
    """The order that the tenders with exchange credit got it from."""

    def source_of(self, authorisation: str) -> OrderId | None:
        return self.source if is_credit(authorisation) else None

    def of(self, tender: TenderId, amount: int) -> list[tuple[AuthorisationId, int]]:
        """`amount` of a tender over its authorisations, the oldest first."""
        found = []
        for part in self.parts:
            if part.tender_id == tender and (taken := min(part.available, amount)):
                found.append((part.authorisation_id, taken))
                amount -= taken
        return found


def came(line: LineView, *, never_came: bool = False) -> int:
    """Units that the customer has or had; of a claim that nothing came, those that were sent."""
    return line.handed_over + line.delivered + (line.shipped if never_came else 0)


def paid_lines(order: OrderView, settled: Iterable[Settled]) -> list[PaidLine]:
    """The order's lines as far as they left for the customer, with what earlier settlements paid back of them."""
    lines = order.lines
    shares = Shares(
        {line.line_id: line.total for line in lines}, {line.line_id: line.ordered for line in lines}, order.total
    )
    before: dict[LineId, int] = {}
    shipping_back: dict[LineId, int] = {}
    for each in settled:
        for line_id, units in each.units.items():
            before[line_id] = before.get(line_id, 0) + units
        for line_id, amount in each.shipping.items():
            shipping_back[line_id] = shipping_back.get(line_id, 0) + amount
    found = []
    for line in lines:
        units = came(line, never_came=True)
        if not units:
            continue
        earned = line.earned if line.earned is not None else line.total * units // line.ordered
        payable = shares.payable(line.line_id)
        goods = min(earned, earned * line.total // payable) if payable > line.total else earned
        found.append(
            PaidLine(
                line_id=line.line_id,
                units=units,
                paid=goods,
                tax=line.tax * units // line.ordered,
                discount=line.discount * units // line.ordered,
                shipping=earned - goods,
                shipping_back=min(earned - goods, shipping_back.get(line.line_id, 0)),
                returned=min(units, before.get(line.line_id, 0)),
                unit_price=line.unit_price,
            )
        )
    return found


def goodwill_of(views: Iterable[ReturnView]) -> int:
    """What was given, or is asked for, as goodwill for an order."""
    return sum(view.goodwill.amount for view in views if view.goodwill is not None and view.counts_as_goodwill)


def left_of(
    order: OrderView, views: Sequence[ReturnView], known: Iterable[tuple[ReturnId, Settled]], carried: int = 0
) -> int:
    """What may still go back for units: what was taken, less what went back for the order itself, for other units and
    as goodwill.

    `carried`: what went back here for units of replacements. Their value was settled when they were exchanged.
    """
    by_order = order.payment.refunded - carried - sum(view.refunded for view in views)
    given = sum(view.refund for view in views if view.goodwill is not None)
    return order.payment.captured - max(0, by_order) - given - sum(settled.refund for _, settled in known)


def settle(
    n: int,
    lines: Sequence[PaidLine],
    units: Mapping[LineId, int],
    policies: Mapping[LineId, RefundPolicy],
    *,
    fee_charged_before: bool,
) -> Settled:
    """What goes back for `units`, each line under its own policy; the fee of a return is charged once.

    Raises `MoreThanReceived`.
    """
    goods: dict[LineId, int] = {}
    shipping: dict[LineId, int] = {}
    fees = refund = 0
    for policy in dict.fromkeys(policies[line_id] for line_id in units):
        wanted = {line_id: quantity for line_id, quantity in units.items() if policies[line_id] == policy}
        request = RefundRequest(lines=wanted, fee_charged_before=fee_charged_before or fees > 0)
        split = split_refund(lines, (), request, policy)
        fees += split.fees
        refund += split.refund
        goods |= {share.line_id: share.goods for share in split.by_line}
        shipping |= {share.line_id: share.shipping for share in split.by_line if share.shipping}
        lines = [
            line.model_copy(
                update={
                    "returned": line.returned + wanted.get(line.line_id, 0),
                    "shipping_back": line.shipping_back + shipping.get(line.line_id, 0),
                }
            )
            if line.line_id in wanted
            else line
            for line in lines
        ]
    return Settled(n=n, units=dict(units), goods=goods, shipping=shipping, fees=fees, refund=refund)


def begun_by(money: OrderMoney, return_id: ReturnId, known: int) -> tuple[Begun, ...]:
    """Refunds of a return beyond the first `known`: the same money is not spread a second time under their keys."""
    refunds = [
        Begun(key=each.key, tender_id=each.tender_id, authorisation_id=each.authorisation_id, amount=each.amount)
        for each in money.operations
        if each.kind is OperationKind.REFUND and each.authorisation_id is not None
    ]
    for redirect in money.redirected:
        to = RefundTarget.GIFT_CARD if redirect.target == BalanceKind.GIFT_CARD else RefundTarget.STORE_CREDIT
        about = {"tender_id": redirect.tender_id, "authorisation_id": redirect.authorisation_id}
        refunds.append(Begun(key=redirect.key, amount=redirect.amount, to=to, **about))
    found = [
        (number, each)
        for each in refunds
        if return_of_key(each.key) == return_id
        and (number := refund_number(each.key)) is not None
        and known < number < BY_HAND
    ]
    return tuple(each for _, each in sorted(found, key=lambda one: one[0]))


BY_HAND = 1000
"""From this number on, refunds under a return's name were made by somebody else than the return."""


def tenders_of(order: OrderView, money: OrderMoney, given_back: Mapping[str, int]) -> Tenders:
    """What each tender paid and can take back; what is disputed, or went back elsewhere, counts as gone.

    `given_back`: by returns so far, by tender. `order.payment.refunded` is all that went back, for the order itself and
    by returns.
    """
    credit = {each.tender_id for each in money.authorisations if is_credit(each.id)}
    disputed = [(each.tender_id, each.authorisation_id, each.amount) for each in money.disputes]
    disputed += [(each.tender_id, each.authorisation_id, each.amount) for each in money.redirected]
    types = {each.tender_id: kind for each in money.authorisations if (kind := tender_of_hold(each.id)) is not None}
    ledger_captured = sum(tender.captured for tender in money.tenders)
    ledger_refunded = sum(tender.refunded + tender.refunding for tender in money.tenders) + money.given_elsewhere
    tenders = [
        PaidTender(
            tender_id=tender.tender_id,
            type=TenderType.EXCHANGE_CREDIT
            if tender.tender_id in credit
            else types.get(tender.tender_id, TenderType.CARD),
            captured=tender.captured,
            refunded=min(
                tender.captured,
                tender.refunded + tender.refunding + sum(n for each, _, n in disputed if each == tender.tender_id),
            ),
        )
        for tender in money.tenders
    ]
    if (till := order.payment.captured - ledger_captured) > 0:
        by_returns = sum(given_back.values())
        by_order = order.payment.refunded - by_returns - (ledger_refunded - (by_returns - given_back.get(TILL, 0)))
        tenders.append(
            PaidTender(
                tender_id=TILL,
                type=TenderType.PAY_IN_STORE,
                captured=till,
                refunded=min(till, max(0, by_order) + given_back.get(TILL, 0)),
            )
        )
    parts = tuple(
        Part(
            tender_id=each.tender_id,
            authorisation_id=each.id,
            available=max(
                0, each.captured - each.refunded - each.refunding - sum(n for _, at, n in disputed if at == each.id)
            ),
        )
        for each in money.authorisations
    )
    source = order.exchange_of.order_id if order.exchange_of is not None else None
    return Tenders(tenders=tuple(tenders), parts=parts, source=source)
