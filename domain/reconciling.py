"""Orders, ledger, provider and stock against each other: each difference named, explained, with its remedy."""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from domain.ids import LineId, OrderId, Sku, StoreId
from domain.ledger import OrderMoney, check_order
from domain.payments import Authorisation, AuthorisationId, OperationStatus
from domain.timeline import Event, TimelineEntry
from domain.views import LineView, OrderView


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DifferenceKind(StrEnum):
    PROVIDER = "provider"
    """Our ledger and the provider's tell different amounts of an authorisation."""
    UNKNOWN_AT_PROVIDER = "unknown_at_provider"
    RECORD = "record"
    """The order shows other money than our ledger has."""
    RULE = "rule"
    """The ledger breaks a rule of its own."""
    UNITS = "units"
    """More units came back than went out."""
    STOCK = "stock"
    """A level is not the sum of its movements."""


class Cause(StrEnum):
    """What most likely happened."""

    MOVED_AT_PROVIDER = "moved_at_provider"
    """Somebody moved money there without us, or its event has not reached us."""
    NOT_AT_PROVIDER = "not_at_provider"
    """We have booked what the provider does not have."""
    RECORD_IS_BEHIND = "record_is_behind"
    BOOKED_WRONG = "booked_wrong"
    CHANGED_BY_HAND = "changed_by_hand"


class Remedy(StrEnum):
    """The compensation that makes it right, to the unit; nothing is done before somebody approves it."""

    TAKE_OVER = "take_over"
    """Enter in our ledger what the provider did."""
    ASK_PROVIDER = "ask_provider"
    RECORD_AGAIN = "record_again"
    CORRECT_ENTRY = "correct_entry"
    COUNT = "count"
    """Count the shelf; the count becomes the level."""
    LOOK = "look"


class Difference(_Value):
    kind: DifferenceKind
    subject: str
    """An authorisation, an order, a line, a level (`SKU at STORE`)."""
    order_id: OrderId | None = None
    what: str
    """The amount that differs: `captured`, `refunded`, `on_hand` …, or the rule's name."""
    ours: int
    theirs: int
    """The provider's, or what it should be."""
    cause: Cause
    remedy: Remedy
    amount: int
    """Minor units or units that the remedy moves."""


def order_differences(
    order: OrderView,
    money: OrderMoney,
    provider: Mapping[AuthorisationId, Authorisation | None],
    claimed: Mapping[LineId, int],
    events: Iterable[TimelineEntry],
) -> list[Difference]:
    """Everything about one order that does not agree.

    `provider`: its present state of each authorisation, none where it knows no such one. Authorisations with an
    operation under way are left out, and so is the record of an order that still goes on.
    """
    found = [
        *_at_provider(order.order_id, money, provider),
        *_rules(order.order_id, money),
        *_units(order.order_id, order.lines, claimed),
    ]
    if order.status.value in ("completed", "cancelled"):
        found += _record(order, money, events)
    return found


def level_difference(sku: Sku, store: StoreId, what: str, level: int, movements: int) -> Difference:
    return Difference(
        kind=DifferenceKind.STOCK,
        subject=f"{sku} at {store}",
        what=what,
        ours=level,
        theirs=movements,
        cause=Cause.CHANGED_BY_HAND,
        remedy=Remedy.COUNT,
        amount=abs(level - movements),
    )


def _at_provider(
    order_id: OrderId, money: OrderMoney, provider: Mapping[AuthorisationId, Authorisation | None]
) -> Iterable[Difference]:
    under_way = {each.authorisation_id for each in money.operations if each.status is OperationStatus.PENDING}
    for ours in money.authorisations:
        if ours.id in under_way or ours.id not in provider:
            continue
        theirs = provider[ours.id]
        if theirs is None:
            yield Difference(
                kind=DifferenceKind.UNKNOWN_AT_PROVIDER,
                subject=ours.id,
                order_id=order_id,
                what="authorised",
                ours=ours.authorised,
                theirs=0,
                cause=Cause.NOT_AT_PROVIDER,
                remedy=Remedy.ASK_PROVIDER,
                amount=ours.authorised,
            )
            continue
        for what in ("captured", "voided", "refunded"):
            mine, its = getattr(ours, what), getattr(theirs, what)
            if mine != its:
                ahead = its > mine
                yield Difference(
                    kind=DifferenceKind.PROVIDER,
                    subject=ours.id,
                    order_id=order_id,
                    what=what,
                    ours=mine,
                    theirs=its,
                    cause=Cause.MOVED_AT_PROVIDER if ahead else Cause.NOT_AT_PROVIDER,
                    remedy=Remedy.TAKE_OVER if ahead else Remedy.ASK_PROVIDER,
                    amount=abs(its - mine),
                )


def _rules(order_id: OrderId, money: OrderMoney) -> Iterable[Difference]:
    for violation in check_order(money):
        yield Difference(
            kind=DifferenceKind.RULE,
            subject=violation.subject,
            order_id=order_id,
            what=violation.rule.value,
            ours=violation.left,
            theirs=violation.right,
            cause=Cause.BOOKED_WRONG,
            remedy=Remedy.CORRECT_ENTRY,
            amount=abs(violation.left - violation.right),
        )


def _units(order_id: OrderId, lines: Sequence[LineView], claimed: Mapping[LineId, int]) -> Iterable[Difference]:
    for line in lines:
        came = line.handed_over + line.delivered + line.shipped
        for what, units in (("returning", claimed.get(line.line_id, 0)), ("returned", line.returned)):
            if units > came:
                yield Difference(
                    kind=DifferenceKind.UNITS,
                    subject=f"line {line.line_id}",
                    order_id=order_id,
                    what=what,
                    ours=units,
                    theirs=came,
                    cause=Cause.BOOKED_WRONG,
                    remedy=Remedy.LOOK,
                    amount=units - came,
                )


def _record(order: OrderView, money: OrderMoney, events: Iterable[TimelineEntry]) -> Iterable[Difference]:
    """What the order shows is what the ledger has, and what was paid at a till or back there."""
    till = till_back = 0
    for entry in events:
        amount = getattr(entry.data, "amount", 0)
        till += amount if entry.event is Event.PAID_IN_STORE else 0
        if entry.event in (Event.PAYMENT_REFUNDED, Event.RETURN_REFUNDED) and entry.reason == "at the till":
            till_back += amount
    refunding = sum(tender.refunding for tender in money.tenders)
    for what, shown, booked in (
        ("captured", order.payment.captured, money.captured + till),
        ("refunded", order.payment.refunded, money.refunded + refunding + till_back),
        ("authorised", order.payment.authorised, money.held),
    ):
        if shown != booked:
            yield Difference(
                kind=DifferenceKind.RECORD,
                subject=order.external_id,
                order_id=order.order_id,
                what=what,
                ours=shown,
                theirs=booked,
                cause=Cause.RECORD_IS_BEHIND,
                remedy=Remedy.RECORD_AGAIN,
                amount=abs(shown - booked),
            )
