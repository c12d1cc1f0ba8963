"""Ids sort by time, go into a URL as they are, and are read back for what they name."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ids import (
    OrderId,
    derived_id,
    operation_key,
    order_id,
    order_of_workflow,
    order_workflow_id,
    ordered_at,
    pickup_id,
    sortable_id,
)

instants = st.datetimes(datetime(1970, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001
entropies = st.binary(min_size=10, max_size=16)


@given(instants, entropies)
def test_an_id_is_26_characters_safe_in_a_url(at: datetime, entropy: bytes):
    assert re.fullmatch(r"[0-7][0-9a-hjkmnp-tv-z]{25}", sortable_id(at, entropy))
    assert order_id(at, entropy) == sortable_id(at, entropy)


def test_an_id_is_the_ulid_of_its_instant():
    # The example of the ULID specification: 01ARZ3NDEK… is 1469922850259 ms.
    at = datetime.fromtimestamp(1469922850, UTC) + timedelta(milliseconds=259)
    assert sortable_id(at, bytes(10)) == "01arz3ndek" + "0" * 16
    assert sortable_id(at, b"\xff" * 10) == "01arz3ndek" + "z" * 16


@given(instants, instants, entropies, entropies)
def test_ids_sort_by_their_millisecond(first: datetime, second: datetime, one: bytes, other: bytes):
    if second - first >= timedelta(milliseconds=2):
        assert sortable_id(first, one) < sortable_id(second, other)


@given(instants, entropies, entropies)
def test_other_entropy_is_another_id(at: datetime, one: bytes, other: bytes):
    assert (sortable_id(at, one) == sortable_id(at, other)) == (one[:10] == other[:10])


def test_too_little_entropy_is_refused():
    with pytest.raises(ValueError, match="10 bytes"):
        sortable_id(datetime(2026, 11, 22, tzinfo=UTC), b"123456789")


@given(instants, entropies)
def test_an_orders_workflow_id_names_the_order(at: datetime, entropy: bytes):
    order = order_id(at, entropy)
    assert order_of_workflow(order_workflow_id(order)) == order


@pytest.mark.parametrize("workflow_id", ["return/x", "order", "order/", "order/x/1", "pickup/x/1", "", "Order/x"])
def test_any_other_workflow_id_names_no_order(workflow_id: str):
    assert order_of_workflow(workflow_id) is None


def test_a_pickup_and_an_operation_are_named_by_their_business_identity():
    order = OrderId("01kx")
    assert pickup_id(order, 2) == "pickup/01kx/2"
    assert operation_key(order, "capture", "pickup/01kx/2", 1) == "01kx:capture:pickup/01kx/2:1"
    assert operation_key(order, "void") == "01kx:void"


def test_a_derived_id_depends_on_every_word_and_their_borders():
    assert derived_id("web", "W-1001") == derived_id("web", "W-1001")
    assert len({derived_id("a", "bc"), derived_id("ab", "c"), derived_id("abc"), derived_id("a", "b", "c")}) == 4
    assert re.fullmatch(r"[0-9a-f]{32}", derived_id("web", "W-1001"))


@given(instants, entropies)
def test_an_order_s_id_tells_when_it_was_given(at: datetime, entropy: bytes):
    since = at - ordered_at(order_id(at, entropy))
    assert timedelta(milliseconds=-1) < since < timedelta(milliseconds=2)
