"""What an order's body may be, whether it adds up, and that the same content has the same hash."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.intake import MAX_LINES, Discrepancy, OrderBody, placed_in_the_future, reconcile
from tests.domain.sample_orders import PLACED, after


def document(**changes: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "channel": "web",
        "external_id": "WEB-1",
        "placed_at": "2026-03-02T09:00:00Z",
        "currency": "EUR",
        "customer": {"ref": "c1", "name": "Ada", "email": "ada@example.com"},
        "lines": [line("l1"), line("l2", quantity=1, unit_price=999, discount=100, tax=19)],
        "fulfilments": [{"id": "f1", "method": "pickup", "store_id": "S1"}],
        "shipping_total": 0,
        "total": 2899,
        "tenders": [{"type": "card", "amount": 2899, "token": "tok_1"}],
    }
    return {**given, **changes}


def line(line_id: str, **changes: Any) -> dict[str, Any]:
    return {"line_id": line_id, "sku": "sku-1", "quantity": 2, "unit_price": 1000, "fulfilment": "f1", **changes}


def body(**changes: Any) -> OrderBody:
    return OrderBody.model_validate_json(json.dumps(document(**changes)))


# --- adding up ------------------------------------------------------------------------------------------------------


def test_an_order_whose_lines_total_and_tenders_are_one_sum_adds_up():
    assert reconcile(body()) == Discrepancy(lines_and_shipping=2899, total=2899, tenders=2899)
    assert reconcile(body()).adds_up


def test_tax_counts_only_where_prices_do_not_include_it():
    assert reconcile(body(prices_include_tax=False)).lines_and_shipping == 2918


def test_the_exact_differences_are_named():
    sums = reconcile(body(shipping_total=499, total=3400, tenders=[{"type": "pay_in_store", "amount": 3000}]))
    assert not sums.adds_up
    assert sums.explain() == (
        "lines and shipping are 3398, total is 3400 (difference 2), tenders are 3000 (difference -400)"
    )


@pytest.mark.parametrize("sums", [(1, 2, 2), (2, 2, 1), (2, 1, 2)])
def test_all_three_sums_must_be_one(sums: tuple[int, int, int]):
    assert not Discrepancy(lines_and_shipping=sums[0], total=sums[1], tenders=sums[2]).adds_up


amounts = st.integers(0, 10**6)


@given(
    st.lists(st.tuples(st.integers(1, 50), amounts, st.integers(0, 100), amounts), min_size=1, max_size=6),
    amounts,
    st.booleans(),
    st.integers(-500, 500),
    st.lists(amounts, min_size=1, max_size=4),
)
def test_a_difference_is_what_the_channel_got_wrong_to_the_cent(
    lines: list[tuple[int, int, int, int]], shipping: int, included: bool, off: int, tenders: list[int]
):
    made = []
    right = shipping
    for n, (quantity, price, percent, tax) in enumerate(lines):
        discount = quantity * price * percent // 100
        made.append(line(f"l{n}", quantity=quantity, unit_price=price, discount=discount, tax=tax))
        right += quantity * price - discount + (0 if included else tax)
    said = max(0, right + off)
    sums = reconcile(
        body(
            lines=made,
            shipping_total=shipping,
            prices_include_tax=included,
            total=said,
            tenders=[{"type": "pay_in_store", "amount": amount} for amount in tenders],
        )
    )
    assert sums.total - sums.lines_and_shipping == said - right
    assert sums.tenders - sums.total == sum(tenders) - said
    assert sums.adds_up == (said == right == sum(tenders))
    for difference in (said - right, sum(tenders) - said):
        assert f"(difference {difference})" in sums.explain()


# --- what a body may be ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"lines": [line("l1"), line("l1")]}, "line_id l1 is there twice"),
        ({"lines": [line("l1", fulfilment="f2")]}, "names fulfilment f2"),
        ({"lines": [line("l1", discount=2001)]}, "the discount of line l1 is more than its price"),
        ({"lines": [line(f"l{n}") for n in range(MAX_LINES + 1)]}, "at most 500 lines, not 501"),
        (
            {"fulfilments": [{"id": each, "method": "pickup", "store_id": "S1"} for each in ("f1", "f9", "f8")]},
            "fulfilment f9 has no line",
        ),
        ({"fulfilments": [{"id": "f1", "method": "pickup", "store_id": "S1"}] * 2}, "fulfilment id f1 is there twice"),
        ({"fulfilments": [{"id": "f1", "method": "pickup"}]}, "needs store_id"),
        ({"fulfilments": [{"id": "f1", "method": "ship_to_store"}]}, "needs store_id"),
        ({"fulfilments": [{"id": "f1", "method": "ship"}]}, "needs an address"),
        ({"tenders": [{"type": "card", "amount": 1}]}, "needs the provider's token"),
    ],
)
def test_what_contradicts_itself_is_refused_with_the_reason(changes: dict[str, Any], said: str):
    with pytest.raises(ValidationError, match=said):
        body(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"lines": []},
        {"tenders": []},
        {"lines": [line("l1", quantity=0)]},
        {"lines": [line("l1", quantity="3")]},
        {"lines": [line("l1", quantity=True)]},
        {"lines": [line("l1", quantity=1.0)]},
        {"lines": [line("l1", unit_price=-1)]},
        {"lines": [line("l1 ")]},
        {"lines": [line("l1\n")]},
        {"lines": [line("l1", colour="red")]},
        {"total": 10**12 + 1},
        {"currency": "eur"},
        {"currency": "EURO"},
        {"locale": "German"},
        {"external_id": "<b>"},
        {"external_id": "x" * 65},
        {"customer": {"ref": "c1", "email": "nobody"}},
        {"placed_at": "2026-03-02T09:00:00"},
        {"placed_at": 1_772_442_000},
        {"placed_at": "1772442000"},
        {"placed_at": "2026-02-29T09:00:00Z"},
        {"placed_at": "0001-01-01T00:00:00+14:00"},
        {"placed_at": "9999-12-31T23:00:00-02:00"},
        {"prices_include_tax": "yes"},
        {"prices_include_tax": 1},
        {"surprise": 1},
    ],
)
@pytest.mark.parametrize("strict", [True, None])
def test_what_is_not_of_its_kind_is_refused(changes: dict[str, Any], strict: bool | None):
    with pytest.raises(ValidationError):
        OrderBody.model_validate_json(json.dumps(document(**changes)), strict=strict)


def test_five_hundred_lines_are_taken():
    assert len(body(lines=[line(f"l{n}") for n in range(MAX_LINES)]).lines) == 500


def test_free_goods_are_an_order_too():
    free = body(lines=[line("l1", discount=2000)], total=0, tenders=[{"type": "pay_in_store", "amount": 0}])
    assert reconcile(free) == Discrepancy(lines_and_shipping=0, total=0, tenders=0)


def test_tokens_and_card_numbers_of_gift_cards_are_not_printed():
    printed = repr(body(tenders=[{"type": "card", "amount": 1, "token": "tok_secret", "number": "GC-secret"}]))
    assert "secret" not in printed


@pytest.mark.parametrize(("ahead", "future"), [(-60, False), (300, False), (301, True)])
def test_a_fast_clock_is_forgiven_five_minutes(ahead: int, future: bool):
    assert placed_in_the_future(body(), PLACED - timedelta(seconds=ahead)) is future


def test_whoever_is_named_for_one_pickup_stands_before_whoever_is_named_for_it_in_short():
    one = {"id": "f1", "method": "pickup", "store_id": "S1", "pickup": {"person": {"name": "B", "relation": "friend"}}}
    assert body(fulfilments=[one]).fulfilments[0].proxy.relation == "friend"
    both = {**one, "person": {"name": "C", "relation": "family"}}
    assert body(fulfilments=[both]).fulfilments[0].proxy.relation == "family"


# --- one content, one hash ------------------------------------------------------------------------------------------


def test_the_order_of_names_and_what_goes_without_saying_do_not_change_the_hash():
    said = document(locale="en", prices_include_tax=True, requested_pickup_at=None)
    backwards = json.dumps(dict(reversed(said.items())), indent=3)
    assert OrderBody.model_validate_json(backwards).content_hash() == body().content_hash()


offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(offsets, st.integers(0, 10**7))
def test_a_time_is_the_same_content_in_every_offset(zone: timezone, seconds: int):
    at = after(seconds=seconds)
    one = body(placed_at=at.astimezone(zone).isoformat(), requested_pickup_at=at.astimezone(zone).isoformat())
    assert one.placed_at == at
    assert one.placed_at.tzinfo is UTC
    assert one.content_hash() == body(placed_at=at.isoformat(), requested_pickup_at=at.isoformat()).content_hash()


@pytest.mark.parametrize(
    "changes",
    [
        {"total": 2900},
        {"external_id": "WEB-2"},
        {"channel": "app"},
        {"placed_at": "2026-03-02T09:00:01Z"},
        {"customer": {"ref": "c2", "name": "Ada", "email": "ada@example.com"}},
        {"lines": [line("l2", quantity=1, unit_price=999, discount=100, tax=19), line("l1")]},
        {"tenders": [{"type": "card", "amount": 2899, "token": "tok_2"}]},
        {"fulfilments": [{"id": "f1", "method": "pickup", "store_id": "S2"}]},
        {"prices_include_tax": False},
    ],
)
def test_other_content_has_another_hash(changes: dict[str, Any]):
    assert body(**changes).content_hash() != body().content_hash()


def test_the_hash_stays_what_it_was():
    """Kept in PostgreSQL for ever: a new release must find the same order in the same body."""
    assert body().content_hash() == "0288fa26189682d561cb185a2ab42981bf3899f8e6c1bcf8765ccb4af7f965ef"


def test_the_hash_survives_being_written_and_read():
    assert OrderBody.model_validate_json(body().model_dump_json()).content_hash() == body().content_hash()
    assert isinstance(body().placed_at, datetime)
