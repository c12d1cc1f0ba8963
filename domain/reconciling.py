"""Orders, ledger, provider and stock against each other: each difference named, explained, with its remedy."""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from domain.ids import LineId, OrderId, ReturnId, Sku, StoreId
from domain.ledger import CapturePurpose, OrderMoney, check_order
from domain.money import Currency
from domain.payments import Authorisation, AuthorisationId, OperationStatus
from domain.returns.settling import TILL
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
    STRAY = "stray"
    """The provider holds or took money that nothing of ours asked for."""
    RETURN = "return"
    """A return shows other refunds than our ledger has."""
    CARD = "card"
    """A card that stands for goods which have not come back was charged, or is held, otherwise than its return says."""
    GOODS = "goods"
    """More money was kept than the goods that left are worth."""
    LEFT_OVER = "left_over"
    """Stock is still kept for an order that is over, or that never was."""
    GONE = "gone"
    """Other units left the stock than the order says."""


class Cause(StrEnum):
    """What most likely happened."""

    MOVED_AT_PROVIDER = "moved_at_provider"
    """Somebody moved money there without us, or its event has not reached us."""
    NOT_AT_PROVIDER = "not_at_provider"
    """We have booked what the provider does not have."""
    RECORD_IS_BEHIND = "record_is_behind"
    BOOKED_WRONG = "booked_wrong"
    CHANGED_BY_HAND = "changed_by_hand"
    ASKED_BY_NOBODY = "asked_by_nobody"
    """Somebody used our account, or our own record of it was lost."""
    NOT_FREED = "not_freed"
    """It is kept, or held, for what is over."""
    MOVED_WITHOUT_RECORD = "moved_without_record"


class Remedy(StrEnum):
    """The compensation that makes it right, to the unit; nothing is done before somebody approves it."""

    TAKE_OVER = "take_over"
    """Enter in our ledger what the provider did."""
    ASK_PROVIDER = "ask_provider"
    """Have the provider do, under their own keys, what our ledger has and it does not."""
    RECORD_AGAIN = "record_again"
    """The order shows again what our ledger has."""
    FREE_MONEY = "free_money"
    """Void what the provider holds, and refund what it took."""
    REFUND = "refund"
    """Refund exactly that amount."""
    RELEASE = "release"
    """Free the units, so that they can be promised again."""
    TAKE_BACK = "take_back"
    """The units are on hand again."""
    CONSUME = "consume"
    """The units have left."""
    CORRECT_ENTRY = "correct_entry"
    COUNT = "count"
    """Enter the movement that is missing; then count the shelf."""
    LOOK = "look"
    """A person finds out; nothing can be done by itself."""


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
    currency: Currency | None = None
    """Of an amount of money; none for units."""
    line_id: LineId | None = None
    sku: Sku | None = None
    store_id: StoreId | None = None

    @property
    def name(self) -> str:
        """The same for the same difference, whoever looks and whenever."""
        return ":".join([self.kind, self.order_id or "", self.subject, self.what, str(self.ours), str(self.theirs)])

    @property
    def needs_second_person(self) -> bool:
        """More money than one person may move alone."""
        return self.currency is not None and self.remedy in MOVES_MONEY and self.amount > ALONE_UP_TO


MOVES_MONEY = frozenset({Remedy.ASK_PROVIDER, Remedy.FREE_MONEY, Remedy.REFUND})
ALONE_UP_TO = 10_000
"""Minor units that one person may have moved to make a difference right; a second person approves what is more."""


class Held(NamedTuple):
    """Units of one line at one place, as the stock has them for an order."""

    line_id: LineId
    sku: Sku
    store_id: StoreId
    kept: int
    """Reserved or allocated."""
    consumed: int


class PaidByReturn(NamedTuple):
    """What a return shows as gone back, and what our ledger or a till has under its name."""

    return_id: ReturnId
    shown: int
    booked: int
    finished: bool


class CardOfReturn(NamedTuple):
    """What moved under a return's own id: the card that stands for goods which have not come back."""

    return_id: ReturnId
    money: OrderMoney
    charged: int
    """What the return shows as taken from it."""
    finished: bool


class Looked(NamedTuple):
    """All that is on record about one order, at one moment."""

    order: OrderView
    money: OrderMoney
    provider: Mapping[AuthorisationId, Authorisation | None]
    """Its present state of each authorisation, none where it knows no such one."""
    claimed: Mapping[LineId, int]
    events: Sequence[TimelineEntry] = ()
    held: Sequence[Held] = ()
    returns: Sequence[PaidByReturn] = ()
    cards: Sequence[CardOfReturn] = ()

    @property
    def authorisations(self) -> list[AuthorisationId]:
        """Everything that the provider is asked about."""
        return [
            each.id for money in (self.money, *(card.money for card in self.cards)) for each in money.authorisations
        ]


def all_differences(looked: Looked) -> list[Difference]:
    """Everything about one order that does not agree, also with the stock and its returns."""
    order = looked.order
    found = order_differences(order, looked.money, looked.provider, looked.claimed, looked.events)
    if order.status.value in ENDED:
        found += [*_left_over(order, looked.held), *_gone(order, looked.held)]
        found += _goods(order, looked.money, looked.events, sum(each.shown for each in looked.returns))
    by_returns = list(_by_returns(order, looked.returns))
    # A refund that a return only shows is missing in the order's total too: that is the same difference.
    missing = sum(each.ours - each.theirs for each in by_returns)
    found = [each for each in found if not (each.what == "refunded" and _is_record_of(each, missing))] + by_returns
    for card in looked.cards:
        found += [*_at_provider(order.order_id, card.money, looked.provider), *_rules(order.order_id, card.money)]
        found += _card(order.order_id, card)
    return [
        each.model_copy(update={"currency": order.currency}) if each.kind in ABOUT_MONEY else each for each in found
    ]


def _is_record_of(difference: Difference, missing: int) -> bool:
    return difference.kind is DifferenceKind.RECORD and difference.ours - difference.theirs == missing


ENDED = ("completed", "cancelled")
ABOUT_MONEY = frozenset(
    {
        DifferenceKind.PROVIDER,
        DifferenceKind.UNKNOWN_AT_PROVIDER,
        DifferenceKind.RECORD,
        DifferenceKind.RULE,
        DifferenceKind.RETURN,
        DifferenceKind.CARD,
        DifferenceKind.GOODS,
    }
)


def stray(authorisation: Authorisation) -> Difference | None:
    """Money at the provider that nothing of ours asked for; none when nothing is held and nothing was kept."""
    kept = authorisation.captured - authorisation.refunded
    amount = authorisation.held.amount + kept
    if not amount:
        return None
    return Difference(
        kind=DifferenceKind.STRAY,
        subject=authorisation.id,
        what="captured" if kept else "authorised",
        ours=0,
        theirs=amount,
        cause=Cause.ASKED_BY_NOBODY,
        remedy=Remedy.FREE_MONEY,
        amount=amount,
        currency=authorisation.currency,
    )


def left_over(order_id: OrderId, held: Held) -> Difference:
    return Difference(
        kind=DifferenceKind.LEFT_OVER,
        subject=f"{held.sku} at {held.store_id}",
        order_id=order_id,
        what="kept",
        ours=held.kept,
        theirs=0,
        cause=Cause.NOT_FREED,
        remedy=Remedy.RELEASE,
        amount=held.kept,
        line_id=held.line_id,
        sku=held.sku,
        store_id=held.store_id,
    )


def _left_over(order: OrderView, held: Sequence[Held]) -> Iterable[Difference]:
    missing = _missing(order, held)
    for each in held:
        if not each.kept:
            continue
        # What the order says has left, and the stock still keeps for it, has left.
        gone = min(each.kept, missing.get(each.line_id, 0))
        if each.kept - gone:
            yield left_over(order.order_id, each._replace(kept=each.kept - gone))


def _gone(order: OrderView, held: Sequence[Held]) -> Iterable[Difference]:
    for line_id, missing in _missing(order, held).items():
        if not missing:
            continue
        at = [each for each in held if each.line_id == line_id]
        place = next((each for each in at if (each.kept if missing > 0 else each.consumed) >= abs(missing)), None)
        consumed = sum(each.consumed for each in at)
        remedy = Remedy.LOOK if place is None else Remedy.CONSUME if missing > 0 else Remedy.TAKE_BACK
        yield Difference(
            kind=DifferenceKind.GONE,
            subject=f"line {line_id}",
            order_id=order.order_id,
            what="left the stock",
            ours=consumed + missing,
            theirs=consumed,
            cause=Cause.MOVED_WITHOUT_RECORD,
            remedy=remedy,
            amount=abs(missing),
            line_id=line_id,
            sku=place.sku if place else None,
            store_id=place.store_id if place else None,
        )


def _missing(order: OrderView, held: Sequence[Held]) -> dict[LineId, int]:
    """Pieces by line that left as the order says, and not as the stock says; below zero the other way round."""
    found: dict[LineId, int] = {}
    # What is sent to a store stays ours until it is handed over there.
    parcels = [parcel for group in order.groups if not group.ship_to_store for parcel in group.parcels]
    for line in order.lines:
        units = line.handed_over + sum(parcel.lines.get(line.line_id, 0) for parcel in parcels)
        pieces = units * sum(line.needs.values())
        found[line.line_id] = pieces - sum(each.consumed for each in held if each.line_id == line.line_id)
    return found


def _goods(
    order: OrderView, money: OrderMoney, events: Iterable[TimelineEntry], by_returns: int
) -> Iterable[Difference]:
    """An order that is over has kept no more than what left is worth, and its fees."""
    if any(line.earned is None for line in order.lines):
        return
    fees = sum(each.booked for each in money.operations if each.purpose is CapturePurpose.POLICY_FEE)
    worth = sum(line.earned or 0 for line in order.lines) + fees
    kept = order.payment.captured - (order.payment.refunded - by_returns)
    if kept > worth:
        yield Difference(
            kind=DifferenceKind.GOODS,
            subject=order.external_id,
            order_id=order.order_id,
            what="kept",
            ours=kept,
            theirs=worth,
            cause=Cause.BOOKED_WRONG,
            remedy=Remedy.REFUND,
            amount=kept - worth,
        )


def _by_returns(order: OrderView, returns: Sequence[PaidByReturn]) -> Iterable[Difference]:
    for each in returns:
        if each.finished and each.shown != each.booked:
            missing = each.shown - each.booked
            yield Difference(
                kind=DifferenceKind.RETURN,
                subject=each.return_id,
                order_id=order.order_id,
                what="refunded",
                ours=each.shown,
                theirs=each.booked,
                cause=Cause.RECORD_IS_BEHIND if missing < 0 else Cause.NOT_AT_PROVIDER,
                remedy=Remedy.REFUND if missing > 0 else Remedy.LOOK,
                amount=abs(missing),
            )


def _card(order_id: OrderId, card: CardOfReturn) -> Iterable[Difference]:
    """Once its return is over, nothing is held any more, and what was taken is what the customer was told."""
    if not card.finished:
        return
    for what, ours, theirs in (
        ("charged", card.charged, card.money.captured - card.money.refunded),
        ("held", 0, card.money.held),
    ):
        if ours != theirs:
            too_much = Remedy.REFUND if what == "charged" else Remedy.FREE_MONEY
            yield Difference(
                kind=DifferenceKind.CARD,
                subject=card.return_id,
                order_id=order_id,
                what=what,
                ours=ours,
                theirs=theirs,
                cause=Cause.NOT_FREED if what == "held" else Cause.BOOKED_WRONG,
                remedy=too_much if theirs > ours else Remedy.LOOK,
                amount=abs(theirs - ours),
            )


BACK = (Event.PAYMENT_REFUNDED, Event.RETURN_REFUNDED, Event.APPEASEMENT_PAID)


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
    if order.status.value in ENDED:
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
        sku=sku,
        store_id=store,
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
        if entry.event in BACK and (entry.reason == "at the till" or getattr(entry.data, "tender", None) == TILL):
            till_back += amount
    refunding = sum(tender.refunding for tender in money.tenders)
    for what, shown, booked in (
        ("captured", order.payment.captured, money.captured + till),
        ("refunded", order.payment.refunded, money.refunded + money.given_elsewhere + refunding + till_back),
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
