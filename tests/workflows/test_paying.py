"""Several tenders of one order: what one declines, what another is asked for, and what is paid in parts."""

from typing import Any

import pytest
from temporalio.exceptions import ApplicationError

from activities.faults import DECLINED
from activities.payment import PaymentSteps
from domain.actors import ENGINE
from domain.ids import CommandId
from domain.intake import TenderType
from domain.money import Money
from domain.payments import Authorisation, AuthorisationId, AuthorisationStatus, Capture
from domain.refusals import RefusalKind, Refused
from domain.terms import TenderTerms
from domain.units import UnitState
from tests.domain.sample_orders import PLACED, A, after, line, terms
from tests.workflows.alone import Alone, set_up
from tests.workflows.shop import at_the_till, card
from workflows.counter import Counter
from workflows.desk import Desk, OrderStart
from workflows.messages import GiveOut, Pay
from workflows.order import OrderWorkflow

TWO_CARDS = [(TenderType.CARD, 200), (TenderType.CARD, 200)]


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> Alone:
    return set_up(monkeypatch)


@pytest.fixture
def captured(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """A provider who captures from the first card only; what it did, in order."""
    done: list[tuple[str, int]] = []

    async def provider(step: Any, request: Any, **_: Any) -> Any:
        if step is PaymentSteps.authorise:
            return Authorisation(
                id=AuthorisationId(f"auth-{request.tender_id}"),
                reference="o1",
                amount=request.amount.amount,
                currency="EUR",
                status=AuthorisationStatus.AUTHORISED,
            )
        assert step is PaymentSteps.capture
        if request.tender_id == "t2":
            raise ApplicationError("declined", "declined", type=DECLINED, non_retryable=True)
        done.append((request.tender_id, request.amount.amount))
        return Capture(
            id=f"c{len(done)}",
            authorisation_id=request.authorisation_id,
            amount=request.amount,
            remaining=Money(amount=200 - sum(amount for _, amount in done), currency="EUR"),
        )

    monkeypatch.setattr("temporalio.workflow.execute_activity_method", provider)
    return done


def ready() -> Desk:
    """Four units worth 100 each are staged; two cards are authorised for half of them each."""
    desk = Desk(terms(line(A, 4, 400), tenders=TWO_CARDS))
    desk.book.visible = True
    group = desk.order.group(1)
    for target, source in (("allocated", "open"), ("picked", "allocated"), ("ready", "picked")):
        group.move(A, UnitState(target), 4, UnitState(source))
    group.waits_for, group.offered_at, group.ready_at, group.code_serial = None, PLACED, PLACED, 1
    group.deadline = after(days=1)
    for tender in desk.order.tenders:
        tender.authorisation_id, tender.live, tender.steps = AuthorisationId(f"auth-{tender.tender_id}"), 200, 1
    return desk


def given_out(units: int) -> GiveOut:
    return GiveOut(command_id=CommandId("c1"), actor=ENGINE, n=1, code_serials=[1], lines={A: units})


async def test_what_the_second_card_declines_the_first_pays_while_it_can(
    alone: Alone, captured: list[tuple[str, int]]
) -> None:
    desk = ready()
    first, second = desk.order.tenders
    desk.order.tenders.reverse()  # the card that will decline comes first
    answer = await Counter(desk).hand_over(given_out(2))
    assert (answer.group.status, captured) == ("ready", [("t1", 200)])
    assert (first.captured, second.exhausted) == (200, True)
    assert desk.order.group(1).count(UnitState.HANDED_OVER) == 2


async def test_what_was_taken_before_a_decline_is_named_and_stays_paid(
    alone: Alone, captured: list[tuple[str, int]]
) -> None:
    desk = ready()
    with pytest.raises(Refused, match=r"2\.00 EUR was taken from another tender"):
        await Counter(desk).hand_over(given_out(4))
    assert captured == [("t1", 200)]
    assert desk.order.group(1).count(UnitState.READY) == 4
    plan = desk.cashier.plan()
    assert (plan.uncovered, plan.steps) == (200, []), "it counts for what is still owed"


# --- paid in parts ---------------------------------------------------------------------------------------------------


def confirming(*declined: str) -> OrderWorkflow:
    """The first card waits for its owner's bank; those named were declined."""
    order = OrderWorkflow(OrderStart(terms=terms(line(A, 4, 400), tenders=TWO_CARDS if declined else None)))
    order.desk.book.visible = True
    order._answer_placing(None)
    order.desk.order.tenders[0].awaiting = AuthorisationId("auth-3ds")
    for tender in order.desk.order.tenders:
        tender.exhausted = tender.tender_id in declined
    return order


def paid(amount: int) -> Pay:
    return Pay(command_id=CommandId("c1"), actor=ENGINE, tenders=[card(amount)])


async def test_a_part_of_what_is_being_confirmed_does_not_end_the_confirmation(
    alone: Alone, captured: list[tuple[str, int]]
) -> None:
    order = confirming()
    with pytest.raises(ApplicationError, match=r"confirming 4\.00 EUR"):
        await order.pay(paid(300))
    [tender] = order.desk.order.tenders
    assert (tender.awaiting, tender.abandoned) == ("auth-3ds", [])


async def test_who_pays_all_in_another_way_gives_the_confirmation_up(
    alone: Alone, captured: list[tuple[str, int]]
) -> None:
    order = confirming()
    await order.pay(paid(400))
    first, second = order.desk.order.tenders
    assert (first.awaiting, first.abandoned, second.live) == (None, ["auth-3ds"], 400)


async def test_what_is_missing_beside_a_confirmation_is_paid_without_ending_it(
    alone: Alone, captured: list[tuple[str, int]]
) -> None:
    order = confirming("t2")
    await order.pay(paid(150))
    first, _, third = order.desk.order.tenders
    assert (first.awaiting, third.live) == ("auth-3ds", 150)
    assert order.desk.order.payment.due == 250, "200 to be confirmed, 50 by nobody yet"


# --- at the till -----------------------------------------------------------------------------------------------------


def unpaid() -> OrderWorkflow:
    """Worth 400, to be paid in the store."""
    order = OrderWorkflow(OrderStart(terms=terms(line(A, 4, 400), tenders=[(TenderType.PAY_IN_STORE, 400)])))
    order.desk.book.visible = True
    order._answer_placing(None)
    return order


@pytest.mark.parametrize("tenders", [[at_the_till(4000)], [at_the_till(300), at_the_till(101)]])
async def test_a_typing_error_at_the_till_is_no_payment_and_becomes_no_refund(
    alone: Alone, tenders: list[TenderTerms]
) -> None:
    order = unpaid()
    with pytest.raises(ApplicationError, match=r"4\.00 EUR is due \(400 in minor units\)") as caught:
        await order.pay(Pay(command_id=CommandId("c1"), actor=ENGINE, tenders=tenders))
    assert caught.value.details[0].kind is RefusalKind.BEYOND_LIMIT
    assert (order.desk.order.payment.captured, alone.events()) == (0, [])
    assert order.desk.cashier.plan().steps == []


async def test_what_is_due_is_paid_at_the_till_also_in_parts(alone: Alone) -> None:
    order = unpaid()
    for number, amount in enumerate((150, 250), start=1):
        await order.pay(Pay(command_id=CommandId(f"c{number}"), actor=ENGINE, tenders=[at_the_till(amount)]))
    assert (order.desk.order.payment.captured, order.desk.order.payment.due) == (400, 0)
