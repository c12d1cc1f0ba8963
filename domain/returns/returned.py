"""A return as its workflow keeps it: every unit in exactly one state. All that is shown of it is derived here."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, NonNegativeInt, PositiveInt

from domain.actors import Actor, Channel
from domain.balances import BalanceId
from domain.ids import LineId, OperationKey, OrderId, ReturnId, Sku, StoreId
from domain.kits import pieces
from domain.locker_stays import LockerStay
from domain.lockers import CompartmentStatus
from domain.money import Currency
from domain.payments import AuthorisationId, TenderId
from domain.refunds import RefundPolicy, RefundTarget
from domain.refusals import Refusal, RefusalKind, Refused
from domain.returns.carried import (
    ASTRAY,
    AT_STORE,
    ON_ITS_WAY,
    WITH_OPERATOR,
    DropView,
    LabelState,
    ParcelView,
    ReturnParcel,
    compartment_key,
    drop_view,
    parcel_view,
    wants_compartment,
    wants_label,
)
from domain.returns.decision import ReturnDecision
from domain.returns.exchanging import Exchange, ExchangeState, ExchangeView, view_of
from domain.returns.goodwill import Goodwill
from domain.returns.policy import AdvanceRule, ReturnTerms
from domain.returns.standing import StandingCard, StandingView, standing_view
from domain.returns.words import (
    FAULTS,
    ItemCondition,
    ReturnDisposition,
    ReturnKind,
    ReturnReason,
    ReturnStatus,
    ReturnVia,
)
from domain.views import InterventionView
from domain.waits import Trouble, Wait, WaitKind


class UnitPlace(StrEnum):
    """Where each unit of a return is."""

    UNDECIDED = "undecided"
    REFUSED = "refused"
    AWAITED = "awaited"
    """Approved, and not here yet."""
    RECEIVED = "received"
    """Here, and not inspected yet."""
    ACCEPTED = "accepted"
    DECLINED = "declined"
    """Inspected and not accepted: it goes back to the customer."""
    CLOSED = "closed"
    """Approved, and given up: it never came, or the return was cancelled."""


class Handled(BaseModel):
    """Units that were inspected together, and where they went."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    quantity: PositiveInt
    condition: ItemCondition
    disposition: ReturnDisposition
    accepted: bool
    store_id: StoreId
    at: datetime


class ReturnedLine(BaseModel):
    model_config = ConfigDict(extra="forbid")

    line_id: LineId
    sku: Sku
    needs: dict[Sku, int]
    """What one unit is made of, as stock knows it."""
    quantity: PositiveInt
    reason: ReturnReason
    decision: ReturnDecision
    terms: ReturnTerms
    unit_worth: NonNegativeInt = 0
    """What one unit was paid, in minor units, rounded down."""
    gift_card: bool = False
    """Its units are gift cards: they are disabled as they are paid back, as far as they are not spent."""
    undecided: NonNegativeInt = 0
    refused: NonNegativeInt = 0
    awaited: NonNegativeInt = 0
    received: NonNegativeInt = 0
    accepted: NonNegativeInt = 0
    declined: NonNegativeInt = 0
    closed: NonNegativeInt = 0
    settled: NonNegativeInt = 0
    """Units whose money has been worked out and goes back: accepted ones, and those paid back in advance."""
    advance: NonNegativeInt = 0
    """Units that are paid back before they have come, as soon as their money is worked out."""
    advanced: NonNegativeInt = 0
    """Settled units that have not been accepted yet."""
    kept: NonNegativeInt = 0
    """Units paid back in advance that never came, or not as they should: the customer has both."""
    turned_up: NonNegativeInt = 0
    """Units of a claim, paid back without coming, that came all the same: no money goes back for them again."""
    handled: list[Handled] = []
    evidence: list[str] = []
    """What shows it: references of pictures or papers, where the channel keeps them."""

    def count(self, place: UnitPlace) -> int:
        return int(getattr(self, place.value))

    def move(self, source: UnitPlace, target: UnitPlace, quantity: int) -> None:
        """Raises `Refused`, with nothing changed, for more units than are there."""
        if quantity > self.count(source):
            raise Refused(
                Refusal(
                    kind=RefusalKind.TOO_MANY_UNITS,
                    detail=f"Line {self.line_id} has {self.count(source)} units that are {source}, not {quantity}.",
                )
            )
        setattr(self, source.value, self.count(source) - quantity)
        setattr(self, target.value, self.count(target) + quantity)

    @property
    def fault(self) -> bool:
        return self.reason in FAULTS

    @property
    def claimed(self) -> int:
        """Units that no other return may have."""
        return self.quantity - self.refused - self.closed - self.declined + self.kept

    @property
    def unsettled(self) -> int:
        return self.accepted - (self.settled - self.advanced - self.kept)

    def accept(self, quantity: int) -> None:
        """Units that came are taken back; those that were paid back in advance are not paid again."""
        self.move(UnitPlace.RECEIVED, UnitPlace.ACCEPTED, quantity)
        self.advanced -= min(self.advanced, quantity)

    def lose_advance(self) -> int:
        """Units paid back in advance that cannot come any more, once each."""
        lost = max(0, self.advanced - self.awaited - self.received)
        self.advanced -= lost
        self.kept += lost
        return lost

    @property
    def policy(self) -> RefundPolicy:
        return self.terms.refund_policy(fault=self.fault)


class Stranger(BaseModel):
    """Something came that belongs to no line of this return: it is kept apart, and no money goes back for it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sku: Sku
    quantity: PositiveInt
    store_id: StoreId
    at: datetime


class RefundState(StrEnum):
    OPEN = "open"
    """Asked for, and not answered yet."""
    PENDING = "pending"
    """The provider has taken it on."""
    DONE = "done"
    FAILED = "failed"


class RefundMade(BaseModel):
    """One refund of a settlement at one authorisation; `key` is its business identity at the provider."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: OperationKey
    settlement: PositiveInt
    tender_id: TenderId
    authorisation_id: AuthorisationId
    amount: PositiveInt
    state: RefundState = RefundState.OPEN
    order_id: OrderId | None = None
    """Of whose tender; none: the order that this is a return of."""
    source: OrderId | None = None
    """The tender was the credit of an exchange: the same amount then goes back to the tenders of this order."""
    to: RefundTarget = RefundTarget.ORIGINAL
    balance_id: BalanceId | None = None
    """The store credit, or the gift card, that it went to."""

    @property
    def counts(self) -> bool:
        return self.state is not RefundState.FAILED


class PaidBack(BaseModel):
    """One settlement: what it came to and where it went."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    n: PositiveInt
    at: datetime
    lines: dict[LineId, int]
    """Units."""
    by_line: dict[LineId, int]
    """Minor units for the goods of each line, before fees."""
    shipping: int = 0
    fees: int = 0
    spent: int = 0
    """What was taken off because gift cards that came back had bought something."""
    goodwill: int = 0
    """What was taken off because goodwill had given as much before."""
    refund: int
    to: RefundTarget = RefundTarget.ORIGINAL
    by_tender: dict[str, int] = {}
    by_target: dict[RefundTarget, int] = {}
    balance_id: BalanceId | None = None
    """What `GET /v1/balances` shows of what did not go back the way it was paid."""


class Return(BaseModel):
    """The whole state of one return."""

    model_config = ConfigDict(extra="forbid")

    return_id: ReturnId
    order_id: OrderId
    external_id: str
    channel: Channel
    """In which it was asked for."""
    customer_ref: str
    locale: str
    currency: Currency
    kind: ReturnKind
    via: ReturnVia
    store_id: StoreId | None = None
    """Where it is expected, or has come."""
    received_in: list[StoreId] = []
    """Every place that has taken something of it in, the last one last."""
    requested_at: datetime
    requested_by: Actor
    policy_name: str
    policy_version: int
    refund_to: RefundTarget = RefundTarget.ORIGINAL
    lines: list[ReturnedLine]
    goodwill: Goodwill | None = None
    """Of an appeasement, which has no lines."""
    strangers: list[Stranger] = []
    version: int = 0
    decide_by: datetime | None = None
    send_by: datetime | None = None
    settle_by: datetime | None = None
    exchange: Exchange | None = None
    dropped_off_at: datetime | None = None
    last_received_at: datetime | None = None
    tracking_number: str | None = None
    carrier: str | None = None
    sends_from: str | None = None
    """The country that it is sent from, where a label can be bought for it."""
    sender: str | None = None
    """Under which the vault keeps the postal code that it is sent from."""
    parcel: ReturnParcel | None = None
    drop: LockerStay | None = None
    """The compartment of a parcel machine that is kept for it."""
    spare: list[OperationKey] = []
    """Labels and compartments that nobody uses, to be given back."""
    arrived_at: datetime | None = None
    """When it was said to be at the store, which takes it in from then on."""
    late_asked: bool = False
    """A person was asked about goods that do not come."""
    inspect_by: datetime | None = None
    """Until when the store looks at what came; then ops are asked."""
    inspection_asked: bool = False
    owed: int = 0
    """Paid back in advance for goods that never came."""
    uncollected: int = 0
    """Of that, what nobody was asked to collect yet."""
    card: StandingCard | None = None
    """Stands for what goes back before the goods have come."""
    paid_back: list[PaidBack] = []
    refunds: list[RefundMade] = []
    carried_off: bool = False
    """A person took credit that had to go on to other tenders as paid back in another way."""
    instead: RefundTarget | None = None
    """Where the rest of the last settlement goes, since it cannot go where it was to."""
    written_off: int = 0
    """Of what should go back, what a person took as done in another way."""
    troubles: dict[str, Trouble] = {}
    interventions: list[InterventionView] = []
    expired: bool = False
    cancelled: bool = False
    finished: bool = False

    def line(self, line_id: LineId) -> ReturnedLine:
        for line in self.lines:
            if line.line_id == line_id:
                return line
        raise Refused(Refusal(kind=RefusalKind.NOT_FOUND, detail=f"This return has no line {line_id}."))

    def units(self, place: UnitPlace) -> int:
        return sum(line.count(place) for line in self.lines)

    def at(self, place: UnitPlace) -> dict[LineId, int]:
        return {line.line_id: line.count(place) for line in self.lines if line.count(place)}

    def claimed(self) -> dict[LineId, int]:
        return {line.line_id: line.claimed for line in self.lines}

    def unsettled(self) -> dict[LineId, int]:
        return {line.line_id: line.unsettled for line in self.lines if line.unsettled}

    def to_settle(self) -> dict[LineId, int]:
        """Units whose money goes back now: what was accepted, and what is paid back in advance."""
        return {line.line_id: n for line in self.lines if (n := line.unsettled + line.advance)}

    @property
    def advances(self) -> bool:
        return any(line.advance for line in self.lines)

    @property
    def given_away(self) -> bool:
        """Whom we trust with it says that the customer has sent it: it is not closed in silence."""
        lies = self.drop.said if self.drop is not None else None
        sent = self.parcel is not None and self.parcel.status in ON_ITS_WAY | ASTRAY
        return sent or lies in WITH_OPERATOR | AT_STORE

    @property
    def where_it_is(self) -> str:
        """In words, for who must decide."""
        if self.arrived_at is not None:
            return "it is said to be at the store, which has not taken it in"
        if self.parcel is not None and self.parcel.label_id is not None:
            return f"{self.parcel.carrier} says of {self.parcel.tracking_number}: {self.parcel.status}"
        if self.drop is not None:
            return f"the operator of locker {self.drop.locker_id} says: {self.drop.status}"
        return "nobody knows where it is"

    @property
    def unused_way(self) -> bool:
        """A label or compartment is there, and nothing will come by it."""
        if self.units(UnitPlace.AWAITED) or self.units(UnitPlace.UNDECIDED):
            return False
        reserved = self.drop is not None and self.drop.said is CompartmentStatus.RESERVED
        return reserved or (self.parcel is not None and self.parcel.unused)

    def lose_advances(self) -> tuple[dict[LineId, int], int]:
        """Units paid back in advance that cannot come any more, and what was paid for those that are collected."""
        lost: dict[LineId, int] = {}
        amount = 0
        for line in self.lines:
            if not (units := line.lose_advance()):
                continue
            lost[line.line_id] = units
            paid = sum(each.by_line.get(line.line_id, 0) for each in self.paid_back)
            settled = sum(each.lines.get(line.line_id, 0) for each in self.paid_back)
            if line.terms.lost_advance is not AdvanceRule.WRITE_OFF and settled:
                amount += paid * units // settled
        # Never more than was paid back: fees were taken off it.
        amount = max(0, min(amount, self.refund - self.owed - (self.card.charged if self.card else 0)))
        self.owed, self.uncollected = self.owed + amount, self.uncollected + amount
        return lost, amount

    @property
    def card_is_due(self) -> bool:
        """Everything that was paid back in advance has come or never will, so that the card is charged or free."""
        waits = any(line.advanced or line.advance for line in self.lines)
        return self.card is not None and self.card.stands and not waits and self.money_rests

    @property
    def to_collect(self) -> int:
        """What a person collects, since no card stands for it."""
        return self.uncollected if self.card is None or not self.card.stands else 0

    def pays_in_advance(self) -> dict[LineId, int]:
        """Units that are paid back as soon as they are given away; what is exchanged is paid for by what comes."""
        if self.exchange is not None and self.exchange.state is not ExchangeState.FELL_THROUGH:
            return {}
        worth = self.worth_awaited
        return {
            line.line_id: line.awaited
            for line in self.lines
            if line.awaited and 0 < worth <= line.terms.instant_refund_to
        }

    def put_way_aside(self) -> None:
        if self.parcel is not None and self.parcel.unused and self.parcel.key is not None:
            self.spare.append(self.parcel.key)
            self.parcel.state, self.parcel.tries = LabelState.GIVEN_BACK, self.parcel.tries + 1
        if self.drop is not None and self.drop.said is CompartmentStatus.RESERVED:
            self.spare.append(compartment_key(self.order_id, self.return_id, self.drop.number))
            if self.drop.compartment_id is not None:
                self.drop.left.append(self.drop.compartment_id)
            self.drop.forget()

    def want_way(self) -> None:
        """Units are awaited again after their label went back: another is asked for."""
        if self.parcel is not None and self.parcel.state is LabelState.GIVEN_BACK:
            self.parcel.state = LabelState.WANTED
            self.parcel.label_id = self.parcel.carrier = self.parcel.tracking_number = None

    @property
    def worth_awaited(self) -> int:
        return sum(line.unit_worth * line.awaited for line in self.lines)

    @property
    def refund(self) -> int:
        return sum(each.refund for each in self.paid_back)

    @property
    def fees(self) -> int:
        return sum(each.fees for each in self.paid_back)

    @property
    def refunded(self) -> int:
        """What has gone back of this order's tenders or is on its way."""
        return sum(refund.amount for refund in self.refunds if refund.counts and refund.order_id is None)

    @property
    def kept(self) -> int:
        """What was settled and pays for a replacement."""
        return self.exchange.kept if self.exchange else 0

    @property
    def given_back(self) -> dict[str, int]:
        """What has gone back or is on its way, by tender of this return's own order."""
        found: dict[str, int] = {}
        for refund in self.refunds:
            if refund.counts and refund.order_id is None:
                found[refund.tender_id] = found.get(refund.tender_id, 0) + refund.amount
        return found

    @property
    def due(self) -> int:
        """What was settled and has not gone back yet."""
        return max(0, self.refund - self.kept - self.refunded - self.written_off)

    def refunded_elsewhere(self) -> dict[OrderId, int]:
        """What has gone back of other orders' tenders, since their value had paid for this order, or is on its way."""
        found: dict[OrderId, int] = {}
        for refund in self.refunds:
            if refund.counts and refund.order_id is not None:
                found[refund.order_id] = found.get(refund.order_id, 0) + refund.amount
        return found

    def carried(self) -> dict[OrderId, int]:
        """Credit that was given back, and must go on to the tenders that it came from."""
        found: dict[OrderId, int] = {}
        for refund in self.refunds if not self.carried_off else ():
            if refund.source is not None and refund.state is RefundState.DONE:
                found[refund.source] = found.get(refund.source, 0) + refund.amount
        gone = self.refunded_elsewhere()
        left = {order: amount - gone.get(order, 0) for order, amount in found.items()}
        return {order: amount for order, amount in left.items() if amount > 0}

    @property
    def money_rests(self) -> bool:
        under_way = (RefundState.OPEN, RefundState.PENDING)
        if self.carried():
            return False
        return not self.due and not any(refund.state in under_way for refund in self.refunds)

    @property
    def goods_rest(self) -> bool:
        """Everything that was approved has come, been looked at and been settled, or was given up."""
        busy = (UnitPlace.UNDECIDED, UnitPlace.AWAITED, UnitPlace.RECEIVED)
        return not any(self.units(place) for place in busy) and not self.to_settle()

    @property
    def exchange_rests(self) -> bool:
        """The replacement and its money are where they stay, or there is none."""
        exchange = self.exchange
        if exchange is None:
            return True
        return not exchange.live and (exchange.hold is None or not exchange.hold.live)

    @property
    def at_rest(self) -> bool:
        """Nobody has anything more to do about any unit or its money."""
        done = self.goods_rest and self.exchange_rests
        done = done and not self.spare and not self.unused_way and not self.uncollected
        done = done and (self.card is None or not self.card.stands)
        return done and self.money_rests and not self.interventions

    @property
    def status(self) -> ReturnStatus:
        if self.interventions:
            return ReturnStatus.NEEDS_ATTENTION
        if self.goodwill is not None and self.goodwill.awaits:
            return ReturnStatus.REQUESTED
        if self.units(UnitPlace.UNDECIDED):
            return ReturnStatus.REQUESTED
        if self.exchange is not None and self.exchange.live and self.exchange.due:
            return ReturnStatus.AWAITING_PAYMENT
        if self.units(UnitPlace.RECEIVED):
            return ReturnStatus.RECEIVED
        if self.unsettled():
            return ReturnStatus.INSPECTED
        if self.units(UnitPlace.AWAITED):
            return ReturnStatus.IN_TRANSIT if self.dropped_off_at is not None else ReturnStatus.APPROVED
        if self.paid_back or self.units(UnitPlace.ACCEPTED) or self.units(UnitPlace.DECLINED):
            return ReturnStatus.SETTLED
        if self.cancelled:
            return ReturnStatus.CANCELLED
        if self.expired:
            return ReturnStatus.EXPIRED
        return ReturnStatus.REJECTED

    def view(self) -> "ReturnView":
        return ReturnView(
            **self.model_dump(
                include={
                    "return_id",
                    "order_id",
                    "external_id",
                    "version",
                    "channel",
                    "customer_ref",
                    "currency",
                    "kind",
                    "via",
                    "store_id",
                    "received_in",
                    "requested_at",
                    "refund_to",
                    "tracking_number",
                    "carrier",
                }
            ),
            status=self.status,
            policy=PolicyView(name=self.policy_name, version=self.policy_version),
            lines=[
                ReturnLineView(
                    **line.model_dump(exclude={"needs", "terms", "decision", "unit_worth", "advance", "gift_card"}),
                    decision=line.decision.model_copy(),
                )
                for line in self.lines
            ],
            strangers=list(self.strangers),
            goodwill=self.goodwill.model_copy() if self.goodwill is not None else None,
            refund=self.refund,
            refunded=self.refunded,
            fees=self.fees,
            paid_back=[self._shown(each) for each in self.paid_back],
            exchange=view_of(self.exchange) if self.exchange else None,
            waiting_for=self.waits(),
            interventions=list(self.interventions),
            finished=self.finished,
            parcel=parcel_view(self.parcel),
            locker=drop_view(self.drop),
            owed=self.owed,
            card=standing_view(self.card),
        )

    def _shown(self, settled: PaidBack) -> PaidBack:
        by_tender: dict[str, int] = {}
        by_target: dict[RefundTarget, int] = {}
        balance_id: BalanceId | None = None
        for refund in self.refunds:
            if refund.settlement == settled.n and refund.counts and refund.source is None:
                tender = f"{refund.order_id}/{refund.tender_id}" if refund.order_id else str(refund.tender_id)
                by_tender[tender] = by_tender.get(tender, 0) + refund.amount
                by_target[refund.to] = by_target.get(refund.to, 0) + refund.amount
                balance_id = refund.balance_id or balance_id
        return settled.model_copy(update={"by_tender": by_tender, "by_target": by_target, "balance_id": balance_id})

    def waits(self) -> list[Wait]:
        found = [
            Wait(
                id=f"intervention/{question.intervention_id}",
                kind=WaitKind.INTERVENTION,
                what=question.step,
                who="ops",
                since=question.since,
                last_error=question.error,
            )
            for question in self.interventions
        ]
        found += [
            Wait(
                id=f"trouble/{name}",
                kind=WaitKind.PAYMENT_SYSTEM,
                what=f"{trouble.system} answers",
                who=trouble.system,
                since=trouble.since,
                last_error=trouble.error,
            )
            for name, trouble in self.troubles.items()
        ]
        if self.goodwill is not None and self.goodwill.awaits:
            found.append(self._wait(WaitKind.RETURN_APPROVAL, "goodwill is approved", "ops", self.decide_by, "refused"))
        if self.units(UnitPlace.UNDECIDED):
            found.append(
                self._wait(WaitKind.RETURN_APPROVAL, "return is approved", "store or ops", self.decide_by, "refused")
            )
        if self.units(UnitPlace.AWAITED):
            found += [self._arrival(), *self._way()]
        if self.units(UnitPlace.RECEIVED):
            ends = "ops are asked" if self.inspect_by is not None else None
            found.append(self._wait(WaitKind.INSPECTION, "store inspects what came", "store", self.inspect_by, ends))
        if any(refund.state is RefundState.PENDING for refund in self.refunds):
            found.append(
                self._wait(
                    WaitKind.PAYMENT_SYSTEM, "payment system carries the refund out", "payment system", None, None
                )
            )
        if self.exchange is not None and self.exchange.live and self.exchange.due:
            found.append(
                self._wait(
                    WaitKind.EXCHANGE_PAYMENT,
                    "customer pays the difference",
                    "customer",
                    self.exchange.pay_by,
                    "plain return",
                )
            )
        elif self.exchange is not None and self.exchange.live and self.goods_rest:
            found.append(self._wait(WaitKind.EXCHANGE, "replacement gets to its customer", "store", None, None))
        if self.unsettled() and not self.interventions:
            found.append(
                self._wait(WaitKind.SETTLEMENT, "return is settled", "store", self.settle_by, "paid back as wished")
            )
        return found

    def _arrival(self) -> Wait:
        """Who has the goods that are waited for, as far as anybody knows."""
        ends = "a person decides" if self.given_away else "closed"
        lies = self.drop.said if self.drop is not None else None
        if self.arrived_at is not None or lies in AT_STORE:
            what, who = "store takes in what came", "store"
        elif lies in WITH_OPERATOR and self.drop is not None:
            what, who = f"store fetches goods from locker {self.drop.locker_id}", "store"
        elif self.dropped_off_at is not None:
            what, who = "goods arrive", "carrier"
        else:
            what, who = "customer brings goods back", "customer"
        return self._wait(WaitKind.RETURN_ARRIVAL, what, who, self.send_by, ends)

    def _way(self) -> list[Wait]:
        if wants_label(self.via, self.parcel):
            return [self._wait(WaitKind.RETURN_WAY, "carrier sells a label", "carrier", None, "sent without")]
        if self.drop is not None and wants_compartment(self.via, self.drop):
            what = f"a compartment of locker {self.drop.locker_id} is reserved"
            return [self._wait(WaitKind.RETURN_WAY, what, "locker operator", None, "brought to the store")]
        return []

    def _wait(self, kind: WaitKind, what: str, who: str, deadline: datetime | None, default: str | None) -> Wait:
        since = self.last_received_at or self.requested_at
        return Wait(id=kind.value, kind=kind, what=what, who=who, since=since, deadline=deadline, default=default)


def restocked(line: ReturnedLine, quantity: int) -> dict[Sku, int]:
    """The pieces that go on the shelf with so many units."""
    return pieces(line.needs, quantity)


# --- what is shown ----------------------------------------------------------------------------------------------------


class View(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PolicyView(View):
    name: str
    version: int


class ReturnLineView(View):
    line_id: LineId
    sku: Sku
    quantity: int
    reason: ReturnReason
    decision: ReturnDecision
    undecided: int = 0
    refused: int = 0
    awaited: int = 0
    received: int = 0
    accepted: int = 0
    declined: int = 0
    closed: int = 0
    settled: int = 0
    advanced: int = 0
    kept: int = 0
    turned_up: int = 0
    handled: list[Handled] = []
    evidence: list[str] = []

    @property
    def unsettled(self) -> int:
        return self.accepted - (self.settled - self.advanced - self.kept)


class ReturnView(View):
    """A return as every role reads it."""

    return_id: ReturnId
    order_id: OrderId
    external_id: str
    """The order's."""
    version: int
    channel: Channel
    customer_ref: str
    currency: Currency
    kind: ReturnKind
    via: ReturnVia
    store_id: StoreId | None = None
    received_in: list[StoreId] = []
    status: ReturnStatus
    requested_at: datetime
    policy: PolicyView
    refund_to: RefundTarget
    refund: int = 0
    """What the settlements came to, in minor units."""
    refunded: int = 0
    """What of it has gone back or is on its way."""
    fees: int = 0
    lines: list[ReturnLineView]
    strangers: list[Stranger] = []
    goodwill: Goodwill | None = None
    paid_back: list[PaidBack] = []
    exchange: ExchangeView | None = None
    tracking_number: str | None = None
    carrier: str | None = None
    parcel: ParcelView | None = None
    locker: DropView | None = None
    owed: int = 0
    """Paid back in advance for goods that never came, in minor units."""
    card: StandingView | None = None
    """Stands for what is paid back in advance."""
    waiting_for: list[Wait] = []
    interventions: list[InterventionView] = []
    finished: bool = False

    @property
    def counts_as_goodwill(self) -> bool:
        """Given, or waiting for its approval."""
        return self.goodwill is not None and (self.goodwill.awaits or self.refund > 0)

    def public(self) -> dict[str, Any]:
        return self.model_dump(mode="json", exclude_none=True)
