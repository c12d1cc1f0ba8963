"""The provider's webhooks against our own answers: before, after, twice, reversed, or alone, they make one entry."""

import asyncio

import pytest

from adapters.payment.port import Declined, ProviderEvent, Unavailable
from adapters.simulators.payment.faults import FaultKind
from domain.ids import OperationKey
from domain.ledger import Movement, Rule
from domain.payments import AuthorisationId, AuthorisationStatus, OperationKind, OperationStatus
from tests.adapters.payment.test_ledger_crashes import VERBS, ready
from tests.adapters.payment.tripping import START, Crash, Shop, eur


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("with_key", [True, False])
async def test_an_event_before_our_own_answer(shop: Shop, verb: str, with_key: bool) -> None:
    _, act = await ready(shop, verb)
    pause = shop.provider.pause(verb)
    ours = asyncio.ensure_future(act())
    await pause.reached.wait()
    event = shop.provider.events()[-1]
    known = await shop.payments.record_external(event if with_key else event.model_copy(update={"key": None}))
    assert known is (with_key or verb != "authorise")  # an authorisation without our key is nobody's yet
    pause.over.set()
    await ours
    await shop.books_agree()


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("with_key", [True, False])
async def test_events_after_our_own_answer_twice_and_in_reverse(shop: Shop, verb: str, with_key: bool) -> None:
    _, act = await ready(shop, verb)
    await act()
    before = await shop.books_agree()
    for event in reversed(shop.provider.events() * 2):
        assert await shop.payments.record_external(event if with_key else event.model_copy(update={"key": None}))
    assert await shop.books_agree() == before


@pytest.mark.parametrize("verb", VERBS)
async def test_an_event_alone_settles_what_we_never_heard_of(shop: Shop, verb: str) -> None:
    _, act = await ready(shop, verb)
    shop.provider.crash_after = verb
    with pytest.raises(Crash):
        await act()
    events = shop.provider.events()[-1:] * 3
    assert await asyncio.gather(*(shop.payments.record_external(event) for event in events)) == [True] * 3
    settled = await shop.books_agree()
    assert {one.status for one in settled.operations} == {OperationStatus.SUCCEEDED}
    sent = len(shop.provider.calls)
    await act()
    assert len(shop.provider.calls) == sent


async def test_a_payment_that_is_not_ours_is_left_for_later(shop: Shop) -> None:
    stranger = ProviderEvent(
        operation_id="op_1",
        kind=OperationKind.CAPTURE,
        status=OperationStatus.SUCCEEDED,
        authorisation_id=AuthorisationId("auth_of_another"),
        amount=eur(5),
        at=START,
    )
    assert await shop.payments.record_external(stranger) is False


async def test_an_expiry_frees_the_rest_once_and_refuses_the_capture(shop: Shop) -> None:
    held = await shop.authorise(100, "tok_expires_60s")
    await shop.capture(held.id, 30)
    shop.provider.wait(minutes=2)
    answers = await asyncio.gather(*(shop.hear(times=2) for _ in range(3)))
    assert {answer for each in answers for answer in each} == {True}
    statement = await shop.books_agree()
    assert (statement.held, statement.authorisations[0].status) == (0, AuthorisationStatus.EXPIRED)
    sent = shop.provider.sent("capture")
    with pytest.raises(Declined):
        await shop.capture(held.id, 70)
    assert shop.provider.sent("capture") == sent


async def test_an_expiry_that_nobody_told_is_seen_when_the_state_is_read(shop: Shop) -> None:
    held = await shop.authorise(100, "tok_expires_60s")
    shop.provider.wait(minutes=2)
    assert (await shop.payments.authorisation(held.id)).status is AuthorisationStatus.EXPIRED
    assert (await shop.books_agree()).held == 0
    assert await shop.hear(times=2) == [True] * 4
    assert len((await shop.books_agree()).journal) == 2


async def test_an_expiry_that_nobody_told_is_seen_when_a_void_finds_nothing(shop: Shop) -> None:
    held = await shop.authorise(100, "tok_expires_60s")
    shop.provider.wait(minutes=2)
    assert (await shop.void(held.id)).amount == eur(0)
    assert (await shop.books_agree()).held == 0


async def test_a_capture_by_somebody_else_is_entered_and_flagged(shop: Shop) -> None:
    held = await shop.authorise(100)
    await shop.provider.capture(held.id, eur(40), key=OperationKey("by-hand"))
    await shop.provider.refund(held.id, eur(10), key=OperationKey("by-hand-2"))
    assert await shop.hear(times=3) == [True] * 9
    assert await shop.in_our_books() == shop.at_the_provider()
    statement = await shop.statement()
    assert [violation.rule for violation in statement.violations] == [Rule.CAPTURE_HAS_PURPOSE]
    assert sum(one.external for one in statement.operations) == 2


@pytest.mark.parametrize("how", ["event", "key"])
async def test_a_pending_refund_is_counted_and_ends_later(shop: Shop, how: str) -> None:
    held = await shop.authorise(100, "tok_refund_pending")
    await shop.capture(held.id, 100)
    key = f"{shop.order_id}:r"
    assert (await shop.refund(held.id, 60, key=key)).status is OperationStatus.PENDING
    assert (await shop.books_agree()).refunded == 0
    shop.provider.wait(minutes=1)
    if how == "event":
        await shop.hear(times=2)
    else:
        assert (await shop.refund(held.id, 60, key=key)).status is OperationStatus.SUCCEEDED
    assert (await shop.books_agree()).refunded == 60


async def test_a_refund_that_fails_later_frees_its_ceiling(shop: Shop) -> None:
    held = await shop.authorise(100, "tok_refund_fails")
    await shop.capture(held.id, 100)
    key = f"{shop.order_id}:r"
    await shop.refund(held.id, 60, key=key)
    shop.provider.wait(minutes=1)
    await shop.hear(times=2)
    assert (await shop.refund(held.id, 60, key=key)).status is OperationStatus.FAILED
    assert (await shop.refund(held.id, 100)).status is OperationStatus.PENDING
    await shop.books_agree()


async def test_a_refund_that_comes_back_is_reversed_once(shop: Shop) -> None:
    held = await shop.authorise(100)
    await shop.capture(held.id, 100)
    back = await shop.refund(held.id, 60)
    books = shop.provider.engine.books
    books.operations[back.id].status = OperationStatus.REVERSED
    books.authorisations[held.id].refunded -= 60
    event = shop.provider.events()[-1].model_copy(update={"status": OperationStatus.REVERSED})
    for _ in range(2):
        assert await shop.payments.record_external(event)
    statement = await shop.books_agree()
    assert [entry.movement for entry in statement.journal][-2:] == [Movement.REFUND, Movement.REFUND_REVERSED]
    assert (await shop.refund(held.id, 100)).amount == eur(100)


async def test_an_event_while_the_provider_is_away_is_refused_and_taken_later(shop: Shop) -> None:
    _, act = await ready(shop, "capture")
    shop.provider.crash_after = "capture"
    with pytest.raises(Crash):
        await act()
    shop.provider.trip("find", FaultKind.BEFORE)
    event = shop.provider.events()[-1]
    with pytest.raises(Unavailable):
        await shop.payments.record_external(event)
    assert await shop.payments.record_external(event)
    await shop.books_agree()


@pytest.mark.parametrize("verb", ["capture", "void", "refund"])
async def test_reading_the_state_while_our_answer_is_on_its_way_enters_nothing_of_a_stranger(
    shop: Shop, verb: str
) -> None:
    _, act = await ready(shop, verb)
    pause = shop.provider.pause(verb)
    ours = asyncio.ensure_future(act())
    await pause.reached.wait()
    await shop.payments.authorisation(AuthorisationId(next(iter(shop.at_the_provider()))))
    pause.over.set()
    await ours
    assert not any(one.external for one in (await shop.books_agree()).operations)
