"""Units that were sold beyond stock: until when they are waited for, what they owe, and what is shown of them."""

from datetime import timedelta

from domain.cancellation import plan_cancel
from domain.groups import GroupStatus, WaitsFor
from domain.order import Order
from domain.supply import awaited, secured_at
from domain.waits import WaitKind
from tests.domain.sample_orders import PLACED, A, B, after, line, order

WAIT = timedelta(days=30)


def waiting(*, unsecured: bool = False, **span: float) -> Order:
    """An order of two groups, of which the first waits for supply."""
    placed = order(line(A, 2, 1000), line(B, 1, 500, group=2))
    group = placed.pickup(1)
    group.waits_for = WaitsFor.SUPPLY
    group.supply = awaited(after(**span) if span else None, PLACED, WAIT)
    placed.unsecured = unsecured
    return placed


def test_supply_is_waited_for_so_long_after_it_was_to_come():
    assert awaited(after(days=40), PLACED, WAIT).until == after(days=70)


def test_an_unknown_or_past_date_gives_the_whole_wait_from_now():
    assert awaited(None, PLACED, WAIT).until == after(days=30)
    assert awaited(after(days=-9), PLACED, WAIT).until == after(days=30)


def test_money_is_asked_for_some_time_before_a_known_date_only():
    assert secured_at(after(days=40), timedelta(days=3)) == after(days=37)
    assert secured_at(None, timedelta(days=3)) is None


def test_an_order_shows_what_it_waits_for_and_until_when():
    placed = waiting(days=40)
    placed.pickup(2).waits_for = None
    [wait] = [wait for wait in placed.view().waiting_for if wait.kind is WaitKind.STOCK]
    assert (wait.id, wait.who, wait.deadline, wait.default) == ("supply/1", "seller", after(days=70), "cancel")
    assert wait.what == "stock arrives, expected 2026-04-11"
    [ahead, here] = placed.view().groups
    assert (ahead.status, ahead.backordered, ahead.expected_at) == (GroupStatus.WAITING, True, after(days=40))
    assert (here.backordered, here.expected_at) == (False, None)


def test_a_wait_without_a_date_names_none():
    [wait] = [wait for wait in waiting().view().waiting_for if wait.kind is WaitKind.STOCK]
    assert wait.what == "stock arrives"


def test_while_supply_is_far_everything_is_due_and_nothing_must_be_covered():
    placed = waiting(unsecured=True)
    assert (placed.secured_worth, placed.owed_worth, placed.payment.due) == (0, 1500, 1500)
    placed.unsecured = False
    assert placed.secured_worth == 1500


def test_a_cancel_of_what_waits_frees_its_units_and_no_money_that_was_never_authorised():
    plan = plan_cancel(waiting(unsecured=True))
    assert {(part.line_id, part.quantity) for part in plan.release} == {(A, 2), (B, 1)}
    assert (plan.void, plan.refund) == (0, 0)


def test_stock_of_what_waits_is_nowhere():
    placed = waiting()
    assert (placed.pickup(1).has_stock, placed.pickup(2).has_stock) == (False, True)
