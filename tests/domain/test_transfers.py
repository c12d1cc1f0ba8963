"""What is sent to the store where it is collected: one group under one number, and every unit of it accounted for."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.destinations import Destination
from domain.groups import GroupStatus
from domain.ids import LineId, OrderId, StoreId
from domain.intake import Service
from domain.order import group_view
from domain.parcels import Parcel
from domain.refusals import Refused
from domain.transfers import TransferGroup
from domain.transits import receive
from domain.units import Units

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
ONE, TWO = LineId("1"), LineId("2")
LINES = st.dictionaries(st.sampled_from([ONE, TWO]), st.integers(0, 5))


def transfer(**more: object) -> TransferGroup:
    fields = {
        "order_id": OrderId("o"),
        "n": 3,
        "origin": 3,
        "store_id": StoreId("W001"),
        "to_store": StoreId("S001"),
        "service": Service.STANDARD,
        "destination": Destination(country="DE"),
        "units": {ONE: Units(picked=2)},
        "waits_for": None,
        "offered_at": NOW,
    }
    return TransferGroup.model_validate(fields | more)


def parcel() -> Parcel:
    return Parcel(
        n=1,
        lines={ONE: 2},
        carrier="Handcart",
        tracking_number="HC-1",
        shipped_at=NOW,
        due_at=NOW + timedelta(days=2),
        overdue_at=NOW + timedelta(days=9),
        status_at=NOW,
    )


def test_whoever_waits_for_it_reads_requested_until_it_has_left() -> None:
    group = transfer(accepted_at=NOW, picking_at=NOW)
    view = group_view(group)
    assert (view.status, view.sending) == (GroupStatus.REQUESTED, GroupStatus.PICKING)
    assert (view.id, view.kind, view.store_id, view.from_store, view.at_work) == (
        "pickup/o/3",
        "pickup",
        "S001",
        "W001",
        "W001",
    )
    assert group_view(transfer(waits_for="sourcing", store_id="")).status is GroupStatus.QUEUED


def test_once_it_has_left_it_is_the_pickup_of_its_store_under_the_same_name() -> None:
    group = transfer()
    pickup = group.sent(parcel())
    assert (pickup.group_id, pickup.status) == (group.group_id, GroupStatus.IN_TRANSIT_TO_STORE)
    assert (pickup.stock_place, pickup.owed) == ("transit:S001", 2)
    assert pickup.transit is not None
    pickup.transit.arrived_at = NOW
    assert (pickup.status, pickup.stock_place) == (GroupStatus.ARRIVED, "S001")
    pickup.ready_at = NOW
    assert pickup.status is GroupStatus.READY
    assert group_view(pickup).at_work == "S001"
    group.retire()
    assert not group.open


def test_what_comes_is_the_customers_first() -> None:
    found = receive({ONE: 2}, {ONE: 1}, {ONE: 2}, {})
    assert (found.came, found.shelved, found.missing, found.written_off) == ({ONE: 2}, {}, {}, {ONE: 1})
    assert receive({ONE: 2}, {}, None, {ONE: 1}).missing == {ONE: 1}


@pytest.mark.parametrize(("good", "damaged"), [({ONE: 3}, {}), ({ONE: 1}, {ONE: 2}), ({TWO: 1}, {}), (None, {ONE: 3})])
def test_more_than_was_sent_cannot_come(good: dict[LineId, int] | None, damaged: dict[LineId, int]) -> None:
    with pytest.raises(Refused):
        receive({ONE: 2}, {}, good, damaged)


@given(LINES, LINES, LINES, LINES)
def test_every_unit_that_was_sent_comes_or_is_missing_once(
    owed: dict[LineId, int], unwanted: dict[LineId, int], good: dict[LineId, int], damaged: dict[LineId, int]
) -> None:
    try:
        found = receive(owed, unwanted, good, damaged)
    except Refused:
        over = [
            line for line in (ONE, TWO) if _of(good, line) + _of(damaged, line) > _of(owed, line) + _of(unwanted, line)
        ]
        assert over
        return
    for line in (ONE, TWO):
        assert _of(found.came, line) + _of(found.missing, line) == _of(owed, line)
        assert _of(found.shelved, line) + _of(found.written_off, line) == _of(unwanted, line)
        assert _of(found.came, line) + _of(found.shelved, line) == _of(good, line)


def _of(lines: dict[LineId, int], line: LineId) -> int:
    return lines.get(line, 0)
