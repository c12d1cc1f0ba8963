"""Money steps whose outcome is unknown, refused or senseless never stop the rest of an order."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from temporalio.exceptions import ActivityError, ApplicationError

from activities.balances import BalanceSteps
from activities.faults import AWAY, NEEDS_A_PERSON
from activities.milestones import StockOperation
from activities.payment import PaymentSteps
from adapters.balances.port import Issued, Redirect
from adapters.payment.port import VoidRequest
from domain.actors import ENGINE
from domain.holds import HoldKind
from domain.ids import CommandId
from domain.intake import TenderType
from domain.money import Money
from domain.payments import Authorisation, AuthorisationId, AuthorisationStatus, OperationStatus, Refund, Void
from domain.refusals import Refused
from domain.units import Units, UnitState
from tests.domain.sample_orders import PLACED, A, line, terms
from tests.workflows.alone import Alone, set_up
from workflows.desk import Desk
from workflows.holds import PAYMENT_SYSTEM, Holds
from workflows.messages import Intervene, InterventionAction
from workflows.payment_calls import TILL, Outcome
from workflows.waits import until

OLD = AuthorisationId("auth-1")


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> Alone:
    return set_up(monkeypatch)


def refusing(kind: str) -> ActivityError:
    error = ActivityError(
        "failed",
        scheduled_event_id=1,
        started_event_id=2,
        identity="",
        activity_type="",
        activity_id="",
        retry_state=None,
    )
    error.__cause__ = ApplicationError("no answer that makes sense", type=kind)
    return error


def authorised() -> Desk:
    """Two units are reserved and authorised; the authorisation is to be renewed now."""
    desk = Desk(terms(line(A, 2, 200)))
    desk.book.visible = True
    [tender] = desk.order.tenders
    tender.authorisation_id, tender.live, tender.steps = OLD, 200, 1
    tender.authorised_at, tender.capture_before = PLACED - timedelta(days=7), PLACED + timedelta(minutes=1)
    return desk


def state(name: str, status: AuthorisationStatus) -> Authorisation:
    """What the provider says of an authorisation of all there is to pay."""
    return Authorisation(
        id=AuthorisationId(name),
        reference="o1",
        amount=200,
        currency="EUR",
        status=status,
        voided=200 if status is AuthorisationStatus.EXPIRED else 0,
        capture_before=PLACED + timedelta(days=7),
    )


async def comes_true(alone: Alone, condition: Callable[[], bool]) -> None:
    await asyncio.wait_for(alone.come_true(condition), 2)


async def answered(alone: Alone, desk: Desk, action: InterventionAction, value: str | None = None) -> None:
    """Ops decide about the one question that there is."""
    await comes_true(alone, lambda: bool(desk.order.interventions))
    [question] = desk.order.interventions
    await desk.people.answer(
        Intervene(
            command_id=CommandId("c1"),
            actor=ENGINE,
            intervention_id=question.intervention_id,
            action=action,
            value=value,
            reason="looked at",
        )
    )


async def test_an_order_waits_on_while_its_authorisation_cannot_be_renewed(
    alone: Alone, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = 0

    async def away(*_: Any, **__: Any) -> None:
        nonlocal tries
        tries += 1
        raise refusing(AWAY)

    monkeypatch.setattr("temporalio.workflow.execute_activity_method", away)
    desk = authorised()
    collected = False
    waiting = asyncio.create_task(until(lambda: collected, lambda: None, desk.alarms, "customer collects"))
    await asyncio.sleep(0.01)
    assert (tries, desk.renewals.can_renew()) == (1, False)
    assert list(desk.order.troubles) == ["payment"]
    collected = True
    assert await waiting


async def test_who_may_have_to_pay_after_an_outage_is_asked_and_has_a_deadline(alone: Alone) -> None:
    desk = Desk(terms(line(A, 2, 200)))
    desk.book.visible = True
    holds = Holds(desk)
    holds.place(HoldKind.PAYMENT, "the payment system is away", PAYMENT_SYSTEM)
    desk.order.tenders[0].exhausted = True  # it came back and declined
    await holds.mind_payment()
    await desk.book.record()
    desk.crew.stop()
    [hold] = desk.order.holds
    assert (hold.owner, hold.deadline is not None) == ("customer", True)
    assert desk.order.next_action is not None
    assert alone.notices() == ["payment_failed"]


async def test_all_of_an_authorisation_is_voided_also_when_a_person_had_to_say_so(
    alone: Alone, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int | None] = []

    async def provider(step: Any, request: Any, **_: Any) -> Any:
        if step is PaymentSteps.look_up_authorisation:
            raise refusing(NEEDS_A_PERSON)
        assert isinstance(request, VoidRequest)
        asked.append(request.amount.amount if request.amount else None)
        if len(asked) == 1:
            raise refusing(NEEDS_A_PERSON)
        return Void(id="v1", authorisation_id=OLD, amount=Money(amount=200, currency="EUR"))

    monkeypatch.setattr("temporalio.workflow.execute_activity_method", provider)
    desk = authorised()
    [tender] = desk.order.tenders
    tender.abandoned.append(AuthorisationId("auth-0"))
    freed = asyncio.create_task(desk.cashier.let_go())
    await answered(alone, desk, InterventionAction.SKIP)  # what is left there cannot be found out
    await answered(alone, desk, InterventionAction.RETRY)
    await freed
    assert asked == [None, None]
    assert tender.abandoned == []


async def test_an_event_about_an_authorisation_that_makes_no_sense_is_a_persons_matter(
    alone: Alone, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def senseless(*_: Any, **__: Any) -> None:
        raise refusing(NEEDS_A_PERSON)

    monkeypatch.setattr("temporalio.workflow.execute_activity_method", senseless)
    desk = authorised()
    looking = asyncio.create_task(desk.cashier.look_again(OLD))
    await answered(alone, desk, InterventionAction.SKIP)
    await looking
    assert desk.order.tenders[0].live == 200
    assert desk.order.group(1).owed_lines(UnitState.OPEN) == {A: 2}


async def test_a_capture_that_only_the_provider_remembers_is_money_that_we_have(
    alone: Alone, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its workflow task was lost before it was written down: the provider's event comes first, and nothing is charged
    again.
    """

    async def provider(*_: Any, **__: Any) -> Authorisation:
        return Authorisation(
            id=OLD,
            reference="o1",
            amount=200,
            currency="EUR",
            status=AuthorisationStatus.PARTLY_CAPTURED,
            captured=100,
            voided=30,
        )

    monkeypatch.setattr("temporalio.workflow.execute_activity_method", provider)
    desk = authorised()
    await desk.cashier.look_again(OLD)
    [tender] = desk.order.tenders
    assert (tender.captured, tender.captures, tender.live, tender.voided) == (100, {OLD: 100}, 70, 30)
    assert tender.steps == 2, "the key of the forgotten capture is used up"
    await desk.cashier.look_again(OLD)
    assert (tender.captured, tender.voided) == (100, 30), "it is found once"
    assert not desk.cashier.plan(more_earned=100).steps


async def test_nobody_at_the_counter_waits_for_a_person_to_make_sense_of_a_capture(
    alone: Alone, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 0

    async def senseless(*_: Any, **__: Any) -> None:
        nonlocal asked
        asked += 1
        raise refusing(NEEDS_A_PERSON)

    monkeypatch.setattr("temporalio.workflow.execute_activity_method", senseless)
    desk = authorised()
    assert await asyncio.wait_for(desk.cashier.capture_for(200, "o1/1"), 1) is Outcome.AWAY
    assert (asked, desk.order.interventions) == (1, [])
    desk.order.settle({A: 2}, earned=True)
    desk.order.group(1).units[A] = Units(handed_over=2)
    desk.crew.start("money follows goods", desk.cashier.follow_the_goods())
    await comes_true(alone, lambda: bool(desk.order.interventions))
    # Whoever comes to the counter meanwhile is not kept either.
    assert await asyncio.wait_for(desk.cashier.capture_for(0, "o1/1"), 1) is Outcome.AWAY
    await answered(alone, desk, InterventionAction.SKIP)
    await comes_true(alone, lambda: desk.cashier.settled)
    assert desk.order.tenders[0].captured == 200
    desk.crew.stop()


async def test_a_renewal_does_not_wait_until_the_old_authorisation_is_free(
    alone: Alone, monkeypatch: pytest.MonkeyPatch
) -> None:
    summaries: list[str] = []
    back = asyncio.Event()

    async def provider(step: Any, request: Any, *, summary: str, **_: Any) -> Any:
        summaries.append(str(summary))
        if step is PaymentSteps.authorise:
            return state("auth-2", AuthorisationStatus.AUTHORISED)
        await back.wait()
        return Void(id="v1", authorisation_id=OLD, amount=Money(amount=200, currency="EUR"))

    monkeypatch.setattr("temporalio.workflow.execute_activity_method", provider)
    desk = authorised()
    desk.crew.start("money follows goods", desk.cashier.follow_the_goods())
    await asyncio.wait_for(desk.renewals.renew_due(), 1)
    [tender] = desk.order.tenders
    assert (tender.authorisation_id, tender.live, tender.abandoned) == ("auth-2", 200, [OLD])
    back.set()
    await comes_true(alone, lambda: not tender.abandoned)
    await comes_true(alone, lambda: "payment_voided" in alone.events())
    assert summaries == ["Authorise 2.00 EUR (t1)", "Void an earlier authorisation (t1)"]
    voided = [entry for each in alone.milestones for entry in each.change.events if entry.event == "payment_voided"]
    assert [entry.data.model_dump()["amount"] for entry in voided] == [200]
    assert tender.voided == 200
    desk.crew.stop()


async def test_an_authorisation_that_ended_by_itself_is_nobodys_matter(
    alone: Alone, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def provider(step: Any, *_: Any, **__: Any) -> Any:
        if step is PaymentSteps.look_up_authorisation:
            return state("auth-0", AuthorisationStatus.EXPIRED)
        raise refusing(NEEDS_A_PERSON)

    monkeypatch.setattr("temporalio.workflow.execute_activity_method", provider)
    desk = authorised()
    desk.order.tenders[0].abandoned.append(AuthorisationId("auth-0"))
    await asyncio.wait_for(desk.cashier.let_go(), 1)
    assert (desk.order.tenders[0].abandoned, desk.order.interventions) == ([], [])


# --- who gets money back hears of it ---------------------------------------------------------------------------------


def prepaid(at: AuthorisationId = OLD) -> Desk:
    """Two units are paid and nobody owes them any more: what was taken goes back."""
    desk = authorised()
    [tender] = desk.order.tenders
    tender.live, tender.captured, tender.captures = 0, 200, {at: 200}
    desk.order.group(1).units[A] = Units(cancelled=2)
    desk.order.settle({A: 2}, earned=False)
    return desk


def refunding(monkeypatch: pytest.MonkeyPatch, *statuses: OperationStatus) -> None:
    answers = iter(statuses)

    async def provider(step: Any, request: Any, **_: Any) -> Refund:
        assert step is PaymentSteps.refund
        return Refund(id="r1", authorisation_id=OLD, amount=request.amount, status=next(answers))

    monkeypatch.setattr("temporalio.workflow.execute_activity_method", provider)


@pytest.mark.parametrize(
    ("status", "told"), [(OperationStatus.SUCCEEDED, "refund_done"), (OperationStatus.PENDING, "refund_started")]
)
async def test_a_refund_is_told_once_as_far_as_it_got(
    alone: Alone, monkeypatch: pytest.MonkeyPatch, status: OperationStatus, told: str
) -> None:
    refunding(monkeypatch, status)
    desk = prepaid()
    await desk.cashier.let_go()
    await desk.book.record()
    await desk.cashier.let_go()
    await desk.book.record()
    [notice] = [notice for milestone in alone.milestones for notice in milestone.notices]
    assert (notice.kind, notice.facts.refund, notice.facts.at_till) == (told, Money(amount=200, currency="EUR"), False)
    assert notice.key.endswith(f":{told}:1:t1:1")


async def test_cash_is_fetched_where_it_was_paid(alone: Alone) -> None:
    desk = prepaid(TILL)
    await desk.cashier.let_go()
    await desk.book.record()
    [notice] = alone.milestones[-1].notices
    assert (notice.kind, notice.facts.at_till) == ("refund_started", True)


async def test_a_refund_that_failed_is_told_and_so_is_its_second_try(
    alone: Alone, monkeypatch: pytest.MonkeyPatch
) -> None:
    refunding(monkeypatch, OperationStatus.FAILED, OperationStatus.SUCCEEDED)
    desk = prepaid()
    paying = asyncio.create_task(desk.cashier.let_go())
    await answered(alone, desk, InterventionAction.RETRY)
    await paying
    await desk.book.record()
    assert alone.notices() == ["refund_failed", "refund_done"]


class OfBalances:
    """Our books of store credit, which refuse so many times that the tender can give so much back."""

    def __init__(self, alone: Alone, monkeypatch: pytest.MonkeyPatch, refusals: int = 0):
        self.alone, self.refusals = alone, refusals
        self.given: list[Redirect] = []
        monkeypatch.setattr("temporalio.workflow.execute_local_activity_method", self)

    async def __call__(self, step: Any, given: Any, **more: Any) -> Any:
        if step is not BalanceSteps.pay_as_balance:
            return await self.alone.carry_out(step, given, **more)
        self.given.append(given)
        if len(self.given) <= self.refusals:
            raise ApplicationError("nothing is left", type=NEEDS_A_PERSON, non_retryable=True)
        issue = given.issue
        return Issued(balance_id=issue.id, amount=issue.amount, currency=issue.currency, last_four="WXYZ")


async def test_a_refund_that_failed_goes_to_store_credit_where_a_person_says_so(
    alone: Alone, monkeypatch: pytest.MonkeyPatch
) -> None:
    refunding(monkeypatch, OperationStatus.FAILED)
    books, desk = OfBalances(alone, monkeypatch), prepaid()
    paying = asyncio.create_task(desk.cashier.let_go())
    await comes_true(alone, lambda: bool(desk.order.interventions))
    assert desk.order.interventions[0].choices == ["retry", "skip", "supply"]
    with pytest.raises(Refused, match="store_credit or gift_card"):
        await answered(alone, desk, InterventionAction.SUPPLY, "cash")
    await answered(alone, desk, InterventionAction.SUPPLY, "store_credit")
    await paying
    await desk.book.record()
    [tender] = desk.order.tenders
    assert (tender.refunded, tender.held, tender.pending) == (200, 0, None)
    [given] = books.given
    assert (given.issue.amount, given.issue.customer_ref) == (200, desk.order.terms.customer_ref)
    assert given.issue.key.endswith(":refund:t1:2"), "the refund that failed keeps its own key"
    assert alone.notices() == ["refund_failed", "balance_given"]
    assert desk.cashier.settled


async def test_what_our_books_refuse_to_credit_is_asked_about_again(
    alone: Alone, monkeypatch: pytest.MonkeyPatch
) -> None:
    refunding(monkeypatch, OperationStatus.FAILED)
    books, desk = OfBalances(alone, monkeypatch, refusals=1), prepaid()
    paying = asyncio.create_task(desk.cashier.let_go())
    await answered(alone, desk, InterventionAction.SUPPLY, "gift_card")
    await answered(alone, desk, InterventionAction.SKIP)
    await paying
    assert (len(books.given), desk.order.tenders[0].refunded) == (1, 200)


@pytest.mark.parametrize("paid_by", [TenderType.FINANCING, TenderType.EXCHANGE_CREDIT])
async def test_what_a_loan_or_an_exchange_has_paid_is_never_store_credit(
    alone: Alone, monkeypatch: pytest.MonkeyPatch, paid_by: TenderType
) -> None:
    refunding(monkeypatch, OperationStatus.FAILED)
    desk = prepaid()
    desk.order.tenders[0].type = paid_by
    paying = asyncio.create_task(desk.cashier.let_go())
    await comes_true(alone, lambda: bool(desk.order.interventions))
    assert desk.order.interventions[0].choices == ["retry", "skip"]
    await answered(alone, desk, InterventionAction.SKIP)
    await paying


async def test_a_refund_that_fails_while_somebody_waits_is_left_to_a_person(
    alone: Alone, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(step: Any, request: Any, **_: Any) -> Refund:
        assert step is PaymentSteps.refund
        return Refund(id="r1", authorisation_id=OLD, amount=request.amount, status=OperationStatus.FAILED)

    monkeypatch.setattr("temporalio.workflow.execute_local_activity_method", fails)
    desk = prepaid()
    await desk.cashier.catch_up()
    [tender] = desk.order.tenders
    assert (tender.pending is not None, tender.refunded, desk.order.interventions) == (True, 0, [])

    async def here_and_there(step: Any, given: Any, **more: Any) -> Any:
        return await (fails if step is PaymentSteps.refund else alone.carry_out)(step, given, **more)

    monkeypatch.setattr("temporalio.workflow.execute_local_activity_method", here_and_there)
    paying = asyncio.create_task(desk.cashier.let_go())
    await answered(alone, desk, InterventionAction.SKIP)
    await paying
    assert (tender.pending, tender.refunded) == (None, 200)


async def test_a_refused_milestone_does_not_silence_that_money_went_back(
    alone: Alone, monkeypatch: pytest.MonkeyPatch
) -> None:
    refunding(monkeypatch, OperationStatus.SUCCEEDED)
    desk = prepaid()
    await desk.cashier.let_go()
    alone.lacking = 1
    desk.book.stock(StockOperation.TAKE, {A: 1}, desk.order.group(1).store_id)
    with pytest.raises(ApplicationError):
        await desk.book.record()
    await desk.book.record()
    assert alone.notices() == ["refund_done"]
