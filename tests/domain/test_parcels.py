"""What a parcel's carrier says: kept once, followed where it can be true."""

from datetime import datetime

from domain.carriage import ParcelStatus
from domain.hearsay import Effect
from domain.parcels import MOST_EVENTS, Parcel
from tests.domain.sample_orders import PLACED, A, after

P = ParcelStatus


def parcel() -> Parcel:
    return Parcel(
        n=1,
        lines={A: 1},
        carrier="Handcart",
        tracking_number="HC-1",
        shipped_at=after(hours=4),
        due_at=after(days=4),
        overdue_at=after(days=14),
        status_at=PLACED,
    )


def hear(one: Parcel, status: ParcelStatus, at: datetime, event_id: str | None = None) -> Effect | None:
    return one.take(event_id or f"{status}-{at}", at, status.value, status)


def test_the_same_event_counts_once():
    one = parcel()
    assert hear(one, P.PICKED_UP, after(hours=5), "e1") is Effect.APPLIED
    assert hear(one, P.DELIVERED, after(hours=6), "e1") is None
    assert (one.status, len(one.events)) == (P.PICKED_UP, 1)


def test_what_is_told_late_is_kept_and_changes_nothing():
    one = parcel()
    hear(one, P.OUT_FOR_DELIVERY, after(hours=9))
    assert hear(one, P.IN_TRANSIT, after(hours=7)) is Effect.OUT_OF_ORDER
    assert (one.status, len(one.events)) == (P.OUT_FOR_DELIVERY, 2)


def test_an_unknown_word_is_kept_and_changes_nothing():
    one = parcel()
    assert one.take("e1", after(hours=5), "held_for_inspection", P.UNKNOWN) is Effect.UNKNOWN
    assert (one.status, one.events[0].said) == (P.LABEL_CREATED, "held_for_inspection")
    assert one.tracked


def test_a_carrier_may_have_it_before_its_place_says_so():
    one = parcel()
    assert hear(one, P.PICKED_UP, after(hours=3)) is Effect.APPLIED


def test_what_was_delivered_stays_so():
    one = parcel()
    hear(one, P.DELIVERED, after(hours=9))
    assert hear(one, P.LOST, after(hours=10)) is Effect.ILLEGAL
    assert (one.status, one.on_its_way) == (P.DELIVERED, False)


def test_what_was_lost_may_turn_up():
    one = parcel()
    hear(one, P.LOST, after(hours=9))
    assert hear(one, P.DELIVERED, after(days=9)) is Effect.APPLIED


def test_a_carrier_that_never_stops_talking_is_heard_no_more():
    one = parcel()
    for n in range(MOST_EVENTS + 5):
        one.take(f"e{n}", after(hours=5, seconds=n), "beep", P.UNKNOWN)
    assert len(one.events) == MOST_EVENTS


def test_somebody_asks_where_it_is_when_it_is_late_and_when_it_is_overdue():
    one = parcel()
    assert (one.asked_at, one.default) == (after(days=4), "customer is told that it is late")
    one.told_late = True
    assert (one.asked_at, one.default) == (after(days=14), "it counts as delivered")
    hear(one, P.PICKED_UP, after(hours=5))
    assert one.default == "it counts as lost"
