import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ids import LineId, Sku, StoreId
from domain.stock import (
    HAND_OVER_LATE,
    RELEASE,
    Bucket,
    MovementKind,
    RejectReason,
    StockEffect,
    StockLevel,
    StockLine,
    default_effect,
    merged,
    movement_change,
    total_demand,
    variance_change,
)

units = st.integers(0, 50)
levels = st.builds(
    StockLevel,
    sku=st.just("A"),
    store_id=st.just("S1"),
    on_hand=units,
    allocated=units,
    reserved=units,
    set_aside=units,
    withheld=units,
    buffer=units,
)


def level(**numbers: int) -> StockLevel:
    return StockLevel(sku=Sku("A"), store_id=StoreId("S1"), **numbers)


def line(line_id: str, quantity: int, sku: str = "A", location: str = "S1") -> StockLine:
    return StockLine(line_id=LineId(line_id), sku=Sku(sku), location_id=StoreId(location), quantity=quantity)


def test_every_promise_and_the_buffer_lower_what_is_available() -> None:
    assert level(on_hand=20, allocated=3, reserved=2, set_aside=1, withheld=4, buffer=5).available == 5


def test_a_count_below_what_is_promised_shows_nothing_available_and_the_shortfall() -> None:
    counted = level(on_hand=2, allocated=3, reserved=1)
    assert (counted.available, counted.shortfall) == (0, 2)


def test_a_level_survives_its_own_json() -> None:
    kept = level(on_hand=2, allocated=3)
    assert StockLevel.model_validate_json(kept.model_dump_json()) == kept


@pytest.mark.parametrize(
    ("reason", "effect"),
    [
        (RejectReason.NOT_IN_STOCK, StockEffect.ZERO),
        (RejectReason.DAMAGED, StockEffect.MINUS),
        (RejectReason.MISMATCH, StockEffect.ATP_ONLY),
        (RejectReason.NO_VARIANCE, StockEffect.NONE),
        (RejectReason.CLOSED, StockEffect.NONE),
    ],
)
def test_a_reason_has_its_default_effect(reason: RejectReason, effect: StockEffect) -> None:
    assert default_effect(reason) is effect


def test_demand_is_summed_over_lines_before_it_is_compared() -> None:
    lines = [line("1", 2), line("2", 3), line("2", 1, sku="B"), line("3", 4, location="S2")]
    assert total_demand(lines) == {("A", "S1"): 5, ("A", "S2"): 4, ("B", "S1"): 1}


def test_merged_lines_have_one_order_and_one_entry_each() -> None:
    assert merged([line("2", 1), line("1", 2), line("2", 4)]) == [line("1", 2), line("2", 5)]


@pytest.mark.parametrize("quantity", [0, -1, 1.0, True, "3", 1_000_000_001])
def test_a_line_takes_only_whole_positive_quantities(quantity: object) -> None:
    with pytest.raises(ValueError, match="quantity"):
        StockLine.model_validate({"line_id": "1", "sku": "A", "location_id": "S1", "quantity": quantity})


def test_a_release_takes_reserved_units_before_allocated_ones() -> None:
    held = dict.fromkeys(Bucket, 0) | {Bucket.RESERVED: 2, Bucket.ALLOCATED: 3}
    assert RELEASE.take(held, 4) == {Bucket.RESERVED: 2, Bucket.ALLOCATED: 2}


def test_a_transfer_never_takes_more_than_is_held() -> None:
    held = dict.fromkeys(Bucket, 0) | {Bucket.ALLOCATED: 1, Bucket.SET_ASIDE: 1}
    assert sum(HAND_OVER_LATE.take(held, 9).values()) == 2


@given(levels, units)
def test_zero_leaves_nothing_to_sell_whether_or_not_the_count_is_touched(before: StockLevel, quantity: int) -> None:
    for touch in (True, False):
        after = before.changed(variance_change(before, StockEffect.ZERO, quantity, touch_on_hand=touch))
        assert after.available == 0
        assert after.on_hand == (min(before.on_hand, before.set_aside) if touch else before.on_hand)


@given(levels, units, st.booleans())
def test_only_zero_and_minus_may_touch_the_count(before: StockLevel, quantity: int, touch: bool) -> None:
    for effect in (StockEffect.ATP_ONLY, StockEffect.NONE):
        assert variance_change(before, effect, quantity, touch_on_hand=touch).on_hand == 0


@given(levels, units, st.sampled_from(StockEffect), st.booleans())
def test_no_variance_takes_the_count_below_zero_or_adds_to_what_can_be_sold(
    before: StockLevel, quantity: int, effect: StockEffect, touch: bool
) -> None:
    after = before.changed(variance_change(before, effect, quantity, touch_on_hand=touch))
    assert after.on_hand >= 0
    assert after.withheld >= 0
    assert after.available <= before.available


def test_minus_takes_the_rejected_units_from_the_count() -> None:
    assert variance_change(level(on_hand=5), StockEffect.MINUS, 2, touch_on_hand=True).on_hand == -2


def test_atp_only_withholds_the_rejected_units() -> None:
    before = level(on_hand=5)
    after = before.changed(variance_change(before, StockEffect.ATP_ONLY, 2, touch_on_hand=True))
    assert (after.on_hand, after.available) == (5, 3)


def test_a_count_is_the_new_truth_and_ends_what_was_withheld() -> None:
    before = level(on_hand=5, withheld=2)
    after = before.changed(movement_change(before, MovementKind.COUNT, 4))
    assert (after.on_hand, after.withheld) == (4, 0)


def test_a_write_off_takes_withheld_units_first() -> None:
    before = level(on_hand=5, withheld=2)
    after = before.changed(movement_change(before, MovementKind.WRITE_OFF, 2))
    assert (after.on_hand, after.available) == (3, 3)


def test_an_orders_movement_is_no_store_movement() -> None:
    with pytest.raises(ValueError, match="use the command"):
        movement_change(level(), MovementKind.RELEASE, 1)


def test_a_store_that_says_nothing_is_left_keeps_the_units_that_it_has_picked() -> None:
    level = StockLevel(sku=Sku("SHOE-42"), store_id=StoreId("S001"), on_hand=9, allocated=2)
    change = variance_change(level, StockEffect.ZERO, 1, touch_on_hand=True, found=2)
    assert change.on_hand == -7


def test_an_empty_shelf_says_nothing_of_goods_that_other_orders_have_staged_or_set_aside() -> None:
    before = level(on_hand=22, allocated=2, set_aside=3)
    after = before.changed(variance_change(before, StockEffect.ZERO, 1, touch_on_hand=True, found=2))
    assert (after.on_hand, after.available, after.shortfall) == (5, 0, 0)
    assert after.model_copy(update={"set_aside": 0}).available == 3, "once they are put back"


def test_what_other_orders_were_promised_and_nobody_picked_is_missing_from_an_empty_shelf() -> None:
    before = level(on_hand=22, allocated=2, set_aside=3)
    after = before.changed(variance_change(before, StockEffect.ZERO, 1, touch_on_hand=True))
    assert (after.on_hand, after.model_copy(update={"set_aside": 0}).available) == (3, 1)
