"""What is never shipped: a group of its own, that no place works on and that is there as soon as it is paid."""

from typing import Any

import pytest

from domain.cancellation import plan_cancel
from domain.change_wishes import ChangeWish
from domain.edits import draw_up
from domain.groups import GroupStatus, WaitsFor
from domain.ids import LineId, virtual_id
from domain.intake import LineKind, OrderBody
from domain.order import Order
from domain.refusals import Refused
from domain.units import UnitState
from domain.virtual import VirtualGroup
from tests.domain.sample_orders import A, B, line, terms

CARD = B


def order(**virtual: Any) -> Order:
    """Two shoes to be collected, and three gift cards."""
    placed = terms(line(A, 2, 200), line(B, 3, 300))
    lines = [placed.lines[0], placed.lines[1].model_copy(update={"group": 2, "kind": LineKind.GIFT_CARD})]
    return Order.opened(placed.model_copy(update={"lines": lines, "virtual": 2}))


def virtual_of(order: Order) -> VirtualGroup:
    [group] = [group for group in order.groups if isinstance(group, VirtualGroup)]
    return group


def test_what_is_never_shipped_has_a_group_of_its_own_that_no_place_works_on():
    placed = order()
    group = virtual_of(placed)
    assert (group.group_id, group.owed_lines(), group.status) == (
        virtual_id(placed.terms.order_id, 2),
        {CARD: 3},
        GroupStatus.WAITING,
    )
    assert [each.owed_lines() for each in placed.pickups] == [{A: 2}]
    assert placed.shipments == []
    view = placed.view().groups[-1]
    assert (view.kind, view.store_id, view.status) == ("virtual", None, GroupStatus.WAITING)
    group.waits_for = None
    assert group.status is GroupStatus.QUEUED


def test_it_is_delivered_at_once_and_then_nothing_of_it_can_be_cancelled():
    placed = order()
    group = virtual_of(placed)
    placed.settle({CARD: 2}, earned=True)
    group.deliver({CARD: 2})
    assert placed.line_units(CARD).delivered == 2
    plan = plan_cancel(placed)
    assert {part.line_id: part.quantity for part in plan.release} == {A: 2, CARD: 1}
    assert [(part.line_id, part.quantity) for part in plan.refused] == [(CARD, 2)]
    group.move(CARD, UnitState.CANCELLED, 1, UnitState.OPEN)
    assert group.status is GroupStatus.DELIVERED


def test_what_was_cancelled_before_it_was_paid_is_cancelled():
    group = virtual_of(order())
    group.move(CARD, UnitState.CANCELLED, 3, UnitState.OPEN)
    assert (group.status, group.open) == (GroupStatus.CANCELLED, False)


@pytest.mark.parametrize("wish", [ChangeWish(remove=[CARD]), ChangeWish(quantity={CARD: 4})])
def test_it_is_cancelled_or_ordered_anew_but_not_changed(wish: ChangeWish):
    with pytest.raises(Refused, match="never shipped"):
        draw_up(order(), wish)


def test_it_commits_no_stock():
    group = virtual_of(order())
    assert (group.has_stock, group.store_id, group.customer_place) == (False, "", None)
    assert group.successor(7, {}, WaitsFor.HOLDS, []).n == 7


# --- in a body --------------------------------------------------------------------------------------------------------


def body(**changes: Any) -> dict[str, Any]:
    card = {"line_id": "1", "sku": "GIFT", "quantity": 1, "unit_price": 2500, "kind": "gift_card", "fulfilment": "mail"}
    return {
        "channel": "web",
        "external_id": "W-1",
        "placed_at": "2026-03-02T09:00:00Z",
        "currency": "EUR",
        "customer": {"ref": "C-1"},
        "lines": [card | changes],
        "fulfilments": [{"id": "mail", "method": "virtual"}],
        "total": 2500,
        "tenders": [{"type": "card", "token": "tok_ok", "amount": 2500}],
    }


def test_a_gift_card_may_go_to_somebody_else():
    taken = OrderBody.model_validate(body(recipient={"email": "friend@example.org"}))
    assert taken.lines[0].recipient is not None


@pytest.mark.parametrize(
    "changes", [{"kind": "goods"}, {"kind": "virtual", "recipient": {"email": "friend@example.org"}}]
)
def test_goods_are_not_mailed_and_only_gift_cards_have_a_recipient(changes: dict[str, Any]):
    with pytest.raises(ValueError, match=r"fetched or shipped|only a gift card"):
        OrderBody.model_validate(body(**changes))


def test_line_ids_are_as_they_were():
    assert {each.line_id for each in order().lines} == {LineId(A), LineId(B)}
