"""What a carrier's word does to a parcel, and whom to ask for a label."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.carriage import (
    CarrierId,
    ParcelStatus,
    PostalArea,
    Rate,
    Standing,
    carriers_in_order,
    hear_of_parcel,
    parcel_status,
)
from domain.hearsay import Effect, Known
from domain.intake import Service
from domain.money import Money

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def rate(carrier: str, cents: int, days: int, service: Service = Service.STANDARD) -> Rate:
    return Rate(
        carrier=CarrierId(carrier),
        service=service,
        price=Money(amount=cents, currency="EUR"),
        deliver_by=NOON + timedelta(days=days),
    )


@pytest.mark.parametrize(
    ("known", "report", "minutes", "effect"),
    [
        ("label_created", "picked_up", 5, Effect.APPLIED),
        ("label_created", "delivered", 5, Effect.APPLIED),
        ("in_transit", "in_transit", 5, Effect.REPEATED),
        ("delivered", "delivered", 0, Effect.REPEATED),
        ("out_for_delivery", "picked_up", -5, Effect.OUT_OF_ORDER),
        ("delivered", "out_for_delivery", -5, Effect.OUT_OF_ORDER),
        ("in_transit", "unknown", 5, Effect.UNKNOWN),
        ("delivered", "lost", 5, Effect.ILLEGAL),
        ("lost", "delivered", -5, Effect.ILLEGAL),
        ("delivered", "returned", 5, Effect.ILLEGAL),
        ("in_transit", "label_created", 5, Effect.ILLEGAL),
        ("lost", "returned", 5, Effect.APPLIED),
        ("lost", "delivered", 5, Effect.APPLIED),
        ("delivery_failed", "out_for_delivery", 5, Effect.APPLIED),
        ("refused", "returning", 5, Effect.APPLIED),
        ("damaged", "returned", 5, Effect.APPLIED),
    ],
)
def test_what_a_report_does(known: str, report: str, minutes: int, effect: Effect) -> None:
    before = Known[ParcelStatus](status=ParcelStatus(known), at=NOON)
    heard = hear_of_parcel(before, ParcelStatus(report), NOON + timedelta(minutes=minutes))
    assert heard.effect is effect
    assert heard.known.status == (report if effect is Effect.APPLIED else known)


def test_a_word_that_no_status_has_is_unknown() -> None:
    assert parcel_status("delivered") is ParcelStatus.DELIVERED
    assert parcel_status("held_for_inspection") is ParcelStatus.UNKNOWN


def test_a_postal_code_is_in_no_text_about_it() -> None:
    assert "10115" not in repr(PostalArea(country="DE", postal_code="10115"))


class TestWhomToAsk:
    def test_the_cheapest_who_keeps_the_promise_is_first_and_who_is_late_last(self) -> None:
        order = carriers_in_order(
            [rate("slow", 300, 9), rate("dear", 900, 1), rate("slower", 200, 10), rate("cheap", 500, 2)],
            Service.STANDARD,
            NOON + timedelta(days=3),
        )
        assert [(each.rate.carrier, each.standing) for each in order.ask] == [
            ("cheap", Standing.IN_TIME),
            ("dear", Standing.IN_TIME),
            ("slow", Standing.LATE),
            ("slower", Standing.LATE),
        ]
        assert order.left_out == ()

    def test_who_refused_has_another_service_or_asks_more_for_the_same_is_left_out_and_it_says_why(self) -> None:
        order = carriers_in_order(
            [
                rate("one", 500, 2),
                rate("one", 700, 2),
                rate("two", 100, 1, Service.EXPRESS),
                rate("three", 100, 1),
            ],
            Service.STANDARD,
            None,
            refused=[CarrierId("three")],
        )
        assert [each.rate.carrier for each in order.ask] == ["one"]
        assert [(each.rate.carrier, each.standing) for each in order.left_out] == [
            ("three", Standing.REFUSED),
            ("two", Standing.OTHER_SERVICE),
            ("one", Standing.DEARER),
        ]

    def test_without_rates_there_is_nobody_to_ask(self) -> None:
        assert carriers_in_order([], Service.STANDARD, None).ask == ()


RATES = st.lists(
    st.builds(
        rate,
        st.sampled_from(["a", "b", "c"]),
        st.integers(0, 5),
        st.integers(0, 4),
        st.sampled_from([Service.STANDARD, Service.EXPRESS]),
    ),
    max_size=8,
)


@given(RATES, st.integers(0, 4), st.randoms(use_true_random=False))
def test_every_rate_has_its_place_and_the_order_of_the_rates_does_not_matter(
    rates: list[Rate], days: int, lots: Random
) -> None:
    promise = NOON + timedelta(days=days)
    order = carriers_in_order(rates, Service.STANDARD, promise)
    asked = [each.rate.carrier for each in order.ask]
    assert len(order.ask) + len(order.left_out) == len(rates)
    assert len(set(asked)) == len(asked)
    assert set(asked) == {each.carrier for each in rates if each.service is Service.STANDARD}
    late = [each.standing is Standing.LATE for each in order.ask]
    assert late == sorted(late)
    shuffled = list(rates)
    lots.shuffle(shuffled)
    assert carriers_in_order(shuffled, Service.STANDARD, promise).ask == order.ask
