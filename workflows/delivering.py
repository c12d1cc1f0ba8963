"""What carriers say of parcels, and what becomes of those that go wrong."""

from datetime import datetime
from typing import Any

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain.actors import ENGINE, Actor
    from domain.carriage import EXCEPTIONS, ParcelStatus
    from domain.hearsay import Effect
    from domain.notices import NoticeKind
    from domain.order import AnyGroup
    from domain.parcels import MOST_EVENTS, CarrierNews, Claim, Parcel, Resolution
    from domain.pickups import PickupGroup
    from domain.refusals import RefusalKind
    from domain.shipments import ShipmentGroup
    from domain.sourcing.rules import REJECTED
    from domain.timeline import Event
    from domain.units import UnitState
    from workflows import messages
    from workflows.desk import Desk
    from workflows.messages import GroupAnswer
    from workflows.refusing import refuse
    from workflows.sourcing import Sourcing
    from workflows.transferring import Transferring, parcels_on_the_road


class Delivering:
    """The parcels of one order. Called with the turn taken."""

    def __init__(self, desk: Desk, sourcing: Sourcing):
        self.desk = desk
        self.sourcing = sourcing
        self.transferring = Transferring(desk)

    # --- what carriers say -------------------------------------------------------------------------------------------

    async def carrier_event(self, event: messages.CarrierEvent) -> None:
        """Kept once, whatever it says; counted where it can follow from what was known."""
        news = CarrierNews(
            event_id=event.event_id,
            tracking_number=event.tracking_number,
            at=event.at,
            said=event.said,
            status=event.status,
        )
        found = self.find(event.tracking_number)
        if found is None:
            self._keep(news)
        elif self._heard(*found, news):
            await self.desk.book.record()
            self.desk.cashier.wake()

    def _keep(self, news: CarrierNews) -> None:
        """The carrier was quicker than the place: it counts once the parcel is said to have left."""
        kept = self.desk.order.early_news
        if len(kept) < MOST_EVENTS and all(known.event_id != news.event_id for known in kept):
            kept.append(news)

    def catch_up(self, group: AnyGroup, parcel: Parcel) -> None:
        """A parcel has left of which its carrier may have told before."""
        order = self.desk.order
        for news in [each for each in order.early_news if each.tracking_number == parcel.tracking_number]:
            order.early_news.remove(news)
            self._heard(group, parcel, news)

    def _heard(self, group: AnyGroup, parcel: Parcel, news: CarrierNews) -> bool:
        effect = parcel.take(news.event_id, news.at, news.said, news.status)
        if effect is None:
            return False
        self.desk.book.event(
            Event.CARRIER_EVENT,
            ENGINE,
            reason=None if effect is Effect.APPLIED else effect.value,
            group=group.n,
            parcel=parcel.n,
            status=news.status,
            said=news.said,
            at=news.at.isoformat(),
        )
        if effect is Effect.APPLIED:
            if isinstance(group, PickupGroup):
                self.transferring.carrier_says(group, parcel)
            elif isinstance(group, ShipmentGroup):
                self._follow(group, parcel)
        return True

    def find(self, tracking_number: str) -> tuple[AnyGroup, Parcel] | None:
        order = self.desk.order
        sent: list[tuple[AnyGroup, Parcel]] = [(group, each) for group in order.shipments for each in group.parcels]
        for group, parcel in (*sent, *parcels_on_the_road(order.pickups)):
            if parcel.tracking_number == tracking_number:
                return group, parcel
        return None

    def _follow(self, group: ShipmentGroup, parcel: Parcel) -> None:
        decided = parcel.claim is not None and not parcel.claim.open and parcel.claim.resolution is not None
        if parcel.status is ParcelStatus.RETURNED:
            self._came_back(group, parcel)
        if decided:
            if parcel.status is ParcelStatus.DELIVERED:
                # Paid back or sent anew: a person of the seller talks to the customer, no rule takes money again.
                self.desk.book.event(Event.PARCEL_TURNED_UP, ENGINE, group=group.n, parcel=parcel.n)
        elif parcel.status is ParcelStatus.DELIVERED:
            self._delivered(group, parcel)
        elif parcel.status in EXCEPTIONS and parcel.claim is None:
            self._open_claim(group, parcel, parcel.status)

    def _delivered(self, group: ShipmentGroup, parcel: Parcel, reason: str | None = None) -> None:
        for line, quantity in parcel.lines.items():
            group.move(line, UnitState.DELIVERED, quantity, UnitState.SHIPPED)
        if parcel.claim is not None:
            parcel.claim = parcel.claim.model_copy(update={"resolved_at": workflow.now()})
        self.desk.book.event(Event.DELIVERED, ENGINE, reason=reason, group=group.n, parcel=parcel.n, lines=parcel.lines)
        self._notice(NoticeKind.DELIVERED, group, parcel)

    def _came_back(self, group: ShipmentGroup, parcel: Parcel) -> None:
        """The place looks at what came back and puts it on the shelf; no money moves for that."""
        for line, quantity in parcel.lines.items():
            group.returned[line] = group.returned.get(line, 0) + quantity
        self.desk.book.event(
            Event.PARCEL_RETURNED, ENGINE, group=group.n, parcel=parcel.n, lines=parcel.lines, store=group.store_id
        )
        self.desk.book.notice(
            NoticeKind.STORE_GOODS_RETURNED, parcel.n, group=group, lines=self.desk.book.notice_lines(parcel.lines)
        )

    # --- when nobody says anything -----------------------------------------------------------------------------------

    async def is_late(self, group: ShipmentGroup, parcel: Parcel) -> None:
        parcel.told_late = True
        self.desk.book.event(Event.DELIVERY_LATE, ENGINE, group=group.n, parcel=parcel.n)
        self._notice(NoticeKind.DELIVERY_LATE, group, parcel)
        await self.desk.book.record()

    async def is_given_up(self, group: ShipmentGroup, parcel: Parcel) -> None:
        """A tracked parcel of which nothing is heard is lost; one that nobody tracks would have been asked for."""
        if parcel.tracked:
            self._open_claim(group, parcel, ParcelStatus.LOST)
        else:
            parcel.status, parcel.status_at = ParcelStatus.DELIVERED, workflow.now()
            self._delivered(group, parcel, "nobody has missed it")
        await self.desk.book.record()
        self.desk.cashier.wake()

    # --- claims ------------------------------------------------------------------------------------------------------

    def _open_claim(self, group: ShipmentGroup, parcel: Parcel, reason: ParcelStatus) -> None:
        now = workflow.now()
        parcel.claim = Claim(
            reason=reason, opened_at=now, decide_by=now + self.desk.order.terms.policy.shipping.claim_within
        )
        self.desk.book.event(
            Event.DELIVERY_EXCEPTION, ENGINE, reason=reason, group=group.n, parcel=parcel.n, lines=parcel.lines
        )
        self._notice(NoticeKind.DELIVERY_EXCEPTION, group, parcel, reason=f"parcel_{reason.value}")

    async def decide(self, command: messages.DecideClaim) -> GroupAnswer:
        """What becomes of a parcel that went wrong: sent anew, paid back, or waited for."""
        group = self.desk.order.shipment(command.n)
        parcel = group.parcel(command.parcel)
        claim = parcel.claim
        if claim is None or not claim.open:
            raise refuse(RefusalKind.NOT_ALLOWED_NOW, "Nothing about this parcel waits for a decision.")
        match command.resolution:
            case Resolution.WAIT:
                parcel.claim = claim.model_copy(update={"decide_by": self._later(claim, command)})
                self._decided(group, parcel, command.actor, command.resolution, command.reason)
            case Resolution.REFUND:
                self._refund(group, parcel, command.actor, command.reason)
            case Resolution.RESHIP:
                self._reship(group, parcel, command.actor, command.reason)
        await self.desk.book.record()
        self.desk.cashier.wake()
        return self.desk.answer(group)

    async def refund_by_default(self, group: ShipmentGroup, parcel: Parcel) -> None:
        self._refund(group, parcel, ENGINE, "deadline")
        await self.desk.book.record()
        self.desk.cashier.wake()

    def _later(self, claim: Claim, command: messages.DecideClaim) -> datetime:
        policy = self.desk.order.terms.policy.shipping
        latest = claim.opened_at + policy.longest_claim
        until = command.until or min(latest, workflow.now() + policy.claim_within)
        if not workflow.now() < until <= latest:
            raise refuse(
                RefusalKind.BEYOND_LIMIT,
                f"The decision can be put off to {latest.isoformat(timespec='seconds')} at most, and not to the past.",
            )
        return until

    def _refund(self, group: ShipmentGroup, parcel: Parcel, actor: Actor, reason: str) -> None:
        order = self.desk.order
        for line, quantity in parcel.lines.items():
            group.move(line, UnitState.LOST, quantity, UnitState.SHIPPED)
        worth = order.give_up(parcel.lines)
        self._resolve(parcel, Resolution.REFUND)
        self._decided(group, parcel, actor, Resolution.REFUND, reason, worth)

    def _reship(self, group: ShipmentGroup, parcel: Parcel, actor: Actor, reason: str) -> None:
        part = self.desk.order.replacement(group, parcel.lines)
        self.sourcing.put_in_queue(part, REJECTED)
        self._resolve(parcel, Resolution.RESHIP)
        self._decided(group, parcel, actor, Resolution.RESHIP, reason)

    def _resolve(self, parcel: Parcel, resolution: Resolution) -> None:
        assert parcel.claim is not None
        parcel.claim = parcel.claim.model_copy(update={"resolution": resolution, "resolved_at": workflow.now()})

    def _decided(
        self,
        group: ShipmentGroup,
        parcel: Parcel,
        actor: Actor,
        resolution: Resolution,
        reason: str,
        worth: int = 0,
    ) -> None:
        self.desk.book.event(
            Event.CLAIM_DECIDED,
            actor,
            reason=reason or None,
            group=group.n,
            parcel=parcel.n,
            resolution=resolution,
            amount=worth or None,
        )
        self._notice(
            NoticeKind.CLAIM_DECIDED,
            group,
            parcel,
            self.desk.book.occasion,
            choice=resolution.value,
            refund=self.desk.book.money(worth) if worth else None,
        )

    def _notice(self, kind: NoticeKind, group: ShipmentGroup, parcel: Parcel, *sequence: str, **facts: Any) -> None:
        book = self.desk.book
        book.notice(
            kind,
            parcel.n,
            *sequence,
            group=group,
            ships=True,
            lines=book.notice_lines(parcel.lines),
            carrier=parcel.carrier,
            tracking_number=parcel.tracking_number,
            **facts,
        )
