"""What an order waits for follows from its state: each wait once, the next deadline first."""

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.groups import GroupStatus, WaitsFor
from domain.holds import Hold, HoldKind, HoldOutcome
from domain.ids import HoldId, StoreId
from domain.intake import PickupMode
from domain.order import Order
from domain.pickups import PickupGroup
from domain.units import Units, UnitState
from domain.views import InterventionView
from domain.waiting import waits_of
from domain.waits import Trouble, Wait
from tests.domain.sample_orders import PLACED, A, after, line, order


def at(**state: Any) -> Order:
    placed = order(line(A, 2, 100))
    group = placed.groups[0]
    group.waits_for = None
    for name, value in state.items():
        setattr(group, name, value)
    return placed


def only(placed: Order) -> Wait:
    (wait,) = waits_of(placed)
    return wait


def hold(n: int = 1, deadline: datetime | None = None) -> Hold:
    return Hold(
        hold_id=HoldId(f"h{n}"),
        kind=HoldKind.FRAUD,
        reason="reviewed",
        owner="fraud screening",
        since=after(minutes=n),
        deadline=deadline,
    )


SOON, LATER = after(minutes=30), after(days=2)


@pytest.mark.parametrize(
    ("state", "wait"),
    [
        (
            {"waits_for": WaitsFor.CHOICE, "waiting_since": SOON, "choose_by": LATER},
            ("choice/1", "customer", SOON, LATER, "cancel and refund"),
        ),
        (
            {"waits_for": WaitsFor.STOCK, "waiting_since": SOON, "choose_by": LATER},
            ("stock/1", "store S1", SOON, LATER, "cancel and refund"),
        ),
        (
            {"offered_at": PLACED, "accept_by": SOON},
            ("acceptance/1", "store S1", PLACED, SOON, "store is reminded"),
        ),
        (
            {"offered_at": PLACED, "accept_by": SOON, "escalated": True},
            ("acceptance/1", "store S1", PLACED, SOON, "customer is offered alternatives"),
        ),
        (
            {"accepted_at": SOON, "promised_ready_at": LATER},
            ("picking/1", "store S1", SOON, LATER, "store is reminded"),
        ),
        (
            {"accepted_at": PLACED, "picking_at": SOON, "promised_ready_at": LATER},
            ("picking/1", "store S1", SOON, LATER, "store is reminded"),
        ),
        (
            {"accepted_at": PLACED, "ready_at": SOON, "deadline": LATER},
            ("collection/1", "customer", SOON, LATER, "cancel and refund"),
        ),
    ],
)
def test_a_group_waits_for_whoever_must_act_next(state: dict[str, Any], wait: tuple[Any, ...]):
    found = only(at(**state))
    assert (found.id, found.who, found.since, found.deadline, found.default) == wait


def test_the_store_picks_then_makes_ready():
    assert only(at(accepted_at=PLACED)).what == "store picks"
    assert only(at(accepted_at=PLACED, picking_at=PLACED)).what == "store makes it ready"


def test_while_holds_stand_only_they_are_waited_for():
    placed = at(offered_at=PLACED, accept_by=SOON)
    placed.holds = [hold(1), hold(2, LATER)]
    assert [(wait.id, wait.deadline, wait.default) for wait in waits_of(placed)] == [
        ("hold/h2", LATER, HoldOutcome.CANCEL),
        ("hold/h1", None, None),
    ]
    assert waits_of(placed)[0].what == "fraud hold: reviewed"


def test_an_outside_system_and_a_person_are_waited_for_beside_the_store():
    placed = at(offered_at=PLACED, accept_by=SOON)
    placed.troubles["payment"] = Trouble(system="payment system", step="void", since=SOON, error="503")
    placed.interventions = [
        InterventionView(intervention_id="i1", step="capture", error="odd", since=LATER, choices=["retry"])
    ]
    assert [(wait.id, wait.who, wait.last_error) for wait in waits_of(placed)] == [
        ("acceptance/1", "store S1", None),
        ("system/payment", "payment system", "503"),
        ("intervention/i1", "ops", "odd"),
    ]


def test_a_group_that_ended_waits_for_nothing():
    placed = at(units={A: Units(handed_over=2)}, ready_at=PLACED, deadline=SOON)
    assert waits_of(placed) == []


def test_a_finished_order_waits_for_nothing_even_if_a_hold_was_left_behind():
    placed = at(units={A: Units(cancelled=2)})
    placed.holds = [hold()]
    placed.finished = True
    assert (waits_of(placed), placed.view().waiting_for) == ([], [])


MOMENTS = ("offered_at", "accept_by", "accepted_at", "picking_at", "ready_at", "deadline", "choose_by")
moments = st.none() | st.integers(0, 5).map(lambda hours: after(hours=hours))


@st.composite
def any_orders(draw: st.DrawFn) -> Order:
    placed = order(line(A, 12, 1200))
    placed.groups = [
        PickupGroup(
            order_id=placed.terms.order_id,
            n=n,
            store_id=StoreId(draw(st.sampled_from(["S1", "S2"]))),
            mode=PickupMode.COUNTER,
            units={A: Units(**{draw(st.sampled_from(UnitState)).value: 1})},
            waits_for=draw(st.none() | st.sampled_from([WaitsFor.HOLDS, WaitsFor.CHOICE, WaitsFor.STOCK])),
            **{
                name: draw(moments)
                for name in (
                    "offered_at",
                    "accept_by",
                    "accepted_at",
                    "picking_at",
                    "ready_at",
                    "deadline",
                    "choose_by",
                )
            },
        )
        for n in range(1, draw(st.integers(1, 5)) + 1)
    ]
    placed.holds = [hold(n, draw(moments)) for n in range(draw(st.integers(0, 2)))]
    if draw(st.booleans()):
        placed.troubles["payment"] = Trouble(system="payment system", step="void", since=PLACED, error="503")
    placed.interventions = [
        InterventionView(intervention_id=f"i{n}", step="void", error="odd", since=after(hours=n), choices=[])
        for n in range(draw(st.integers(0, 2)))
    ]
    placed.finished = draw(st.booleans())
    return placed


@given(any_orders())
def test_no_wait_is_there_twice_and_the_next_deadline_comes_first(placed: Order):
    waits = waits_of(placed)
    assert len({wait.id for wait in waits}) == len(waits)
    deadlines = [wait.deadline for wait in waits]
    some = [deadline for deadline in deadlines if deadline is not None]
    assert deadlines == [*sorted(some), *[None] * (len(waits) - len(some))]
    assert all(wait.default for wait in waits if wait.deadline)


@given(any_orders())
def test_an_order_that_is_not_finished_waits_for_each_of_its_open_groups_and_holds(placed: Order):
    ids = {wait.id for wait in waits_of(placed)}
    if placed.finished:
        assert ids == set()
        return
    assert {wait for wait in ids if wait.startswith("hold/")} == {f"hold/{each.hold_id}" for each in placed.holds}
    numbers = [
        int(each.rsplit("/", 1)[1]) for each in ids if not each.startswith(("hold/", "system/", "intervention/"))
    ]
    waiting = [
        each.n
        for each in placed.groups
        if each.open and not (each.status is GroupStatus.WAITING and each.waits_for is WaitsFor.HOLDS)
    ]
    assert sorted(numbers) == ([] if placed.holds else waiting)
