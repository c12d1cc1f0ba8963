"""The same orders when some of their groups ship: places give up, parcels leave, get lost, are sent again."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from domain.carriage import ParcelStatus
from domain.groups import FINAL, GroupStatus, WaitsFor
from domain.ids import StoreId
from domain.intake import PickupMode, TenderType
from domain.order import Order
from domain.parcels import Claim, Parcel, Resolution
from domain.shipments import ShipmentGroup
from domain.terms import LineTerms, PickupTerms
from domain.units import UnitState
from tests.domain.sample_orders import PLACED, after, order, shipment_terms
from tests.domain.test_order_machine import ANSWERS, Lines, OrderMachine

S, G = UnitState, GroupStatus
WITHOUT_PLACE = (G.WAITING, G.QUEUED)
AT_PLACE = (G.OFFERED, G.PICKING, G.PACKED)


class ShipmentMachine(OrderMachine):
    def opened(self, data: st.DataObject, lines: list[LineTerms], tenders: list[tuple[TenderType, int]]) -> Order:
        numbers = sorted({each.group for each in lines})
        ships = {n for n in numbers if data.draw(st.booleans(), label=f"group {n} ships")} or {numbers[0]}
        return order(
            *lines,
            tenders=tenders,
            prices_include_tax=data.draw(st.booleans(), label="prices include tax"),
            shipments=[shipment_terms(n) for n in numbers if n in ships],
            pickups=[
                PickupTerms(n=n, fulfilment=f"f{n}", store_id=StoreId(f"S{n}"), mode=PickupMode.COUNTER)
                for n in numbers
                if n not in ships
            ],
        )

    def parcels_of(self, *statuses: GroupStatus) -> list[ShipmentGroup]:
        return [group for group in self.order.shipments if group.status in statuses]

    def shipment(self, data: st.DataObject, *statuses: GroupStatus) -> ShipmentGroup:
        return data.draw(st.sampled_from(self.parcels_of(*statuses)))

    # --- places ------------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.parcels_of(*WITHOUT_PLACE))
    @rule(data=st.data())
    def a_place_is_found(self, data: st.DataObject) -> None:
        group = self.shipment(data, *WITHOUT_PLACE)
        lines = group.owed_lines(S.OPEN)
        part = self.some(data, lines)
        if part != lines:
            self.order.split_off(
                group, {each: n - part.get(each, 0) for each, n in lines.items()}, WaitsFor.SOURCING, []
            )
        for each, n in part.items():
            group.move(each, S.ALLOCATED, n, S.OPEN)
        group.store_id = StoreId(f"P{group.n}")
        group.waits_for, group.offered_at = None, PLACED

    @precondition(lambda self: self.parcels_of(G.OFFERED, G.PICKING))
    @rule(data=st.data())
    def place_goes_on(self, data: st.DataObject) -> None:
        """Picks what it finds, then packs some of it."""
        group = self.shipment(data, G.OFFERED, G.PICKING)
        if group.status is G.OFFERED:
            found = self.some(data, group.owed_lines(S.ALLOCATED))
            group.accepted_at = group.picking_at = PLACED
            for each, n in found.items():
                group.move(each, S.PICKED, n, S.ALLOCATED)
            self.moves_on(group, group.owed_lines(S.ALLOCATED))
        else:
            for each, n in self.some(data, group.unpacked).items():
                group.packed[each] = group.packed.get(each, 0) + n

    @precondition(lambda self: self.parcels_of(*AT_PLACE))
    @rule(data=st.data())
    def place_rejects(self, data: st.DataObject) -> None:
        group = self.shipment(data, *AT_PLACE)
        self.moves_on(group, self.some(data, group.owed_lines()))

    def moves_on(self, group: ShipmentGroup, lines: Lines) -> None:
        if not lines:
            return
        for each, n in lines.items():
            group.move(each, S.OPEN, n, S.ALLOCATED, S.PICKED)
        group.keep_packed_within_picked()
        part = self.order.split_off(group, lines, WaitsFor.SOURCING, [group.store_id])
        assert group.store_id in part.declined_by
        assert part.replaces == group.replaces

    @precondition(lambda self: any(group.packed for group in self.order.shipments))
    @rule(data=st.data(), answer=ANSWERS)
    def some_leave(self, data: st.DataObject, answer: str) -> None:
        group = data.draw(st.sampled_from([group for group in self.order.shipments if group.packed]))
        lines = self.some(data, dict(group.packed))
        self.bank.next_answer = answer
        # What an earlier capture left open, when it was declined after its goods had gone, is a person's matter.
        open_before = min(0, self.kept_beyond)
        if not group.paid:
            worth = self.order.worth(lines)
            if self.teller.plan(more_earned=worth).short or self.teller.capture_for(worth) == "declined":
                return
            assert self.order.settle(lines, earned=True) == worth
        for each, n in lines.items():
            group.move(each, S.SHIPPED, n, S.PICKED)
        group.take_from_box(lines)
        n = len(group.parcels) + 1
        group.parcels.append(
            Parcel(
                n=n,
                lines=lines,
                carrier="Handcart",
                tracking_number=f"HC-{group.n}-{n}",
                shipped_at=PLACED,
                due_at=after(days=4),
                overdue_at=after(days=14),
                status_at=PLACED,
            )
        )
        if not self.teller.pending:
            assert self.kept_beyond >= open_before, "goods left unpaid"

    @property
    def kept_beyond(self) -> int:
        """Money that is kept, beyond the worth of what left."""
        return self.held - (self.order.earned - self.order.written_off)

    # --- carriers ----------------------------------------------------------------------------------------------------

    @property
    def on_their_way(self) -> list[tuple[ShipmentGroup, Parcel]]:
        return [(group, each) for group in self.order.shipments for each in group.parcels if each.on_its_way]

    @property
    def claimed(self) -> list[tuple[ShipmentGroup, Parcel]]:
        return [(group, each) for group in self.order.shipments for each in group.parcels if each.claimed]

    @precondition(lambda self: self.on_their_way)
    @rule(data=st.data(), lost=st.booleans())
    def carrier_says(self, data: st.DataObject, lost: bool) -> None:
        group, parcel = data.draw(st.sampled_from(self.on_their_way))
        if lost:
            parcel.status = ParcelStatus.LOST
            parcel.claim = Claim(reason=ParcelStatus.LOST, opened_at=PLACED, decide_by=after(days=20))
        else:
            parcel.status = ParcelStatus.DELIVERED
            for each, n in parcel.lines.items():
                group.move(each, S.DELIVERED, n, S.SHIPPED)

    @precondition(lambda self: self.claimed)
    @rule(data=st.data(), again=st.booleans())
    def a_claim_is_decided(self, data: st.DataObject, again: bool) -> None:
        group, parcel = data.draw(st.sampled_from(self.claimed))
        before = self.order.earned
        if again:
            part = self.order.replacement(group, parcel.lines)
            assert (part.owed, part.paid) == (sum(parcel.lines.values()), True)
            assert self.order.earned == before
        else:
            for each, n in parcel.lines.items():
                group.move(each, S.LOST, n, S.SHIPPED)
            assert self.order.give_up(parcel.lines) == before - self.order.earned
        resolution = Resolution.RESHIP if again else Resolution.REFUND
        parcel.claim = parcel.claim.model_copy(update={"resolution": resolution, "resolved_at": PLACED})

    # --- what must hold ----------------------------------------------------------------------------------------------

    @invariant()
    def boxes_hold_only_what_was_picked(self) -> None:
        for group in self.order.shipments:
            for each, n in group.packed.items():
                assert 0 < n <= group.units[each].picked
            assert group.begun or not group.packed

    @invariant()
    def what_rests_has_a_final_status(self) -> None:
        for group in self.order.shipments:
            rests = not group.open and not group.under_way
            assert rests is (group.status in FINAL or (group.status is G.EXCEPTION and not group.under_way)), group

    @invariant()
    def what_left_is_in_a_parcel(self) -> None:
        for group in self.order.shipments:
            again = [each.lines for each in group.parcels if each.claim and each.claim.resolution is Resolution.RESHIP]
            left = group.count(S.SHIPPED, S.DELIVERED, S.LOST) + sum(sum(lines.values()) for lines in again)
            assert sum(sum(parcel.lines.values()) for parcel in group.parcels) == left


TestShippedOrder = ShipmentMachine.TestCase
TestShippedOrder.settings = settings(max_examples=60, stateful_step_count=40)
