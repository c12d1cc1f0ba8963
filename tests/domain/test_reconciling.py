"""Every difference between the books is found, and there is none where they agree."""

from typing import Any

import pytest

from domain.ids import OrderId, ReturnId
from domain.ledger import AuthorisationBalance, OrderMoney, TenderTotals
from domain.payments import Authorisation, AuthorisationId, AuthorisationStatus, TenderId
from domain.reconciling import (
    CardOfReturn,
    Cause,
    Difference,
    DifferenceKind,
    Looked,
    Remedy,
    all_differences,
    order_differences,
)
from domain.timeline import Event, Fact, TimelineEntry
from domain.views import OrderStatus, OrderView, PaymentView
from tests.adapters.records.sample_records import entry, head, line
from tests.domain.sample_orders import A

AUTHORISATION = AuthorisationId("a1")


def money(captured: int = 1000, refunded: int = 0, voided: int = 0) -> OrderMoney:
    """Books without a journal: what they break are the rules about it only."""
    about: dict[str, Any] = {
        "tender_id": TenderId("t1"),
        "currency": "EUR",
        "authorised": captured + voided,
        "captured": captured,
        "voided": voided,
        "refunded": refunded,
    }
    balance = AuthorisationBalance(id=AUTHORISATION, status=AuthorisationStatus.CAPTURED, capture_before=None, **about)
    return OrderMoney(order_id=OrderId("o1"), tenders=(TenderTotals(**about),), authorisations=(balance,))


def provider(captured: int = 1000, refunded: int = 0, voided: int = 0) -> Authorisation:
    return Authorisation(
        id=AUTHORISATION,
        reference="o1",
        amount=captured + voided,
        currency="EUR",
        status=AuthorisationStatus.CAPTURED,
        captured=captured,
        refunded=refunded,
        voided=voided,
    )


def order(units: int = 1, returned: int = 0, **payment: int) -> OrderView:
    came = line(A, handed_over=units).model_copy(update={"returned": returned})
    paid = PaymentView(**{"captured": 1000, **payment})
    return head("o1", status=OrderStatus.COMPLETED, lines=[came], payment=paid)


def found(
    shown: OrderView, books: OrderMoney, theirs: Authorisation | None, *events: TimelineEntry, claimed: int = 0
) -> list[Difference]:
    differences = order_differences(shown, books, {AUTHORISATION: theirs}, {A: claimed}, events)
    return [each for each in differences if each.kind is not DifferenceKind.RULE]


def of_card(books: OrderMoney, theirs: Authorisation, charged: int = 0, *, finished: bool = True) -> list[Difference]:
    """What differs of a card that stands for goods; the order's own books have nothing."""
    view = order(0, captured=0)
    card = CardOfReturn(ReturnId("r1"), books, charged, finished)
    looked = Looked(view, OrderMoney(order_id=OrderId("o1")), {AUTHORISATION: theirs}, {}, cards=[card])
    assert looked.authorisations == [AUTHORISATION]
    return [each for each in all_differences(looked) if each.kind is not DifferenceKind.RULE]


def test_a_card_that_stands_for_goods_is_compared_with_the_provider_and_with_its_return():
    assert of_card(money(700), provider(700), charged=700) == []
    [outside] = of_card(money(700), provider(900), charged=700)
    assert (outside.kind, outside.remedy, outside.amount) == (DifferenceKind.PROVIDER, Remedy.TAKE_OVER, 200)
    [more] = of_card(money(900), provider(900), charged=700)
    assert (more.kind, more.what, more.remedy, more.amount) == (DifferenceKind.CARD, "charged", Remedy.REFUND, 200)
    assert more.currency == "EUR"
    [less] = of_card(money(0), provider(0), charged=700)
    assert (less.what, less.remedy, less.needs_second_person) == ("charged", Remedy.LOOK, False)


def test_a_card_is_held_while_its_return_goes_on_and_not_longer():
    books = money(0)
    [balance] = books.authorisations
    books = books.model_copy(update={"authorisations": (balance.model_copy(update={"authorised": 500}),)})
    theirs = provider(0).model_copy(update={"amount": 500})
    assert of_card(books, theirs, finished=False) == []
    [held] = of_card(books, theirs)
    assert (held.what, held.theirs, held.remedy, held.cause) == ("held", 500, Remedy.FREE_MONEY, Cause.NOT_FREED)


def test_books_that_agree_have_no_difference():
    assert found(order(), money(), provider()) == []
    assert found(order(refunded=300), money(refunded=300), provider(refunded=300)) == []


@pytest.mark.parametrize(
    ("theirs", "what", "cause", "remedy"),
    [
        (provider(refunded=200), "refunded", Cause.MOVED_AT_PROVIDER, Remedy.TAKE_OVER),
        (provider(voided=50), "voided", Cause.MOVED_AT_PROVIDER, Remedy.TAKE_OVER),
        (provider(captured=900), "captured", Cause.NOT_AT_PROVIDER, Remedy.ASK_PROVIDER),
    ],
)
def test_what_the_provider_tells_otherwise_is_named_with_its_remedy(
    theirs: Authorisation, what: str, cause: Cause, remedy: Remedy
):
    [difference] = found(order(), money(), theirs)
    assert (difference.kind, difference.what) == (DifferenceKind.PROVIDER, what)
    assert (difference.cause, difference.remedy) == (cause, remedy)
    assert difference.amount == abs(difference.ours - difference.theirs) > 0


def test_an_authorisation_that_the_provider_does_not_know_is_found():
    [difference] = found(order(), money(), None)
    assert (difference.kind, difference.amount) == (DifferenceKind.UNKNOWN_AT_PROVIDER, 1000)


def test_a_record_that_shows_other_money_than_the_ledger_has_is_found():
    [difference] = found(order(captured=1200), money(), provider())
    assert (difference.kind, difference.what, difference.amount) == (DifferenceKind.RECORD, "captured", 200)
    going_on = order(captured=1200).model_copy(update={"status": OrderStatus.IN_PROGRESS})
    assert found(going_on, money(), provider()) == [], "who is still at work may be behind for a moment"


def test_money_of_a_till_belongs_to_no_provider():
    paid = entry(Event.PAID_IN_STORE, data=Fact(amount=500))
    back = entry(Event.RETURN_REFUNDED, reason="at the till", data=Fact(amount=200))
    assert found(order(captured=1500, refunded=200), money(), provider(), paid, back) == []


def test_more_units_back_than_went_out_are_found():
    [difference] = found(order(units=1), money(), provider(), claimed=2)
    assert (difference.kind, difference.what, difference.amount) == (DifferenceKind.UNITS, "returning", 1)
    [returned] = found(order(units=1, returned=3), money(), provider())
    assert (returned.what, returned.amount) == ("returned", 2)


def test_a_rule_that_the_ledger_breaks_is_found():
    differences = order_differences(order(), money(), {AUTHORISATION: provider()}, {}, ())
    assert {each.kind for each in differences} == {DifferenceKind.RULE}, "there is no journal behind these totals"
