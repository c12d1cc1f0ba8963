"""An order under any commands, declines, silences and expiries: after each, units and money are right."""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from domain.amending import totals_of
from domain.cancellation import UnitsOf, by_payment, plan_cancel
from domain.change_wishes import ChangeWish, NewAddress, NewLine, NewPrices, NewWay, Way
from domain.changes import plan_change
from domain.destinations import Destination
from domain.edits import draw_up, sent_home
from domain.groups import Ending, GroupStatus, WaitsFor
from domain.ids import LineId, Sku, StoreId
from domain.intake import Method, TenderType
from domain.making_changes import make
from domain.order import GivenUp, Order
from domain.pickups import PickupGroup
from domain.refusals import Refused
from domain.repricing import going_to
from domain.terms import LineTerms
from domain.units import UnitState
from domain.waiting import waits_of
from tests.domain.sample_orders import PLACED, A, B, C, line, order
from tests.domain.simulated_bank import Bank, Teller

S = UnitState
CARD, TILL = TenderType.CARD, TenderType.PAY_IN_STORE
AT_WORK = (GroupStatus.OFFERED, GroupStatus.PICKING, GroupStatus.READY)
AT_STORE = (GroupStatus.WAITING, GroupStatus.OFFERED, GroupStatus.PICKING)
Lines = dict[LineId, int]
ANSWERS = st.sampled_from(["done", "done", "declined", "asks", "away", "lost"])
"""What the provider says next."""


class OrderMachine(RuleBasedStateMachine):
    @initialize(data=st.data())
    def place(self, data: st.DataObject) -> None:
        lines = [
            line(each, quantity, data.draw(st.integers(0, 100)), group)
            for each, quantity, group in zip(
                (A, B, C),
                data.draw(st.lists(st.integers(2, 6), min_size=1, max_size=3)),
                [1, *data.draw(st.lists(st.integers(1, 2), min_size=2, max_size=2))],
                strict=False,
            )
        ]
        total = sum(each.total for each in lines)
        self.payable = max(0, total + data.draw(st.sampled_from([0, 0, 7, 31, -5])))
        first = data.draw(st.integers(0, self.payable))
        tenders = data.draw(
            st.sampled_from(
                [
                    [(CARD, self.payable)],
                    [(TILL, self.payable)],
                    [(CARD, first), (CARD, self.payable - first)],
                    [(CARD, first), (TILL, self.payable - first)],
                    [(TILL, first), (CARD, self.payable - first)],
                ]
            )
        )
        self.order: Order = self.opened(data, lines, tenders)
        self.ordered = {each.line_id: each.quantity for each in lines}
        self.bank = Bank(single_capture=data.draw(st.booleans()))
        self.teller = Teller(self.order, self.bank)
        self.bank.next_answer = data.draw(st.sampled_from(["done", "done", "done", "asks"]))
        self.teller.authorise()
        for _ in range(data.draw(st.integers(0, 3), label="how far the stores are")):
            for group in self.order.pickups:
                self.goes_on(group, group.owed_lines(S.ALLOCATED))

    def opened(self, data: st.DataObject, lines: list[LineTerms], tenders: list[tuple[TenderType, int]]) -> Order:
        return order(*lines, tenders=tenders)

    # --- choosing ----------------------------------------------------------------------------------------------------

    def those(self, *statuses: GroupStatus) -> list[PickupGroup]:
        return [group for group in self.order.pickups if group.status in statuses]

    def one(self, data: st.DataObject, *statuses: GroupStatus) -> PickupGroup:
        return data.draw(st.sampled_from(self.those(*statuses)))

    def some(self, data: st.DataObject, there: Lines) -> Lines:
        """One unit of one line at least."""
        asked = {each: data.draw(st.integers(0, n), label=each) for each, n in there.items()}
        return {each: n for each, n in asked.items() if n} or {next(iter(there)): 1}

    # --- the store ---------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.those(*AT_STORE))
    @rule(data=st.data(), everything=st.booleans())
    def store_goes_on(self, data: st.DataObject, everything: bool) -> None:
        group = self.one(data, *AT_STORE)
        there = group.owed_lines(S.ALLOCATED)
        self.goes_on(group, there if everything or not there else self.some(data, there))

    def goes_on(self, group: PickupGroup, found: Lines) -> None:
        """Offered, then picked as far as found, then made ready."""
        if group.waits_for is WaitsFor.HOLDS:
            self.offer(group)
        elif group.status is GroupStatus.OFFERED:
            group.accepted_at = group.picking_at = PLACED
            for each, n in found.items():
                group.move(each, S.PICKED, n, S.ALLOCATED)
            self.is_elsewhere(group, group.owed_lines(S.ALLOCATED))
        elif group.status is GroupStatus.PICKING:
            for each, n in group.owed_lines(S.PICKED).items():
                group.move(each, S.READY, n, S.PICKED)
            group.ready_at = PLACED

    def offer(self, group: PickupGroup) -> None:
        for each, n in group.owed_lines(S.OPEN).items():
            group.move(each, S.ALLOCATED, n, S.OPEN)
        group.waits_for = group.accepted_at = group.picking_at = group.ready_at = None
        group.offered_at = PLACED

    @precondition(lambda self: self.those(*AT_WORK))
    @rule(data=st.data())
    def store_rejects(self, data: st.DataObject) -> None:
        group = self.one(data, *AT_WORK)
        self.is_elsewhere(group, self.some(data, group.owed_lines()))

    def is_elsewhere(self, group: PickupGroup, lines: Lines) -> None:
        """The store does not have these units: the customer's choice, or a group of their own."""
        if not lines:
            return
        for each, n in lines.items():
            group.move(each, S.OPEN, n, S.ALLOCATED, S.PICKED, S.READY)
        if sum(lines.values()) == group.owed:
            group.waits_for = WaitsFor.CHOICE
        else:
            self.order.split_off(group, lines, WaitsFor.CHOICE, [group.store_id])

    @precondition(lambda self: self.those(GroupStatus.WAITING))
    @rule(data=st.data(), cancel=st.booleans(), stays=st.booleans())
    def customer_chooses(self, data: st.DataObject, cancel: bool, stays: bool) -> None:
        group = self.one(data, GroupStatus.WAITING)
        if group.waits_for is WaitsFor.CHOICE and cancel and not stays:
            self.cancel_units(group, group.owed_lines(), Ending.CANCELLED)
        else:
            self.offer(group)

    # --- the counter -------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.those(GroupStatus.READY))
    @rule(data=st.data(), answer=ANSWERS)
    def customer_collects_some(self, data: st.DataObject, answer: str) -> None:
        group = self.one(data, GroupStatus.READY)
        self.collect(group, self.some(data, group.owed_lines(S.READY)), answer)

    @precondition(lambda self: self.those(GroupStatus.READY))
    @rule(data=st.data(), pay=st.booleans())
    def customer_collects_all(self, data: st.DataObject, pay: bool) -> None:
        group = self.one(data, GroupStatus.READY)
        lines = group.owed_lines(S.READY)
        short = self.teller.plan(more_earned=self.order.worth(lines)).short
        if short and pay and not self.teller.pending:
            self.teller.give_up_waiting()
            self.teller.paid_at_the_till(short)
        self.collect(group, lines, "done")

    def collect(self, group: PickupGroup, lines: Lines, answer: str) -> None:
        self.bank.next_answer = answer
        worth = self.order.worth(lines)
        if self.teller.plan(more_earned=worth).short or self.teller.capture_for(worth) == "declined":
            return
        for each, n in lines.items():
            group.move(each, S.HANDED_OVER, n, S.READY)
        assert self.order.settle(lines, earned=True) == worth
        if not self.teller.pending:
            assert self.held >= self.order.earned - self.order.written_off, "goods left unpaid"

    @precondition(lambda self: self.those(GroupStatus.READY))
    @rule(data=st.data(), fee=st.integers(0, 9))
    def nobody_collects(self, data: st.DataObject, fee: int) -> None:
        group = self.one(data, GroupStatus.READY)
        worth = self.cancel_units(group, group.owed_lines(), Ending.EXPIRED)
        self.order.charge_fee(group.n, min(fee, worth))

    @precondition(lambda self: self.expired)
    @rule(data=st.data())
    def store_reports_late_that_it_was_collected(self, data: st.DataObject) -> None:
        group = data.draw(st.sampled_from(self.expired))
        lines = self.some(data, {each: units.cancelled for each, units in group.units.items() if units.cancelled})
        before = self.order.earned - self.order.drop_fee(group.n)
        assert self.order.earned == before
        for each, n in lines.items():
            group.move(each, S.HANDED_OVER, n, S.CANCELLED)
        assert self.order.settle_late(lines) == self.order.earned - before

    @property
    def expired(self) -> list[PickupGroup]:
        return [group for group in self.order.pickups if group.ending is Ending.EXPIRED and group.count(S.CANCELLED)]

    @precondition(lambda self: self.order.open)
    @rule(data=st.data(), rarely=st.integers(0, 9))
    def order_is_cancelled(self, data: st.DataObject, rarely: int) -> None:
        asked = None if rarely == 9 else self.some(data, dict.fromkeys(self.ordered, 1))
        self.bank.next_answer = "done"
        in_line = not self.unsettled
        plan = plan_cancel(self.order, asked)
        voided, refunded = self.moved
        self.carry_out(plan.release, S.OPEN, S.ALLOCATED)
        self.carry_out(plan.recall, S.PICKED, S.READY)
        if in_line:
            self.teller.bring_into_line()
            assert (self.moved[0] - voided, self.moved[1] - refunded) == (plan.void, plan.refund)

    def carry_out(self, parts: list[UnitsOf], *sources: UnitState) -> None:
        for part in parts:
            group = self.order.group(part.n)
            group.move(part.line_id, S.CANCELLED, part.quantity, *sources)
            unpaid, paid = by_payment(self.order, [part])
            self.order.settle(unpaid, earned=False)
            self.order.give_up(paid)
            if not group.open and group.ending is None:
                group.ending = Ending.CANCELLED

    def cancel_units(self, group: PickupGroup, lines: Lines, ending: Ending) -> int:
        for each, n in lines.items():
            group.move(each, S.CANCELLED, n, S.OPEN, S.ALLOCATED, S.PICKED, S.READY)
        group.ending = ending
        return self.order.settle(lines, earned=False)

    # --- changes -----------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.order.open and not self.unsettled)
    @rule(data=st.data())
    def order_is_changed(self, data: st.DataObject) -> None:
        wish = self.wish(data)
        before, state = totals_of(self.order), self.order.model_copy(deep=True)
        try:
            plan = plan_change(self.order, wish)
        except Refused:
            assert self.order == state
            return
        assert self.order == state, "looking changes nothing"
        if not plan.changes_something:
            assert plan.after == before
            return
        open_before = self.plan.uncovered + self.plan.expected
        voided, refunded = self.moved
        worth_cut = sum(each.worth for each in self.order.cut.values())
        make(self.order, draw_up(self.order, wish))
        self.ordered = {each.line_id: each.quantity for each in self.order.lines}
        off = sum(each.worth for each in self.order.cut.values()) - worth_cut
        self.payable += plan.after.total - before.total + off
        assert totals_of(self.order) == plan.after
        assert max(0, self.plan.uncovered + self.plan.expected - open_before) == plan.owed
        self.bank.next_answer = "done"
        if plan.asked:
            self.teller.add_tender(CARD, plan.asked)
            self.teller.authorise()
        self.teller.bring_into_line()
        assert (self.moved[0] - voided, self.moved[1] - refunded) == (plan.void, plan.refund)

    def wish(self, data: st.DataObject) -> ChangeWish:
        lines = sorted(self.ordered)
        quantities = {}
        for each in data.draw(st.lists(st.sampled_from(lines), unique=True, max_size=2)):
            units = self.order.line_units(each)
            quantities[each] = max(0, units.owed + units.fulfilled + data.draw(st.integers(-2, 2)))
        added = []
        if data.draw(st.booleans()) and len(lines) < 8:
            quantity, price = data.draw(st.integers(1, 3)), data.draw(st.integers(0, 40))
            added.append(
                NewLine(
                    line_id=LineId(f"N{len(lines)}"),
                    sku=Sku("sku-new"),
                    quantity=quantity,
                    unit_price=price,
                    discount=data.draw(st.integers(0, quantity * price)),
                    fulfilment="f1",
                )
            )
        moved = data.draw(st.lists(st.sampled_from(lines), unique=True, max_size=2))
        way = Way(method=Method.PICKUP, store_id=StoreId(f"S{data.draw(st.integers(1, 3))}"))
        wish = ChangeWish(add=added, quantity=quantities, method=NewWay(lines=moved, way=way) if moved else None)
        return wish.model_copy(update=self.elsewhere(data)) if data.draw(st.booleans()) else wish

    def elsewhere(self, data: st.DataObject) -> dict[str, Any]:
        """Another address for what is sent home, at another price."""
        going = going_to(self.order, [group.n for group in sent_home(self.order) if group.open])
        if not going:
            return {}
        tax = data.draw(st.dictionaries(st.sampled_from(sorted(going)), st.integers(0, 30), max_size=2))
        prices = NewPrices(shipping=data.draw(st.sampled_from([None, 0, 7, 60])), tax=tax)
        return {"address": NewAddress(destination=Destination(country="AT"), origin=77), "prices": prices}

    # --- money -------------------------------------------------------------------------------------------------------

    @rule(answer=ANSWERS)
    def money_follows(self, answer: str) -> None:
        self.bank.next_answer = answer
        self.teller.bring_into_line()
        self.money_is_in_line()

    @precondition(lambda self: self.plan.uncovered or self.plan.expected)
    @rule(more=st.integers(-5, 5), till=st.booleans(), answer=ANSWERS)
    def customer_pays(self, more: int, till: bool, answer: str) -> None:
        self.bank.next_answer = answer
        amount = max(1, self.plan.uncovered + self.plan.expected + more)
        if self.teller.pending:
            return
        self.teller.give_up_waiting()
        if till:
            self.teller.paid_at_the_till(amount)
        else:
            self.teller.add_tender(CARD, amount)
            self.teller.authorise()

    @precondition(lambda self: any(tender.awaiting for tender in self.order.tenders))
    @rule(data=st.data(), confirmed=st.booleans())
    def customer_confirms(self, data: st.DataObject, confirmed: bool) -> None:
        if confirmed:
            waiting = [tender for tender in self.order.tenders if tender.awaiting]
            self.teller.confirm(data.draw(st.sampled_from(waiting)))
        else:
            self.teller.give_up_waiting()

    @precondition(lambda self: self.live and not self.teller.pending and self.bank.next_answer == "done")
    @rule(data=st.data(), renewed=st.booleans())
    def authorisation_runs_out(self, data: st.DataObject, renewed: bool) -> None:
        tender = data.draw(st.sampled_from([tender for tender in self.order.tenders if tender.live]))
        (self.teller.renew if renewed else self.teller.expires)(tender)

    @precondition(lambda self: not self.order.open and self.plan.uncovered and not self.teller.pending)
    @rule(write_off=st.booleans())
    def a_person_decides_about_what_is_missing(self, write_off: bool) -> None:
        if write_off:
            self.order.written_off += self.plan.uncovered
        else:
            for tender in self.order.tenders:
                tender.exhausted = False

    # --- what must hold ----------------------------------------------------------------------------------------------

    @property
    def plan(self) -> Any:
        return self.teller.plan()

    @property
    def held(self) -> int:
        return sum(tender.held for tender in self.order.tenders)

    @property
    def live(self) -> int:
        return sum(tender.live for tender in self.order.tenders)

    @property
    def moved(self) -> tuple[int, int]:
        tenders = self.order.tenders
        return sum(tender.voided for tender in tenders), sum(tender.refunded for tender in tenders)

    @property
    def unsettled(self) -> bool:
        waiting = any(tender.pending or tender.abandoned for tender in self.order.tenders)
        return waiting or bool(self.plan.steps)

    @invariant()
    def every_unit_is_in_one_state(self) -> None:
        for each, quantity in self.ordered.items():
            units = self.order.line_units(each)
            assert units.total == quantity
            assert all(units.count(state) >= 0 for state in S)
            given_up = self.order.given_up.get(each, GivenUp())
            assert given_up.units == units.cancelled + units.lost
            again = sum(group.units[each].owed for group in self.order.groups if group.paid and each in group.units)
            gone = units.cancelled + units.lost + units.handed_over + units.shipped + units.delivered
            assert self.order.settled.get(each, 0) == gone + again

    @invariant()
    def the_worth_of_all_units_is_what_is_payable_to_the_cent(self) -> None:
        given_up = sum(each.worth for each in self.order.given_up.values())
        goods = self.order.earned - sum(self.order.fees.values())
        assert goods + self.order.owed_worth + given_up == self.payable

    @invariant()
    def no_unit_is_worth_less_than_nothing(self) -> None:
        shares = self.order.shares
        assert all(part.payable >= 0 for each in self.ordered for part in shares.tranches(each).parts)

    @invariant()
    def what_the_customer_keeps_costs_what_is_said(self) -> None:
        goods = self.order.earned - sum(self.order.fees.values())
        assert totals_of(self.order).total == goods + self.order.owed_worth

    @invariant()
    def the_provider_s_ceilings_hold(self) -> None:
        for held in self.bank.held.values():
            assert min(held.captured, held.voided, held.refunded) >= 0
            assert held.captured + held.voided <= held.authorised
            assert held.refunded <= held.captured

    @invariant()
    def our_books_are_the_provider_s(self) -> None:
        for tender in self.order.tenders:
            assert min(tender.live, tender.captured, tender.refunded, tender.voided) >= 0
            assert tender.refunded <= tender.captured
            assert sum(tender.captures.values()) == tender.held
            if tender.pending is not None:
                continue
            theirs = {name: held for name, held in self.bank.held.items() if held.tender_id == tender.tender_id}
            for name, held in theirs.items():
                assert tender.captures.get(name, 0) == held.captured - held.refunded
                live = tender.live if name == tender.authorisation_id else 0
                assert held.left == live or name in tender.abandoned, "money held of which our books know nothing"

    @invariant()
    def nothing_is_kept_beyond_what_is_worth_it(self) -> None:
        if not self.unsettled:
            assert self.held <= self.order.earned + self.order.owed_worth
        if not self.unsettled and not self.order.open:
            assert self.held <= self.order.earned

    @invariant()
    def waits_are_told_apart(self) -> None:
        waits = [wait.id for wait in waits_of(self.order)]
        assert len(set(waits)) == len(waits)

    @invariant()
    def the_view_can_be_shown(self) -> None:
        view = self.order.view()
        gone = sum(each.handed_over + each.shipped + each.delivered for each in view.lines)
        assert gone == self.order.fulfilled_units
        assert view.payment.due == max(
            0, self.order.earned - self.order.written_off + self.order.owed_worth - self.held - self.live
        )

    def money_is_in_line(self) -> None:
        """At rest: captured is earned or prepaid, live is owed, and what is missing has a name."""
        plan, earned, owed = self.plan, self.order.earned - self.order.written_off, self.order.owed_worth
        assert plan.steps == []
        assert earned >= 0
        assert self.held + self.live + plan.expected + plan.uncovered == earned + owed
        assert plan.expected + plan.uncovered == self.order.payment.due
        assert plan.short == max(0, earned - self.held)
        if plan.uncovered:
            for tender in self.order.tenders:
                covered = tender.live or tender.held >= tender.amount or tender.type is TILL
                assert covered or tender.exhausted or tender.awaiting
        else:
            prepaid = max(0, self.held - earned)
            assert self.live + plan.expected == owed - prepaid + plan.short
        if not self.order.open:
            assert plan.expected == 0
            assert self.live == 0, "an order that ended holds money"
            assert all(held.left == 0 for held in self.bank.held.values())
            assert self.held == earned - plan.uncovered

    def teardown(self) -> None:
        if not hasattr(self, "teller"):
            return
        self.bank.next_answer = "done"
        self.teller.bring_into_line()
        self.money_is_in_line()
        self.order_is_cancelled_at_last()

    def order_is_cancelled_at_last(self) -> None:
        plan = plan_cancel(self.order)
        self.carry_out([*plan.release, *plan.recall, *plan.asked], S.OPEN, S.ALLOCATED, S.PICKED, S.READY)
        assert not self.order.open
        self.teller.bring_into_line()
        self.every_unit_is_in_one_state()
        self.the_provider_s_ceilings_hold()
        self.our_books_are_the_provider_s()
        self.money_is_in_line()


TestOrder = OrderMachine.TestCase
TestOrder.settings = settings(max_examples=100, stateful_step_count=40)
