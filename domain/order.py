"""An order: its terms, its groups, holds, tenders and waits. Everything that is shown of it is derived here."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Discriminator, NonNegativeInt, Tag

from domain.change_wishes import NewLine
from domain.dropship import PartnerId
from domain.group_views import group_view
from domain.groups import Ending, WaitsFor
from domain.holds import Hold
from domain.ids import LineId, OperationKey, Sku, StoreId
from domain.intake import TenderType
from domain.kits import Needs, component_shares
from domain.locker_stays import LockerStay
from domain.open_changes import MadeChange, OpenChange
from domain.parcels import CarrierNews
from domain.pickups import PickupGroup
from domain.refusals import Refusal, RefusalKind, Refused
from domain.settlement import TenderBook
from domain.shares import Shares, Tranche
from domain.shipments import ShipmentGroup
from domain.terms import LineTerms, OrderTerms, ShipmentTerms
from domain.transfers import TransferGroup, sent_again
from domain.units import Units, UnitState
from domain.views import (
    ChangeView,
    ComponentView,
    InterventionView,
    LineView,
    NextAction,
    OrderStatus,
    OrderView,
    PaymentView,
    SaleOfView,
)
from domain.virtual import VirtualGroup
from domain.waiting import waits_of
from domain.waits import Trouble

Kind = TypeVar("Kind", PickupGroup, ShipmentGroup)


class GivenUp(BaseModel):
    """Settled units of a line, and their worth: those that were not earned, or those that were."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    units: NonNegativeInt = 0
    worth: NonNegativeInt = 0

    def of(self, quantity: int) -> int:
        """The worth of `quantity` of these units; the last one takes the remainder."""
        if not 0 <= quantity <= self.units:
            raise ValueError(f"only {self.units} units were given up, not {quantity}")
        return self.worth * quantity // self.units if self.units else 0


def _kind_of(group: Any) -> str:
    """Orders that were begun when there were pickups only do not say so."""
    return str(group.get("kind", "pickup") if isinstance(group, dict) else group.kind)


AnyGroup = Annotated[
    Annotated[PickupGroup, Tag("pickup")]
    | Annotated[ShipmentGroup, Tag("shipment")]
    | Annotated[TransferGroup, Tag("transfer")]
    | Annotated[VirtualGroup, Tag("virtual")],
    Discriminator(_kind_of),
]


class Order(BaseModel):
    """The whole state of one order, as its workflow keeps it."""

    model_config = ConfigDict(extra="forbid")

    terms: OrderTerms
    version: int = 0
    """The number of milestones recorded; what callers quote as `version`."""
    groups: list[AnyGroup] = []
    holds: list[Hold] = []
    held_since: datetime | None = None
    """When the first of the holds that stand was placed."""
    tenders: list[TenderBook] = []
    troubles: dict[str, Trouble] = {}
    """Outside systems that an order is waiting for, by name."""
    interventions: list[InterventionView] = []
    earned: int = 0
    """Worth of the units that left for the customer, plus fees, in minor units."""
    refund_target: int = 0
    """What must have been paid back in all, for units that had left and never got there; nothing of it waits for what
    is still owed."""
    written_off: int = 0
    """Earned money that a person gave up collecting."""
    settled: dict[LineId, int] = {}
    """Units per line that have their share of the money: handed over, dispatched, cancelled or lost."""
    given_up: dict[LineId, GivenUp] = {}
    """The settled units that were not earned, or are earned no more, per line: what a late hand-over takes back."""
    fees: dict[int, int] = {}
    """Policy fees in `earned`, by the number of the group."""
    unsecured: bool = False
    """Nothing is in stock and supply is far: no money is authorised before it is near."""
    places_tried: int = 0
    """How often places were asked to take parcels on: part of each wish's key."""
    spare_capacity: list[OperationKey] = []
    """Taken for choices that did not come to be; given back with the next milestone."""
    partners: dict[StoreId, PartnerId] = {}
    """Of the places that were found so far, those that are a partner's."""
    early_news: list[CarrierNews] = []
    """What carriers said of parcels that nobody has said to have left."""
    amended: dict[LineId, LineTerms] = {}
    """Lines that were added, or raised, since the order was placed; the terms never change."""
    tranches: dict[LineId, list[Tranche]] = {}
    """What the units of changed lines are worth."""
    cut: dict[LineId, GivenUp] = {}
    """Units that a change took off, per line: settled, given up, and in no tranche any more."""
    changes: list[MadeChange] = []
    change: OpenChange | None = None
    """The one that waits for its payment."""
    screened_again: int = 0
    """How often a change was screened for fraud."""
    contact: int | None = None
    """Under which the vault keeps where the customer is told now; none: as when the order was placed."""
    next_action: NextAction | None = None
    unpaid: bool = False
    """Its customer was asked to pay, and did not."""
    exchange_settled: bool = False
    """It knows what came back of the goods that it replaces."""
    finished: bool = False
    """Units and money are final."""

    @classmethod
    def opened(cls, terms: OrderTerms) -> "Order":
        groups: list[AnyGroup] = [
            PickupGroup(
                order_id=terms.order_id,
                n=pickup.n,
                store_id=pickup.store_id,
                mode=pickup.mode,
                proxy=pickup.proxy,
                requested_at=pickup.requested_at,
                units=_units_of(terms, pickup.n),
                locker=LockerStay(locker_id=pickup.locker_id, store_id=pickup.store_id) if pickup.locker_id else None,
            )
            for pickup in terms.pickups
        ]
        groups += [_shipment_of(terms, shipment) for shipment in terms.shipments]
        if terms.virtual is not None:
            units = _units_of(terms, terms.virtual)
            groups.append(VirtualGroup(order_id=terms.order_id, n=terms.virtual, units=units))
        groups.sort(key=lambda group: group.n)
        tenders = [
            TenderBook(
                tender_id=t.tender_id,
                type=t.type,
                amount=t.amount,
                token=t.token,
                # Who exchanges for something dearer names a card later.
                exhausted=t.type is TenderType.CARD and t.token is None,
            )
            for t in terms.tenders
        ]
        return cls(terms=terms, groups=groups, tenders=tenders)

    # --- what is owed, in units and money -----------------------------------------------------------------------

    @property
    def lines(self) -> list[LineTerms]:
        """The lines as they are now: those of the terms, raised where they were, then the added ones."""
        if not self.amended:
            return self.terms.lines
        placed = {line.line_id: line for line in self.terms.lines}
        return list((placed | self.amended).values())

    @property
    def skus(self) -> dict[LineId, Sku]:
        """Of every line, and of those that a change would add."""
        skus = {line.line_id: line.sku for line in self.lines}
        return skus | {line.line_id: line.sku for line in self._wanted_lines}

    @property
    def needs(self) -> dict[LineId, Needs]:
        """What one unit is made of: of every line, and of those that a change would add."""
        needs: dict[LineId, Needs] = {line.line_id: line.needs for line in self.lines}
        return needs | {line.line_id: line.needs for line in self._wanted_lines}

    @property
    def _wanted_lines(self) -> list[NewLine]:
        return self.change.wish.add if self.change is not None else []

    @property
    def held_for_change(self) -> int:
        """Live money with which the customer pays for the open change: nobody else may use it, or free it."""
        paying = self.change.tenders if self.change is not None else []
        return sum(tender.live for tender in self.tenders if tender.tender_id in paying)

    @property
    def total(self) -> int:
        """What was agreed upon: the total as placed and what changes made of it since, whatever was cancelled."""
        return self.terms.total + sum(change.after.total - change.before.total for change in self.changes)

    @property
    def shares(self) -> Shares:
        lines = self.terms.lines
        return Shares(
            {line.line_id: line.total for line in lines},
            {line.line_id: line.quantity for line in lines},
            self.terms.payable,
            self.tranches,
        )

    def settled_in_turn(self, line: LineId) -> int:
        """Settled units, save those that a change took off: where the next one's worth begins."""
        return self.settled.get(line, 0) - self.cut.get(line, GivenUp()).units

    def worth(self, lines: dict[LineId, int]) -> int:
        """What the next units of these lines are worth, in minor units; the last unit takes the remainder."""
        shares = self.shares
        return sum(shares.of_units(line, self.settled_in_turn(line), n) for line, n in lines.items())

    def settle(self, lines: dict[LineId, int], *, earned: bool) -> int:
        """Give units their final share: `earned` when they left for the customer. Returns their worth.

        Raises `ValueError`, with nothing changed, for more units than are unsettled.
        """
        ordered = {line.line_id: line.quantity for line in self.lines}
        for line, n in lines.items():
            if not 0 <= n <= ordered[line] - self.settled.get(line, 0):
                raise ValueError(f"{n} units of line {line} are to be settled, not as many are unsettled")
        shares = self.shares
        worths = {line: shares.of_units(line, self.settled_in_turn(line), n) for line, n in lines.items()}
        worth = sum(worths.values())
        if not earned:
            for line, n in lines.items():
                before = self.given_up.get(line, GivenUp())
                self.given_up[line] = GivenUp(units=before.units + n, worth=before.worth + worths[line])
        for line, n in lines.items():
            self.settled[line] = self.settled.get(line, 0) + n
        if earned:
            self.earned += worth
        return worth

    def worth_given_up(self, lines: dict[LineId, int]) -> int:
        """What cancelled units are worth that left for the customer all the same."""
        return sum(self.given_up.get(line, GivenUp()).of(n) for line, n in lines.items())

    def settle_late(self, lines: dict[LineId, int]) -> int:
        """Cancelled units turn out to have left for the customer: they are earned after all. Returns their worth."""
        worth = self.worth_given_up(lines)
        for line, n in lines.items():
            before = self.given_up.get(line, GivenUp())
            self.given_up[line] = GivenUp(units=before.units - n, worth=before.worth - before.of(n))
        self.earned += worth
        return worth

    def worth_earned(self, lines: dict[LineId, int]) -> int:
        """What units are worth that left for the customer, of those that left and were not given up."""
        return sum(self._earned_of(line).of(n) for line, n in lines.items())

    def give_up(self, lines: dict[LineId, int]) -> int:
        """Units that had left for the customer never got there: their worth is earned no more. Returns it.

        Raises `ValueError`, with nothing changed, for more units than were earned.
        """
        worths = {line: self._earned_of(line).of(n) for line, n in lines.items()}
        for line, n in lines.items():
            before = self.given_up.get(line, GivenUp())
            self.given_up[line] = GivenUp(units=before.units + n, worth=before.worth + worths[line])
        worth = sum(worths.values())
        self.earned -= worth
        self.refund_target = max(self.refund_target, self._refunded) + worth
        # What is owed no more needs no writing off.
        self.written_off = max(0, self.written_off - worth)
        return worth

    @property
    def due_back(self) -> int:
        """Money of units that never got there, as far as it has not been paid back."""
        return max(0, self.refund_target - self._refunded)

    @property
    def _refunded(self) -> int:
        return sum(tender.refunded for tender in self.tenders)

    @property
    def pays_on_arrival(self) -> int:
        """Worth of goods on their way that a loan pays for once they are there, and not before."""
        financed = sum(tender.live for tender in self.tenders if tender.type is TenderType.FINANCING)
        if not financed:
            return 0
        under_way: dict[LineId, int] = {}
        for group in self.groups:
            if group.kind == "shipment":
                for line, units in group.units.items():
                    under_way[line] = under_way.get(line, 0) + units.count(UnitState.SHIPPED)
        return min(financed, self.worth_earned(under_way))

    def _earned_of(self, line: LineId) -> GivenUp:
        """The settled units of a line that were earned, and their worth."""
        settled, given_up = self.settled.get(line, 0), self.given_up.get(line, GivenUp())
        worth = self.shares.of_units(line, 0, self.settled_in_turn(line)) + self.cut.get(line, GivenUp()).worth
        return GivenUp(units=settled - given_up.units, worth=worth - given_up.worth)

    def charge_fee(self, n: int, fee: int) -> None:
        """Keep a policy fee for group `n`."""
        self.fees[n] = self.fees.get(n, 0) + fee
        self.earned += fee

    def drop_fee(self, n: int) -> int:
        """Give up the fees of group `n`, whose reason was not true after all. Returns what was given up."""
        fee = self.fees.pop(n, 0)
        self.earned -= fee
        # What is owed no more needs no writing off: that was for the fee first.
        self.written_off = max(0, self.written_off - fee)
        return fee

    @property
    def secured_worth(self) -> int:
        """What is owed and must be covered by money now."""
        return 0 if self.unsecured else self.owed_worth

    @property
    def owed_worth(self) -> int:
        return self.worth({line: n for line, n in self._unpaid().items() if n})

    def _unpaid(self) -> dict[LineId, int]:
        """Owed units per line that have had no share of the money yet."""
        owed = {line.line_id: 0 for line in self.lines}
        for group in self.groups:
            if not group.paid:
                for line, units in group.units.items():
                    owed[line] += units.owed
        return owed

    def line_units(self, line: LineId) -> Units:
        total = Units()
        for group in self.groups:
            if line in group.units:
                total += group.units[line]
        return total

    # --- parts ---------------------------------------------------------------------------------------------------

    def group(self, n: int) -> AnyGroup:
        for group in self.groups:
            if group.n == n:
                return group
        raise Refused(Refusal(kind=RefusalKind.NOT_FOUND, detail=f"This order has no group {n}."))

    def pickup(self, n: int) -> PickupGroup:
        for group in self.pickups:
            if group.n == n:
                return group
        raise Refused(Refusal(kind=RefusalKind.NOT_FOUND, detail=f"This order has no pickup {n}."))

    def shipment(self, n: int) -> ShipmentGroup:
        for group in self.shipments:
            if group.n == n:
                return group
        raise Refused(Refusal(kind=RefusalKind.NOT_FOUND, detail=f"This order has no shipment {n}."))

    @property
    def pickups(self) -> list[PickupGroup]:
        return [group for group in self.groups if isinstance(group, PickupGroup)]

    @property
    def shipments(self) -> list[ShipmentGroup]:
        return [group for group in self.groups if isinstance(group, ShipmentGroup)]

    def split_off(
        self, group: Kind, lines: dict[LineId, int], waits_for: WaitsFor, declined_by: Iterable[StoreId]
    ) -> Kind:
        """A new group, waiting, that takes over units which `group`'s place cannot serve. The units must be open.

        Raises `Refused`, with nothing changed, when they are not.
        """
        group.check_lines(lines, UnitState.OPEN)
        part = group.successor(
            max(each.n for each in self.groups) + 1,
            {line: Units(open=n) for line, n in lines.items()},
            waits_for,
            sorted({*group.declined_by, *declined_by}),
        )
        for line, n in lines.items():
            group.units[line].take_out(UnitState.OPEN, n)
        if not group.open and group.ending is None:
            group.ending = Ending.MOVED
        self.groups.append(part)
        return part

    def join(self, group: ShipmentGroup, lines: dict[LineId, int], to: ShipmentGroup) -> None:
        """Open units of one shipment go with those of another. Raises `Refused`, with nothing changed."""
        group.check_lines(lines, UnitState.OPEN)
        for line, n in lines.items():
            group.units[line].take_out(UnitState.OPEN, n)
            to.units[line] = to.units.get(line, Units()) + Units(open=n)
        if not group.open and group.ending is None:
            group.ending = Ending.MOVED

    def replacement(self, group: ShipmentGroup, lines: dict[LineId, int]) -> ShipmentGroup:
        """A new shipment for units whose parcel went wrong: they are owed once more, and paid already."""
        group.check_lines(lines, UnitState.SHIPPED)
        part = group.successor(
            max(each.n for each in self.groups) + 1,
            {line: Units(open=n) for line, n in lines.items()},
            WaitsFor.SOURCING,
            [],
        )
        part.replaces, part.hops = group.n, 0
        for line, n in lines.items():
            group.units[line].take_out(UnitState.SHIPPED, n)
        self.groups.append(part)
        return part

    def replace(self, group: AnyGroup, by: AnyGroup) -> None:
        """One group takes the place and the number of another."""
        self.groups[next(at for at, each in enumerate(self.groups) if each is group)] = by

    def send_again(self, group: PickupGroup) -> TransferGroup:
        """A new transfer for the units of a pickup that did not come to its store. They must be open."""
        part = sent_again(group, max(each.n for each in self.groups) + 1)
        for line, n in group.owed_lines().items():
            group.units[line].take_out(UnitState.OPEN, n)
        group.ending = group.ending or Ending.MOVED
        self.groups.append(part)
        return part

    # --- what is shown ---------------------------------------------------------------------------------------------

    @property
    def open(self) -> bool:
        """Something is owed."""
        return any(group.open for group in self.groups)

    @property
    def under_way(self) -> bool:
        """Something has left and is not where it stays."""
        return any(group.under_way for group in self.groups)

    @property
    def fulfilled_units(self) -> int:
        return sum(units.fulfilled for group in self.groups for units in group.units.values())

    @property
    def status(self) -> OrderStatus:
        if self.interventions:
            return OrderStatus.NEEDS_ATTENTION
        if self.finished:
            return OrderStatus.COMPLETED if self.fulfilled_units else OrderStatus.CANCELLED
        if self.holds:
            return OrderStatus.HELD
        return OrderStatus.IN_PROGRESS

    @property
    def payment(self) -> PaymentView:
        live = sum(tender.live for tender in self.tenders)
        kept = sum(tender.held for tender in self.tenders)
        return PaymentView(
            authorised=live,
            captured=sum(tender.captured for tender in self.tenders),
            refunded=sum(tender.refunded for tender in self.tenders),
            voided=sum(tender.voided for tender in self.tenders),
            due=max(0, self.earned - self.written_off + self.owed_worth - kept - live),
        )

    def view(self) -> OrderView:
        terms = self.terms
        return OrderView(
            order_id=terms.order_id,
            version=self.version,
            channel=terms.channel,
            external_id=terms.external_id,
            customer_ref=terms.customer_ref,
            status=self.status,
            currency=terms.currency,
            total=self.total,
            placed_at=terms.placed_at,
            return_policy=terms.return_policy,
            lines=[
                LineView(
                    line_id=line.line_id,
                    sku=line.sku,
                    ordered=line.quantity,
                    unit_price=line.unit_price,
                    discount=line.discount,
                    tax=line.tax,
                    total=line.total,
                    earned=self._earned_of(line.line_id).worth,
                    components=_components(line),
                    **self.line_units(line.line_id).model_dump(),
                )
                for line in self.lines
            ],
            groups=[group_view(group) for group in self.groups],
            holds=list(self.holds),
            payment=self.payment,
            waiting_for=waits_of(self),
            next_action=self.next_action,
            interventions=list(self.interventions),
            exchange_of=terms.exchange,
            linked_to=SaleOfView(order_id=terms.sale.order_id, n=terms.sale.n) if terms.sale is not None else None,
            change=_change_view(self.change) if self.change is not None else None,
            changes=list(self.changes),
            contact=self.contact,
        )


def _components(line: LineTerms) -> list[ComponentView]:
    shares = component_shares(line.total, line.components)
    return [
        ComponentView(sku=each.sku, quantity=each.quantity, share=share)
        for each, share in zip(line.components, shares, strict=True)
    ]


def _shipment_of(terms: OrderTerms, shipment: ShipmentTerms) -> ShipmentGroup:
    shared: dict[str, Any] = {
        "order_id": terms.order_id,
        "n": shipment.n,
        "origin": shipment.n,
        "store_id": StoreId(""),
        "service": shipment.service,
        "destination": shipment.destination,
        "allow_split": shipment.allow_split,
        "keep_together": shipment.keep_together,
        "exclude": shipment.exclude,
        "units": _units_of(terms, shipment.n),
    }
    if shipment.to_store is None:
        return ShipmentGroup(**shared)
    return TransferGroup(**shared, to_store=shipment.to_store, proxy=shipment.proxy)


def _change_view(change: OpenChange) -> ChangeView:
    return ChangeView(
        change_id=change.change_id,
        since=change.since,
        deadline=change.deadline,
        owed=change.owed,
        before=change.before,
        after=change.after,
    )


def _units_of(terms: OrderTerms, n: int) -> dict[LineId, Units]:
    return {line.line_id: Units(open=line.quantity) for line in terms.lines if line.group == n}
