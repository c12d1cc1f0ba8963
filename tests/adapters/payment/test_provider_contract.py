"""What every caller of the provider may rely on, held against the engine in memory and the simulator over HTTP."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters.http import http_client
from adapters.payment.memory import MemoryPayments
from adapters.payment.provider import (
    AmountMismatch,
    Declined,
    KeyConflict,
    NotUnderstood,
    OutcomeUnknown,
    PaymentProvider,
    Unavailable,
    UnknownPayment,
)
from adapters.payment.simulator import SimulatorPayments
from adapters.simulators.payment.faults import Fault
from domain.ids import OperationKey
from domain.money import Money
from domain.payments import (
    Authorisation,
    AuthorisationId,
    AuthorisationStatus,
    Capture,
    DeclineReason,
    OperationStatus,
    Refund,
    Void,
)
from tests.adapters.simulators.process import started

numbers = itertools.count(1)


def eur(amount: int) -> Money:
    return Money(amount=amount, currency="EUR")


@dataclass
class Stage:
    """A provider, and its side of the counter."""

    payments: PaymentProvider
    ledger: Callable[[str], Awaitable[list[dict[str, Any]]]]
    plant: Callable[..., Awaitable[None]]
    customer: Callable[[str, bool], Awaitable[None]]
    dispute: Callable[[str], Awaitable[dict[str, Any]]]
    two_seconds_later: Callable[[], Awaitable[None]]

    def __post_init__(self) -> None:
        self.order = f"order-{next(numbers)}"

    def key(self, *words: str | int) -> OperationKey:
        return OperationKey(":".join([self.order, *map(str, words)]))

    async def authorised(self, amount: int = 1000, token: str = "tok_ok") -> Authorisation:
        return await self.payments.authorise(
            reference=self.order, token=token, amount=eur(amount), key=self.key("authorise")
        )

    async def movements(self) -> list[tuple[str, int, str]]:
        return [(e["operation"], e["amount"], e["status"]) for e in await self.ledger(self.order)]


@pytest.fixture(scope="module")
async def simulator() -> AsyncIterator[str]:
    # An answer that is lost is cut off soon, so that no test has to wait for its own time-out.
    options = ["--port", "0", "--refund-delay", "2", "--silence", "0.1"]
    async with started("adapters.simulators.payment", *options) as running:
        yield running.url


@pytest.fixture(params=["memory", "http"])
async def stage(request: pytest.FixtureRequest, simulator: str) -> AsyncIterator[Stage]:
    if request.param == "memory":
        yield _in_memory()
        return
    async with http_client(timeout=10) as client:

        async def ledger(reference: str) -> list[dict[str, Any]]:
            entries = (await client.get(f"{simulator}/ledger", params={"reference": reference})).json()["entries"]
            return list(entries)

        async def plant(**fault: Any) -> None:
            (await client.post(f"{simulator}/faults", json=fault)).raise_for_status()

        async def customer(authorisation: str, approves: bool) -> None:
            outcome = {"outcome": "approve" if approves else "decline"}
            answer = await client.post(f"{simulator}/v1/authorisations/{authorisation}/action", json=outcome)
            answer.raise_for_status()

        async def dispute(authorisation: str) -> dict[str, Any]:
            return dict((await client.post(f"{simulator}/disputes", json={"authorisation_id": authorisation})).json())

        async def two_seconds_later() -> None:
            await asyncio.sleep(2.05)  # the other process has the real clock

        yield Stage(SimulatorPayments(simulator, client), ledger, plant, customer, dispute, two_seconds_later)
        await client.delete(f"{simulator}/faults")


def _in_memory() -> Stage:
    now = [datetime(2026, 3, 1, tzinfo=UTC)]
    payments = MemoryPayments(lambda: now[0])

    async def ledger(reference: str) -> list[dict[str, Any]]:
        return payments.engine.ledger(reference)

    async def plant(**fault: Any) -> None:
        payments.engine.faults.plant(Fault.model_validate(fault))

    async def customer(authorisation: str, approves: bool) -> None:
        assert payments.engine.act(authorisation, approve=approves).status == 200

    async def dispute(authorisation: str) -> dict[str, Any]:
        return payments.engine.dispute(authorisation, None).body

    async def two_seconds_later() -> None:
        now[0] += timedelta(seconds=2)

    return Stage(payments, ledger, plant, customer, dispute, two_seconds_later)


class TestAuthorise:
    async def test_holds_the_amount_until_the_provider_says(self, stage: Stage) -> None:
        authorisation = await stage.authorised(1000)
        assert authorisation.status is AuthorisationStatus.AUTHORISED
        assert authorisation.held == eur(1000)
        assert authorisation.capture_before is not None
        (entry,) = await stage.ledger(stage.order)
        shape = {"id", "at", "operation", "authorisation_id", "amount", "currency", "status", "key", "reference"}
        assert shape | {"capture_before"} <= entry.keys()
        assert (entry["operation"], entry["status"], entry["key"]) == ("authorise", "succeeded", stage.key("authorise"))
        assert datetime.fromisoformat(entry["capture_before"]) == authorisation.capture_before

    async def test_the_same_key_gives_the_same_answer_once(self, stage: Stage) -> None:
        first = await stage.authorised()
        assert await stage.authorised() == first
        assert len(await stage.movements()) == 1

    async def test_fifty_at_once_with_one_key_hold_the_money_once(self, stage: Stage) -> None:
        answers = await asyncio.gather(*(stage.authorised() for _ in range(50)))
        assert len({answer.id for answer in answers}) == 1
        assert len(await stage.movements()) == 1

    async def test_the_same_key_with_another_amount_is_a_conflict(self, stage: Stage) -> None:
        await stage.authorised(1000)
        with pytest.raises(KeyConflict):
            await stage.authorised(1001)
        assert await stage.movements() == [("authorise", 1000, "succeeded")]

    @pytest.mark.parametrize(
        ("token", "reason"),
        [
            ("tok_declined", DeclineReason.DECLINED),
            ("tok_insufficient_funds", DeclineReason.INSUFFICIENT_FUNDS),
            ("tok_fraud", DeclineReason.FRAUD),
            ("tok_card_expired", DeclineReason.CARD_EXPIRED),
            ("no token at all", DeclineReason.OTHER),
        ],
    )
    async def test_a_declining_token_is_declined_and_stays_so(
        self, stage: Stage, token: str, reason: DeclineReason
    ) -> None:
        for _ in range(2):
            with pytest.raises(Declined) as declined:
                await stage.authorised(token=token)
            assert declined.value.reason is reason
            assert token not in str(declined.value)
        assert await stage.movements() == [("authorise", 1000, "failed")]
        with pytest.raises(Declined):
            await stage.payments.find(stage.key("authorise"))

    async def test_the_token_says_how_long_it_holds(self, stage: Stage) -> None:
        short = await stage.authorised(token="tok_expires_90m")
        assert short.capture_before is not None
        at = datetime.fromisoformat((await stage.ledger(stage.order))[0]["at"])
        assert timedelta() <= short.capture_before - at - timedelta(minutes=90) < timedelta(seconds=1)

    async def test_a_renewal_needs_no_customer_and_lives_beside_the_old_until_that_is_voided(
        self, stage: Stage
    ) -> None:
        first = await stage.authorised(token="tok_3ds")
        await stage.customer(first.id, True)
        second = await stage.payments.authorise(
            reference=stage.order, token="tok_3ds", amount=eur(1000), key=stage.key("renew", 1), extend=first.id
        )
        await stage.payments.void(first.id, amount=None, key=stage.key("void", 1))
        assert second.status is AuthorisationStatus.AUTHORISED
        assert second.id != first.id
        assert (await stage.payments.authorisation(first.id)).status is AuthorisationStatus.VOIDED

    async def test_a_renewal_can_be_declined_where_the_first_was_not(self, stage: Stage) -> None:
        first = await stage.authorised(token="tok_extend_declined")
        with pytest.raises(Declined):
            await stage.payments.authorise(
                reference=stage.order,
                token="tok_extend_declined",
                amount=eur(1000),
                key=stage.key("renew", 1),
                extend=first.id,
            )
        assert (await stage.payments.authorisation(first.id)).held == eur(1000)


class TestCustomerAction:
    async def test_nothing_is_held_until_the_customer_approves(self, stage: Stage) -> None:
        waiting = await stage.authorised(token="tok_3ds")
        assert waiting.status is AuthorisationStatus.CUSTOMER_ACTION
        assert waiting.action_url
        assert waiting.held == eur(0)
        assert await stage.movements() == [("authorise", 1000, "pending")]
        with pytest.raises(Declined):
            await stage.payments.capture(waiting.id, eur(1000), key=stage.key("capture", 1))
        await stage.customer(waiting.id, True)
        found = await stage.payments.find(stage.key("authorise"))
        assert isinstance(found, Authorisation)
        assert found.held == eur(1000)
        assert await stage.movements() == [("authorise", 1000, "succeeded")]

    async def test_a_customer_who_declines_ends_it(self, stage: Stage) -> None:
        waiting = await stage.authorised(token="tok_3ds")
        await stage.customer(waiting.id, False)
        with pytest.raises(Declined):
            await stage.payments.find(stage.key("authorise"))
        assert (await stage.payments.authorisation(waiting.id)).status is AuthorisationStatus.DECLINED

    async def test_a_void_ends_the_wait(self, stage: Stage) -> None:
        waiting = await stage.authorised(token="tok_3ds")
        assert (await stage.payments.void(waiting.id, amount=None, key=stage.key("void"))).amount == eur(0)
        assert (await stage.payments.authorisation(waiting.id)).status is AuthorisationStatus.VOIDED
        assert await stage.movements() == [("authorise", 1000, "reversed"), ("void", 0, "succeeded")]


class TestCapture:
    async def test_parts_add_up_and_no_more_is_taken(self, stage: Stage) -> None:
        authorisation = await stage.authorised(1000)
        first = await stage.payments.capture(authorisation.id, eur(300), key=stage.key("capture", 1))
        assert first.remaining == eur(700)
        assert (await stage.payments.authorisation(authorisation.id)).status is AuthorisationStatus.PARTLY_CAPTURED
        with pytest.raises(AmountMismatch) as over:
            await stage.payments.capture(authorisation.id, eur(701), key=stage.key("capture", 2))
        assert over.value.available == 700
        last = await stage.payments.capture(authorisation.id, eur(700), key=stage.key("capture", 3))
        assert last.remaining == eur(0)
        now = await stage.payments.authorisation(authorisation.id)
        assert (now.status, now.captured) == (AuthorisationStatus.CAPTURED, 1000)

    async def test_a_refused_amount_leaves_its_key_free(self, stage: Stage) -> None:
        authorisation = await stage.authorised(1000)
        with pytest.raises(AmountMismatch):
            await stage.payments.capture(authorisation.id, eur(1001), key=stage.key("capture", 1))
        assert await stage.payments.find(stage.key("capture", 1)) is None
        await stage.payments.capture(authorisation.id, eur(1000), key=stage.key("capture", 1))

    async def test_the_same_key_takes_once(self, stage: Stage) -> None:
        authorisation = await stage.authorised(1000)
        first = await stage.payments.capture(authorisation.id, eur(300), key=stage.key("capture", 1))
        assert await stage.payments.capture(authorisation.id, eur(300), key=stage.key("capture", 1)) == first
        assert (await stage.payments.authorisation(authorisation.id)).captured == 300

    async def test_already_captured_is_a_success_for_the_same_amount_only(self, stage: Stage) -> None:
        authorisation = await stage.authorised(1000)
        taken = await stage.payments.capture(authorisation.id, eur(1000), key=stage.key("capture", 1))
        again = await stage.payments.capture(authorisation.id, eur(1000), key=stage.key("capture", "by hand"))
        assert (again.already, again.id, again.remaining) == (True, taken.id, eur(0))
        with pytest.raises(AmountMismatch):
            await stage.payments.capture(authorisation.id, eur(999), key=stage.key("capture", 3))
        assert (await stage.payments.authorisation(authorisation.id)).captured == 1000

    async def test_a_single_capture_releases_the_rest(self, stage: Stage) -> None:
        authorisation = await stage.authorised(1000, "tok_single_capture")
        assert authorisation.single_capture
        taken = await stage.payments.capture(authorisation.id, eur(400), key=stage.key("capture", 1))
        assert taken.remaining == eur(0)
        with pytest.raises(AmountMismatch):
            await stage.payments.capture(authorisation.id, eur(600), key=stage.key("capture", 2))
        now = await stage.payments.authorisation(authorisation.id)
        assert (now.captured, now.voided, now.status) == (400, 600, AuthorisationStatus.CAPTURED)

    async def test_a_capture_can_be_declined(self, stage: Stage) -> None:
        authorisation = await stage.authorised(token="tok_capture_declined")
        for _ in range(2):
            with pytest.raises(Declined):
                await stage.payments.capture(authorisation.id, eur(1000), key=stage.key("capture", 1))
        assert await stage.movements() == [("authorise", 1000, "succeeded"), ("capture", 1000, "failed")]

    async def test_another_currency_and_an_unknown_authorisation_are_refused(self, stage: Stage) -> None:
        authorisation = await stage.authorised()
        dollars = Money(amount=1000, currency="USD")
        with pytest.raises(AmountMismatch):
            await stage.payments.capture(authorisation.id, dollars, key=stage.key("capture", 1))
        with pytest.raises(UnknownPayment):
            await stage.payments.capture(AuthorisationId("auth_of_nobody"), eur(1), key=stage.key("capture", 2))


class TestVoid:
    async def test_a_part_is_given_back_and_the_rest_stays_held(self, stage: Stage) -> None:
        authorisation = await stage.authorised(1000)
        assert (await stage.payments.void(authorisation.id, amount=eur(400), key=stage.key("void", 1))).amount == eur(
            400
        )
        with pytest.raises(AmountMismatch):
            await stage.payments.void(authorisation.id, amount=eur(601), key=stage.key("void", 2))
        await stage.payments.capture(authorisation.id, eur(600), key=stage.key("capture", 1))
        now = await stage.payments.authorisation(authorisation.id)
        assert (now.status, now.captured, now.voided) == (AuthorisationStatus.CAPTURED, 600, 400)

    async def test_all_that_is_left_goes_back_once(self, stage: Stage) -> None:
        authorisation = await stage.authorised(1000)
        await stage.payments.capture(authorisation.id, eur(250), key=stage.key("capture", 1))
        first = await stage.payments.void(authorisation.id, amount=None, key=stage.key("void", 1))
        assert first.amount == eur(750)
        assert await stage.payments.void(authorisation.id, amount=None, key=stage.key("void", 1)) == first
        assert (await stage.payments.void(authorisation.id, amount=None, key=stage.key("void", 2))).amount == eur(0)
        assert (await stage.payments.authorisation(authorisation.id)).voided == 750

    async def test_a_voided_authorisation_cannot_be_captured(self, stage: Stage) -> None:
        authorisation = await stage.authorised()
        await stage.payments.void(authorisation.id, amount=None, key=stage.key("void"))
        with pytest.raises(Declined):
            await stage.payments.capture(authorisation.id, eur(1000), key=stage.key("capture", 1))


class TestRefund:
    async def test_never_more_than_was_captured(self, stage: Stage) -> None:
        authorisation = await stage.authorised(1000)
        with pytest.raises(AmountMismatch):
            await stage.payments.refund(authorisation.id, eur(1), key=stage.key("refund", 0))
        await stage.payments.capture(authorisation.id, eur(800), key=stage.key("capture", 1))
        await stage.payments.refund(authorisation.id, eur(500), key=stage.key("refund", 1))
        await stage.payments.refund(authorisation.id, eur(500), key=stage.key("refund", 1))
        with pytest.raises(AmountMismatch) as over:
            await stage.payments.refund(authorisation.id, eur(301), key=stage.key("refund", 2))
        assert over.value.available == 300
        await stage.payments.refund(authorisation.id, eur(300), key=stage.key("refund", 3))
        assert (await stage.payments.authorisation(authorisation.id)).refunded == 800

    async def test_a_pending_one_counts_at_once_and_gives_its_money_back_when_it_fails(self, stage: Stage) -> None:
        authorisation = await stage.authorised(1000, "tok_refund_fails")
        await stage.payments.capture(authorisation.id, eur(1000), key=stage.key("capture", 1))
        pending = await stage.payments.refund(authorisation.id, eur(1000), key=stage.key("refund", 1))
        assert pending.status is OperationStatus.PENDING
        with pytest.raises(AmountMismatch):
            await stage.payments.refund(authorisation.id, eur(1), key=stage.key("refund", 2))
        await stage.two_seconds_later()
        found = await stage.payments.find(stage.key("refund", 1))
        assert isinstance(found, Refund)
        assert found.status is OperationStatus.FAILED
        assert (await stage.payments.authorisation(authorisation.id)).refunded == 0
        assert (await stage.movements())[-1] == ("refund", 1000, "failed")

    async def test_a_pending_one_can_end_well(self, stage: Stage) -> None:
        authorisation = await stage.authorised(1000, "tok_refund_pending")
        await stage.payments.capture(authorisation.id, eur(1000), key=stage.key("capture", 1))
        await stage.payments.refund(authorisation.id, eur(600), key=stage.key("refund", 1))
        await stage.two_seconds_later()
        found = await stage.payments.find(stage.key("refund", 1))
        assert isinstance(found, Refund)
        assert (found.status, found.amount) == (OperationStatus.SUCCEEDED, eur(600))

    async def test_a_channels_own_charge_is_refunded_by_its_reference(self, stage: Stage) -> None:
        key = stage.key("refund", 1)
        for _ in range(2):
            refund = await stage.payments.refund_settled(
                reference=stage.order, settled=f"mkt-{stage.order}", amount=eur(700), key=key
            )
            assert (refund.authorisation_id, refund.amount) == (None, eur(700))
        assert await stage.payments.find(key) == refund
        assert len(await stage.movements()) == 1
        assert await stage.ledger(f"mkt-{stage.order}") == await stage.ledger(stage.order)

    async def test_disputed_money_is_not_refunded_a_second_time(self, stage: Stage) -> None:
        authorisation = await stage.authorised(1000)
        await stage.payments.capture(authorisation.id, eur(1000), key=stage.key("capture", 1))
        assert (await stage.dispute(authorisation.id))["operation"] == "dispute"
        with pytest.raises(AmountMismatch):
            await stage.payments.refund(authorisation.id, eur(1000), key=stage.key("refund", 1))
        assert (await stage.movements())[-1] == ("dispute", 1000, "succeeded")


class TestExpiry:
    async def test_what_is_left_at_the_end_is_free_and_cannot_be_captured(self, stage: Stage) -> None:
        authorisation = await stage.authorised(1000, "tok_expires_2s")
        await stage.payments.capture(authorisation.id, eur(400), key=stage.key("capture", 1))
        await stage.two_seconds_later()
        now = await stage.payments.authorisation(authorisation.id)
        assert (now.status, now.captured, now.voided) == (AuthorisationStatus.EXPIRED, 400, 600)
        with pytest.raises(Declined) as late:
            await stage.payments.capture(authorisation.id, eur(600), key=stage.key("capture", 2))
        assert late.value.reason is DeclineReason.EXPIRED
        assert (await stage.payments.void(authorisation.id, amount=None, key=stage.key("void", 1))).amount == eur(0)
        await stage.payments.refund(authorisation.id, eur(400), key=stage.key("refund", 1))
        released = [e for e in await stage.ledger(stage.order) if e["cause"] == "expired"]
        assert [(e["operation"], e["amount"]) for e in released] == [("void", 600)]

    async def test_what_was_captured_whole_does_not_expire(self, stage: Stage) -> None:
        authorisation = await stage.authorised(1000, "tok_expires_2s")
        await stage.payments.capture(authorisation.id, eur(1000), key=stage.key("capture", 1))
        await stage.two_seconds_later()
        assert (await stage.payments.authorisation(authorisation.id)).status is AuthorisationStatus.CAPTURED


class TestLostAnswers:
    async def test_a_lost_authorisation_is_found_and_repeated_without_a_second(self, stage: Stage) -> None:
        with pytest.raises(OutcomeUnknown):
            await stage.authorised(token="tok_timeout_after")
        found = await stage.payments.find(stage.key("authorise"))
        assert found == await stage.authorised(token="tok_timeout_after")
        assert await stage.movements() == [("authorise", 1000, "succeeded")]

    async def test_a_lost_capture_is_found(self, stage: Stage) -> None:
        authorisation = await stage.authorised(token="tok_capture_timeout_after")
        with pytest.raises(OutcomeUnknown):
            await stage.payments.capture(authorisation.id, eur(600), key=stage.key("capture", 1))
        found = await stage.payments.find(stage.key("capture", 1))
        assert isinstance(found, Capture)
        assert (found.amount, found.remaining) == (eur(600), eur(400))
        assert await stage.payments.capture(authorisation.id, eur(600), key=stage.key("capture", 1)) == found

    async def test_a_lost_void_is_found(self, stage: Stage) -> None:
        authorisation = await stage.authorised(token="tok_void_timeout_after")
        with pytest.raises(OutcomeUnknown):
            await stage.payments.void(authorisation.id, amount=None, key=stage.key("void"))
        found = await stage.payments.find(stage.key("void"))
        assert isinstance(found, Void)
        assert found.amount == eur(1000)

    async def test_a_lost_refund_is_found(self, stage: Stage) -> None:
        authorisation = await stage.authorised(token="tok_refund_timeout_after")
        await stage.payments.capture(authorisation.id, eur(1000), key=stage.key("capture", 1))
        with pytest.raises(OutcomeUnknown):
            await stage.payments.refund(authorisation.id, eur(1000), key=stage.key("refund"))
        found = await stage.payments.find(stage.key("refund"))
        assert isinstance(found, Refund)
        assert found.status is OperationStatus.SUCCEEDED

    async def test_what_never_arrived_is_not_found(self, stage: Stage) -> None:
        await stage.plant(operation="authorise", kind="before", reference=stage.order)
        with pytest.raises(OutcomeUnknown):
            await stage.authorised()
        assert await stage.payments.find(stage.key("authorise")) is None
        assert (await stage.authorised()).held == eur(1000)

    async def test_a_lost_answer_can_be_ordered_for_any_operation(self, stage: Stage) -> None:
        await stage.plant(operation="any", kind="after", reference=stage.order, count=1)
        with pytest.raises(OutcomeUnknown):
            await stage.authorised()
        assert len(await stage.movements()) == 1

    async def test_a_question_without_an_answer_may_be_asked_again(self, stage: Stage) -> None:
        await stage.authorised()
        await stage.plant(operation="find", kind="before", reference=stage.order)
        with pytest.raises(Unavailable):
            await stage.payments.find(stage.key("authorise"))
        assert await stage.payments.find(stage.key("authorise")) is not None


class TestPlantedFaults:
    @pytest.mark.parametrize(("status", "retry_after"), [(429, 7.0), (503, 30.0), (500, None)])
    async def test_a_provider_in_trouble_is_asked_again_later(
        self, stage: Stage, status: int, retry_after: float | None
    ) -> None:
        fault = {"operation": "authorise", "kind": "status", "status": status, "count": 2, "reference": stage.order}
        await stage.plant(**fault, **({"retry_after": retry_after} if retry_after else {}))
        for _ in range(2):
            with pytest.raises(Unavailable) as away:
                await stage.authorised()
            assert away.value.retry_after == retry_after
        assert await stage.movements() == []
        assert (await stage.authorised()).held == eur(1000)

    async def test_a_planted_decline_is_booked_and_final(self, stage: Stage) -> None:
        authorisation = await stage.authorised()
        await stage.plant(operation="capture", kind="status", status=402, reference=stage.order)
        for _ in range(2):
            with pytest.raises(Declined):
                await stage.payments.capture(authorisation.id, eur(1000), key=stage.key("capture", 1))
        assert (await stage.movements())[-1] == ("capture", 1000, "failed")

    async def test_an_answer_that_makes_no_sense_goes_to_a_person(self, stage: Stage) -> None:
        await stage.plant(operation="authorise", kind="status", status=403, reference=stage.order)
        with pytest.raises(NotUnderstood):
            await stage.authorised()


async def test_everything_is_listed_once_page_by_page_as_it_is_now(stage: Stage) -> None:
    held = await stage.authorised()
    taken = await stage.payments.authorise(
        reference=stage.order, token="tok_ok", amount=eur(700), key=stage.key("authorise", 2)
    )
    await stage.payments.capture(taken.id, eur(700), key=stage.key("capture"))
    found: list[Authorisation] = []
    after: str | None = ""
    while after is not None:
        page = await stage.payments.listed(after=after, limit=1)
        assert len(page.items) <= 1
        found += page.items
        after = page.after
    assert len({each.id for each in found}) == len(found)
    ours = {each.id: each.captured for each in found if each.reference == stage.order}
    assert ours == {held.id: 0, taken.id: 700}
