"""Double-entry rules, and the invariants of an order's money."""

from datetime import UTC, datetime
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.booking import Booking, Standing, book, book_authorisation, fits, status_after, unseen
from domain.ids import OperationKey, OrderId
from domain.ledger import (
    Account,
    AuthorisationBalance,
    CapturePurpose,
    JournalEntry,
    Movement,
    OperationEntry,
    OrderGoods,
    OrderMoney,
    Posting,
    Rule,
    TenderTotals,
    balance,
    check_order,
    postings_for,
)
from domain.money import Money
from domain.payments import (
    Authorisation,
    AuthorisationId,
    AuthorisationStatus,
    Capture,
    OperationKind,
    OperationStatus,
    Refund,
    TenderId,
    Void,
)

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ONE = AuthorisationId("auth_1")


@pytest.mark.parametrize(("movement", "purpose"), list(product(Movement, [None, *CapturePurpose])))
def test_the_postings_of_every_movement_sum_to_zero(movement: Movement, purpose: CapturePurpose | None) -> None:
    postings = postings_for(movement, 1_234, purpose)
    assert sum(posting.amount for posting in postings) == 0
    assert all(abs(posting.amount) == 1_234 for posting in postings)


@pytest.mark.parametrize("amount", [0, -1])
def test_a_movement_moves_more_than_nothing(amount: int) -> None:
    with pytest.raises(ValueError, match="positive"):
        postings_for(Movement.CAPTURE, amount)


@pytest.mark.parametrize(
    ("purpose", "income"),
    [
        (CapturePurpose.HAND_OVER, Account.SALES),
        (CapturePurpose.DISPATCH, Account.SALES),
        (CapturePurpose.POLICY_FEE, Account.FEES),
        (CapturePurpose.CHARGE_AT_ONCE, Account.PREPAID),
        (None, Account.UNEXPLAINED),
    ],
)
def test_a_capture_is_credited_by_its_purpose(purpose: CapturePurpose | None, income: Account) -> None:
    postings = postings_for(Movement.CAPTURE, 60, purpose)
    accounts = (Account.RECEIVABLE, income, Account.HELD)
    assert [balance(postings, account) for account in accounts] == [60, -60, -60]


def test_an_authorisation_that_is_captured_and_voided_leaves_nothing_held() -> None:
    postings = [
        *postings_for(Movement.AUTHORISE, 100),
        *postings_for(Movement.CAPTURE, 60, CapturePurpose.HAND_OVER),
        *postings_for(Movement.VOID, 40),
    ]
    assert balance(postings, Account.HELD) == balance(postings, Account.PROMISED) == 0


def test_a_reversed_refund_is_as_if_it_had_not_been() -> None:
    postings = [*postings_for(Movement.REFUND, 25), *postings_for(Movement.REFUND_REVERSED, 25)]
    assert {balance(postings, account) for account in Account} == {0}


# The invariants of an order ---


def order(
    *,
    authorised: int = 100,
    captured: int = 0,
    voided: int = 0,
    refunded: int = 0,
    purpose: CapturePurpose | None = CapturePurpose.HAND_OVER,
    more: tuple[AuthorisationBalance, ...] = (),
) -> OrderMoney:
    """One tender, one authorisation, its journal as it should be."""
    moved = [
        (Movement.AUTHORISE, authorised),
        (Movement.CAPTURE, captured),
        (Movement.VOID, voided),
        (Movement.REFUND, refunded),
    ]
    return OrderMoney(
        order_id=OrderId("o1"),
        operations=(operation(captured, purpose),) if captured else (),
        authorisations=(authorisation("auth_1", authorised, captured, voided, refunded), *more),
        tenders=(
            TenderTotals(
                tender_id=TenderId("t1"),
                currency="EUR",
                authorised=authorised,
                captured=captured,
                voided=voided,
                refunded=refunded,
            ),
        ),
        journal=tuple(entry(movement, amount, purpose) for movement, amount in moved if amount),
    )


def authorisation(
    name: str, authorised: int, captured: int = 0, voided: int = 0, refunded: int = 0
) -> AuthorisationBalance:
    return AuthorisationBalance(
        id=AuthorisationId(name),
        tender_id=TenderId("t1"),
        status=AuthorisationStatus.AUTHORISED,
        currency="EUR",
        authorised=authorised,
        captured=captured,
        voided=voided,
        refunded=refunded,
        capture_before=None,
    )


def operation(amount: int, purpose: CapturePurpose | None) -> OperationEntry:
    return OperationEntry(
        key=OperationKey("o1:capture:1"),
        kind=OperationKind.CAPTURE,
        status=OperationStatus.SUCCEEDED,
        tender_id=TenderId("t1"),
        authorisation_id=ONE,
        amount=amount,
        booked=amount,
        currency="EUR",
        purpose=purpose,
        group=None,
        reason=None,
        failure=None,
        external=purpose is None,
        requested_at=NOW,
        settled_at=NOW,
    )


def entry(movement: Movement, amount: int, purpose: CapturePurpose | None) -> JournalEntry:
    return JournalEntry(
        operation_key=OperationKey(f"o1:{movement}"),
        tender_id=TenderId("t1"),
        authorisation_id=ONE,
        movement=movement,
        currency="EUR",
        at=NOW,
        postings=postings_for(movement, amount, purpose),
    )


def broken(money: OrderMoney, goods: OrderGoods | None = None, *, at_rest: bool = False) -> dict[Rule, tuple[int, int]]:
    return {found.rule: (found.left, found.right) for found in check_order(money, goods, at_rest=at_rest)}


def test_an_order_whose_money_follows_its_goods_breaks_nothing() -> None:
    money = order(captured=60, voided=10, refunded=5)
    assert broken(money, OrderGoods(delivered_or_kept=55, owed=30), at_rest=True) == {}


def test_no_more_is_taken_and_given_back_than_was_authorised() -> None:
    assert broken(order(captured=60, voided=41)) == {Rule.WITHIN_AUTHORISATION: (101, 100)}


def test_no_more_is_refunded_than_captured() -> None:
    assert broken(order(captured=60, refunded=61)) == {Rule.REFUNDED_WITHIN_CAPTURED: (61, 60)}


def test_no_more_is_kept_than_goods_and_fees() -> None:
    money = order(captured=60)
    assert broken(money, OrderGoods(delivered_or_kept=50, fees=9)) == {Rule.TAKEN_WITHIN_DUE: (60, 59)}
    assert broken(money, OrderGoods(delivered_or_kept=50, fees=10)) == {}


def test_a_tender_charged_at_once_may_be_ahead_of_the_goods_still_owed() -> None:
    money = order(captured=100, purpose=CapturePurpose.CHARGE_AT_ONCE)
    assert broken(money, OrderGoods(delivered_or_kept=30, owed=70)) == {}
    assert broken(money, OrderGoods(delivered_or_kept=30, owed=69)) == {Rule.TAKEN_WITHIN_DUE: (100, 99)}


def test_goods_still_owed_are_covered() -> None:
    money = order(captured=60)
    assert broken(money, OrderGoods(delivered_or_kept=60, owed=40)) == {}
    assert broken(money, OrderGoods(delivered_or_kept=60, owed=41)) == {Rule.OWED_IS_COVERED: (41, 40)}


def test_goodwill_on_delivered_goods_uncovers_nothing() -> None:
    assert broken(order(captured=60, refunded=20), OrderGoods(delivered_or_kept=60, owed=40)) == {}


def test_every_capture_has_its_reason() -> None:
    assert broken(order(captured=60, purpose=None)) == {Rule.CAPTURE_HAS_PURPOSE: (60, 0)}


def test_a_tender_at_rest_has_one_live_authorisation() -> None:
    money = order(more=(authorisation("auth_2", 100),))
    assert Rule.ONE_LIVE_AUTHORISATION not in broken(money)
    assert broken(money, at_rest=True)[Rule.ONE_LIVE_AUTHORISATION] == (2, 1)


def test_totals_that_the_journal_does_not_bear_are_found() -> None:
    money = order(captured=60)
    assert broken(money.model_copy(update={"journal": money.journal[:1]})) == {Rule.TOTALS_EQUAL_JOURNAL: (60, 0)}


def test_an_entry_that_does_not_balance_is_found() -> None:
    money = order()
    odd = money.journal[0].model_copy(update={"postings": (Posting(account=Account.FEES, amount=3),)})
    assert broken(money.model_copy(update={"journal": (*money.journal, odd)})) == {Rule.ENTRIES_BALANCE: (3, 0)}


# What answers move ---


def standing(**numbers: int | bool | AuthorisationStatus) -> Standing:
    open_ones = dict.fromkeys(("capturing", "voiding", "refunding"), 0)
    tender = {"tender_captured": numbers.get("captured", 0), "tender_refunded": 0, "tender_refunding": 0}
    totals = {"authorised": 100, "captured": 0, "voided": 0, "refunded": 0}
    state = {"status": AuthorisationStatus.AUTHORISED, "single_capture": False}
    return Standing(**{**state, **totals, **open_ones, **tender, **numbers})  # type: ignore[arg-type]


def eur(amount: int) -> Money:
    return Money(amount=amount, currency="EUR")


def state(status: AuthorisationStatus, **numbers: int) -> Authorisation:
    return Authorisation(id=ONE, reference="o1", amount=100, currency="EUR", status=status, **numbers)


def test_what_is_under_way_counts_as_done() -> None:
    now = standing(captured=30, capturing=20, voiding=10, refunding=25, tender_refunding=25)
    assert (now.available(OperationKind.CAPTURE), now.available(OperationKind.REFUND)) == (40, 5)
    assert now.reserve(OperationKind.CAPTURE, 41) is None


def test_the_tender_limits_a_refund_too() -> None:
    assert standing(captured=100, tender_refunded=80).available(OperationKind.REFUND) == 20


def test_a_single_capture_under_way_leaves_nothing_to_take() -> None:
    assert standing(single_capture=True, capturing=10).available(OperationKind.CAPTURE) == 0


def test_all_that_is_left_is_asked_by_amount_only_beside_something_under_way() -> None:
    alone, beside = standing(captured=30), standing(captured=30, capturing=20)
    whole, part = alone.reserve(OperationKind.VOID, None), beside.reserve(OperationKind.VOID, None)
    assert whole
    assert part
    assert ((whole.amount, whole.entire), (part.amount, part.entire)) == ((70, True), (50, False))


def test_a_single_capture_frees_the_rest() -> None:
    capture = Capture(id="op", authorisation_id=ONE, amount=eur(60), remaining=eur(0))
    now = standing(single_capture=True)
    assert book(capture, now).movements == ((Movement.CAPTURE, 60), (Movement.VOID, 40))
    assert status_after(now, book(capture, now)) is AuthorisationStatus.CAPTURED


def test_captured_already_books_only_what_is_missing() -> None:
    capture = Capture(id="op", authorisation_id=ONE, amount=eur(60), remaining=eur(0), already=True)
    assert book(capture, standing(), 60).booked == 60
    assert book(capture, standing(captured=60), 60).movements == ()


def test_a_void_never_frees_more_than_our_books_hold() -> None:
    void = Void(id="op", authorisation_id=ONE, amount=eur(40))
    assert book(void, standing(voided=90)).booked == 10


@pytest.mark.parametrize("status", [OperationStatus.PENDING, OperationStatus.FAILED])
def test_a_refund_that_has_not_succeeded_moves_nothing(status: OperationStatus) -> None:
    refund = Refund(id="op", authorisation_id=ONE, amount=eur(40), status=status)
    booking = book(refund, standing(captured=100))
    assert (booking.status, booking.movements) == (status, ())


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (AuthorisationStatus.AUTHORISED, OperationStatus.SUCCEEDED),
        (AuthorisationStatus.CUSTOMER_ACTION, OperationStatus.PENDING),
        (AuthorisationStatus.VOIDED, OperationStatus.REVERSED),
        (AuthorisationStatus.EXPIRED, OperationStatus.FAILED),
        (AuthorisationStatus.DECLINED, OperationStatus.FAILED),
    ],
)
def test_only_money_that_is_held_is_booked(status: AuthorisationStatus, expected: OperationStatus) -> None:
    booking = book_authorisation(state(status))
    assert (booking.status, bool(booking.movements)) == (expected, expected is OperationStatus.SUCCEEDED)


def test_what_ran_out_after_it_was_held_is_booked_first() -> None:
    assert book_authorisation(state(AuthorisationStatus.EXPIRED, voided=100)).booked == 100


numbers = st.integers(0, 100)


@given(numbers, numbers, numbers, numbers, numbers, numbers)
def test_what_the_provider_did_alone_always_fits_our_books(
    captured: int, voided: int, refunded: int, capturing: int, more: int, freed: int
) -> None:
    """As long as the provider keeps its own rules, taking over its state cannot break ours."""
    captured = min(captured, 100)
    voided = min(voided, 100 - captured)
    refunded = min(refunded, captured)
    capturing = min(capturing, 100 - captured - voided)
    now = standing(captured=captured, voided=voided, refunded=refunded, capturing=capturing)
    total = min(captured + more, 100 - voided)
    provider = state(
        AuthorisationStatus.PARTLY_CAPTURED,
        captured=total,
        voided=min(voided + freed, 100 - total),
        refunded=min(refunded + more, total),
    )
    found = unseen(provider, now)
    assert fits(Booking(OperationStatus.SUCCEEDED, 0, found), now)
    assert all(amount > 0 for _, amount in found)
