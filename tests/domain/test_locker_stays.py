"""What follows from what an operator says of a parcel machine; and what nothing follows from."""

from datetime import timedelta

import pytest

from domain.cancellation import plan_cancel
from domain.groups import GroupStatus, WaitsFor
from domain.hearsay import Effect
from domain.ids import GroupId, LineId, OrderId, StoreId
from domain.intake import PickupMode
from domain.locker_stays import (
    MOST_EVENTS,
    CounterReason,
    LockerNews,
    LockerStay,
    StayStatus,
    StayStep,
    TakeOut,
    counter_reason,
    next_step,
    size_for,
)
from domain.lockers import (
    Compartment,
    CompartmentId,
    CompartmentSize,
    CompartmentStatus,
    LockerId,
    LockerRefusal,
    compartment_status,
)
from domain.order import Order
from domain.pickups import PickupGroup
from domain.terms import PickupTerms
from domain.units import UnitState
from domain.waiting import waits_of
from tests.domain.sample_orders import PLACED, A, after, line, order

ORDER, MINE, OTHER = OrderId("o1"), CompartmentId("cmp_1"), CompartmentId("cmp_2")
AT_LOCKER = PickupTerms(
    n=1, fulfilment="f1", store_id=StoreId("S1"), mode=PickupMode.LOCKER, locker_id=LockerId("L001")
)


def accepted(quantity: int = 2) -> tuple[Order, PickupGroup, LockerStay]:
    """An order whose store has accepted it; no compartment is reserved yet."""
    placed = order(line(A, quantity, 100 * quantity), pickups=[AT_LOCKER])
    group = placed.pickup(1)
    group.move(A, UnitState.ALLOCATED, quantity, UnitState.OPEN)
    group.waits_for, group.offered_at, group.accepted_at = None, PLACED, PLACED
    assert group.locker is not None
    return placed, group, group.locker


def filled() -> tuple[Order, PickupGroup, LockerStay]:
    """Its goods lie in the machine, and the customer was told."""
    placed, group, stay = accepted()
    stay.reserved(compartment())
    stay.take(news("deposited", minutes=5))
    group.move(A, UnitState.PICKED, 2, UnitState.ALLOCATED)
    group.move(A, UnitState.READY, 2, UnitState.PICKED)
    group.ready_at = after(minutes=5)
    return placed, group, stay


def compartment(name: CompartmentId = MINE) -> Compartment:
    return Compartment(
        id=name,
        locker_id=LockerId("L001"),
        size=CompartmentSize.SMALL,
        reference=ORDER,
        group=GroupId("pickup/o1/1"),
        status=CompartmentStatus.RESERVED,
        status_at=PLACED,
        reserved_until=after(days=1),
    )


def news(said: str, *, minutes: float = 10, event_id: str | None = None, of: CompartmentId = MINE) -> LockerNews:
    return LockerNews(
        event_id=event_id or f"{of}:{said}:{minutes}",
        compartment_id=of,
        at=after(minutes=minutes),
        said=said,
        status=compartment_status(said),
        collect_by=after(days=3) if said == "deposited" else None,
    )


def test_a_compartment_is_asked_for_once_the_store_has_accepted_and_no_hold_stands() -> None:
    placed, group, stay = accepted()
    assert (stay.status, next_step(group, held=False)) == (StayStatus.REQUESTED, StayStep.RESERVE)
    assert next_step(group, held=True) is None
    stay.asking = True
    assert next_step(group, held=False) is None
    group.accepted_at = None
    assert group.status is GroupStatus.OFFERED
    assert [wait.what for wait in waits_of(placed)] == ["store accepts"]


@pytest.mark.parametrize(
    ("said", "step"),
    [
        ("reserved", None),
        ("deposited", StayStep.FILL),
        ("collected", StayStep.HAND_OUT),
        ("expired", StayStep.GO_BACK),
        ("returned", StayStep.GO_BACK),
        ("released", StayStep.TO_COUNTER),
        ("door_jammed", None),
    ],
)
def test_what_follows_while_the_store_is_at_work(said: str, step: StayStep | None) -> None:
    _, group, stay = accepted()
    stay.reserved(compartment())
    stay.take(news(said))
    assert next_step(group, held=False) is step


def test_a_hold_keeps_the_code_back_and_stops_nothing_that_has_happened() -> None:
    _, group, stay = accepted()
    stay.reserved(compartment())
    stay.take(news("deposited"))
    assert next_step(group, held=True) is None
    stay.take(news("collected", minutes=20))
    assert next_step(group, held=True) is StayStep.HAND_OUT


def test_what_is_not_wanted_any_more_is_given_up_and_emptied() -> None:
    placed, group, stay = accepted()
    stay.reserved(compartment())
    group.move(A, UnitState.CANCELLED, 2, UnitState.ALLOCATED)
    assert next_step(group, held=False) is StayStep.GIVE_UP
    assert placed.under_way, "no order ends with a compartment that is held for it"
    stay.give_up(ORDER, 1)
    assert (stay.spare, stay.status) == (["o1:locker:1:1"], StayStatus.RELEASED)
    assert next_step(group, held=False) is StayStep.EMPTY
    assert placed.under_way
    stay.spare.clear()
    assert next_step(group, held=False) is None
    assert not placed.under_way


def test_another_compartment_has_another_key() -> None:
    _, _, stay = accepted()
    stay.reserved(compartment())
    stay.give_up(ORDER, 1)
    assert stay.key(ORDER, 1) == "o1:locker:1:2"
    stay.reserved(compartment(OTHER))
    assert stay.take(news("deposited")) is Effect.OUT_OF_ORDER, "of the one that was given up"
    assert stay.said is CompartmentStatus.RESERVED


def test_one_that_may_have_been_reserved_is_spare() -> None:
    _, _, stay = accepted()
    stay.asking = True
    stay.unanswered(ORDER, 1)
    assert (stay.spare, stay.asking) == (["o1:locker:1:1"], False)


def test_news_that_come_before_the_answer_count_once_it_is_there() -> None:
    _, group, stay = accepted()
    assert stay.take(news("deposited")) is None
    assert stay.take(news("deposited", of=OTHER)) is None
    stay.reserved(compartment())
    assert stay.said is CompartmentStatus.DEPOSITED
    assert (stay.collect_by, [each.compartment_id for each in stay.early]) == (after(days=3), [OTHER])
    assert next_step(group, held=False) is StayStep.FILL


def test_news_count_once_and_an_operator_that_never_stops_is_not_listened_to_for_ever() -> None:
    _, _, stay = accepted()
    stay.reserved(compartment())
    assert stay.take(news("deposited", event_id="one")) is Effect.APPLIED
    assert stay.take(news("collected", event_id="one")) is None
    for number in range(2 * MOST_EVENTS):
        stay.take(news("deposited", event_id=f"again {number}"))
    assert len(stay.sightings) == MOST_EVENTS


def test_only_the_whole_of_what_lies_in_a_machine_can_be_cancelled_and_its_operator_is_asked() -> None:
    placed, group, stay = filled()
    part = plan_cancel(placed, {A: 1})
    assert (part.stops_something, [each.quantity for each in part.refused]) == (False, [1])
    plan = plan_cancel(placed)
    assert ([each.quantity for each in plan.asked], plan.recall, plan.void, plan.refused) == ([2], [], 0, [])
    assert next_step(group, held=False) is None
    stay.take_out = take_out({A: 2})
    assert next_step(group, held=False) is StayStep.TAKE_OUT
    assert not plan_cancel(placed).stops_something, "it is asked already"
    assert "locker operator takes the goods out again" in [wait.what for wait in waits_of(placed)]
    stay.take(news("collected"))
    assert next_step(group, held=False) is StayStep.HAND_OUT


def take_out(lines: dict[LineId, int]) -> TakeOut:
    return TakeOut(lines=lines, reason="customer", since=after(minutes=6))


def test_what_lies_in_a_machine_is_waited_for_there() -> None:
    placed, group, _ = filled()
    [wait] = waits_of(placed)
    assert (wait.what, wait.who) == ("customer collects from locker L001", "customer")
    assert (group.in_locker, group.out_of_reach, group.goes_to_locker) == (True, True, False)


def test_units_that_go_elsewhere_take_the_wish_with_them_and_not_the_compartment() -> None:
    placed, group, stay = accepted()
    stay.reserved(compartment())
    group.move(A, UnitState.OPEN, 1, UnitState.ALLOCATED)
    part = placed.split_off(group, {A: 1}, WaitsFor.CHOICE, [])
    assert part.locker is not None
    assert (part.locker.locker_id, part.locker.compartment_id) == ("L001", None)


@pytest.mark.parametrize(
    ("refusal", "reason"),
    [
        (LockerRefusal.FULL, CounterReason.FULL),
        (LockerRefusal.OUT_OF_ORDER, CounterReason.OUT_OF_ORDER),
        (LockerRefusal.UNKNOWN_LOCKER, CounterReason.OUT_OF_ORDER),
    ],
)
def test_a_refusal_sends_to_the_counter(refusal: LockerRefusal, reason: CounterReason) -> None:
    _, group, stay = accepted()
    stay.counter = counter_reason(refusal)
    assert stay.counter is reason
    assert next_step(group, held=False) is None
    assert (stay.status is StayStatus.FULL) is (reason is CounterReason.FULL)


@pytest.mark.parametrize(
    ("units", "size"),
    [(1, "small"), (2, "small"), (3, "medium"), (6, "medium"), (7, "large"), (500, "large")],
)
def test_the_more_units_the_larger_the_compartment(units: int, size: str) -> None:
    assert size_for(units) == size


def test_a_stay_survives_being_written_down() -> None:
    placed, _, _ = filled()
    again = Order.model_validate_json(placed.model_dump_json())
    assert again == placed
    assert again.view().groups[0].locker == placed.view().groups[0].locker


def test_the_time_of_the_customer_is_the_operators_last_word() -> None:
    _, _, stay = filled()
    longer = news("deposited", minutes=20).model_copy(update={"collect_by": after(days=5)})
    assert stay.take(longer) is Effect.REPEATED
    assert stay.collect_by == PLACED + timedelta(days=5)


def test_a_stay_without_an_end_to_reckon_with_has_none():
    never = PLACED.replace(year=9999)
    stay = LockerStay(locker_id=LockerId("L001"), store_id=StoreId("S1"))
    stay.reserved(compartment().model_copy(update={"collect_by": never}))
    assert stay.collect_by is None
    stay.take(news("deposited").model_copy(update={"collect_by": never}))
    assert (stay.status, stay.collect_by) == (StayStatus.DEPOSITED, None)
    stay.take(news("deposited", minutes=20).model_copy(update={"collect_by": after(days=3)}))
    assert stay.collect_by == after(days=3)
