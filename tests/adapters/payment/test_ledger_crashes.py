"""Crashes and silences between us and the provider: one effect, one entry, whoever asks again."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.payment.ledgered import LedgeredPayments
from adapters.payment.port import CeilingExceeded, Declined, OutcomeUnknown, PaymentFault, Unavailable
from adapters.simulators.payment.faults import FaultKind
from domain.ids import OperationKey
from domain.payments import Authorisation, OperationStatus
from tests.adapters.payment.tripping import Crash, Shop, eur

VERBS = ["authorise", "capture", "void", "refund"]
LOST = {
    "authorise": "tok_timeout_after",
    "capture": "tok_capture_timeout_after",
    "void": "tok_void_timeout_after",
    "refund": "tok_refund_timeout_after",
}


async def ready(shop: Shop, verb: str, token: str = "tok_ok") -> tuple[str, Callable[[], Awaitable[object]]]:
    """Everything that comes before `verb`, and `verb` itself under one key, to be repeated."""
    key = f"{shop.order_id}:it"
    if verb == "authorise":
        return key, lambda: shop.authorise(100, token, key=key)
    held = await shop.authorise(100, token)
    if verb == "refund":
        await shop.capture(held.id, 60)
    return key, {
        "capture": lambda: shop.capture(held.id, 60, key=key),
        "void": lambda: shop.void(held.id, 40, key=key),
        "refund": lambda: shop.refund(held.id, 30, key=key),
    }[verb]


def restarted(shop: Shop, engine: AsyncEngine) -> None:
    """A new process: nothing is left in memory."""
    shop.payments = LedgeredPayments(engine, shop.provider, shop.payments._ledger.provider, clock=shop.provider.clock)


@pytest.mark.parametrize("verb", VERBS)
async def test_a_crash_before_the_provider_was_asked(shop: Shop, ledger_engine: AsyncEngine, verb: str) -> None:
    _, act = await ready(shop, verb)
    shop.provider.crash_before = verb
    with pytest.raises(Crash):
        await act()
    restarted(shop, ledger_engine)
    before = shop.provider.sent(verb)
    await act()
    assert (shop.provider.sent("find"), shop.provider.sent(verb)) == (1, before + 1)
    await shop.books_agree()


@pytest.mark.parametrize("verb", VERBS)
async def test_a_crash_after_the_provider_did_it(shop: Shop, ledger_engine: AsyncEngine, verb: str) -> None:
    _, act = await ready(shop, verb)
    shop.provider.crash_after = verb
    with pytest.raises(Crash):
        await act()
    restarted(shop, ledger_engine)
    sent = shop.provider.sent(verb)
    await act()
    assert (shop.provider.sent("find"), shop.provider.sent(verb)) == (1, sent)
    await shop.books_agree()


@pytest.mark.parametrize("verb", VERBS)
async def test_the_money_of_an_operation_under_way_is_spoken_for(shop: Shop, verb: str) -> None:
    _, act = await ready(shop, verb)
    shop.provider.crash_before = verb
    with pytest.raises(Crash):
        await act()
    statement = await shop.statement()
    assert statement.operations[-1].status is OperationStatus.PENDING
    assert statement.violations == ()
    if verb != "authorise":
        held = statement.authorisations[0]
        over = 31 if verb == "refund" else 101
        with pytest.raises(CeilingExceeded):
            await (shop.refund if verb == "refund" else shop.capture)(held.id, over)


@pytest.mark.parametrize("verb", VERBS)
async def test_executed_but_not_answered_is_found_by_its_key_at_once(shop: Shop, verb: str) -> None:
    _, act = await ready(shop, verb, LOST[verb])
    first = await act()
    assert shop.provider.sent("find") == 1
    assert await act() == first
    assert len({call.key for call in shop.provider.calls if call.verb == verb}) == shop.provider.sent(verb)
    await shop.books_agree()


@pytest.mark.parametrize("verb", VERBS)
async def test_while_nobody_answers_the_outcome_stays_unknown_and_nothing_is_sent_twice(shop: Shop, verb: str) -> None:
    _, act = await ready(shop, verb)
    shop.provider.trip(verb, FaultKind.AFTER)
    shop.provider.trip("find", FaultKind.BEFORE, count=3)
    sent = shop.provider.sent(verb)
    with pytest.raises(OutcomeUnknown):
        await act()
    for _ in range(2):
        with pytest.raises(Unavailable):
            await act()
    await act()
    assert shop.provider.sent(verb) == sent + 1
    await shop.books_agree()


@pytest.mark.parametrize("verb", VERBS)
async def test_what_never_arrived_is_sent_again_with_the_same_key(shop: Shop, verb: str) -> None:
    key, act = await ready(shop, verb)
    shop.provider.trip(verb, FaultKind.BEFORE)
    with pytest.raises(OutcomeUnknown):
        await act()
    await act()
    tries = [call.key for call in shop.provider.calls if call.verb == verb][-2:]
    assert tries == [key, key]
    await shop.books_agree()


@pytest.mark.parametrize("verb", VERBS)
async def test_a_provider_that_is_away_is_asked_again_later(shop: Shop, verb: str) -> None:
    _, act = await ready(shop, verb)
    shop.provider.trip(verb, FaultKind.STATUS, status=503, retry_after=7)
    with pytest.raises(Unavailable) as away:
        await act()
    assert away.value.retry_after == 7
    await act()
    await shop.books_agree()


@pytest.mark.parametrize("verb", ["authorise", "capture"])
async def test_a_decline_whose_answer_was_lost_is_a_decline(shop: Shop, verb: str) -> None:
    _, act = await ready(shop, verb, "tok_declined" if verb == "authorise" else "tok_capture_declined")
    shop.provider.trip(verb, FaultKind.AFTER)
    for _ in range(2):
        with pytest.raises(Declined):
            await act()
    await shop.books_agree()


@pytest.mark.parametrize("verb", VERBS)
async def test_the_same_key_twice_at_once_while_the_answer_is_on_its_way(shop: Shop, verb: str) -> None:
    _, act = await ready(shop, verb)
    pause = shop.provider.pause(verb)
    slow = asyncio.ensure_future(act())
    await pause.reached.wait()
    quick = await act()
    pause.over.set()
    assert await slow == quick
    await shop.books_agree()


async def held_with_a_lost_capture(shop: Shop, kind: FaultKind) -> tuple[Authorisation, str]:
    held = await shop.authorise(100)
    key = f"{shop.order_id}:lost"
    shop.provider.trip("capture", kind)
    shop.provider.trip("find", FaultKind.BEFORE)
    with pytest.raises(OutcomeUnknown):
        await shop.capture(held.id, 60, key=key)
    return held, key


async def test_a_cancel_frees_the_money_of_a_capture_that_never_arrived(shop: Shop) -> None:
    held, key = await held_with_a_lost_capture(shop, FaultKind.BEFORE)
    assert (await shop.void(held.id)).amount == eur(100)
    assert (await shop.books_agree()).held == 0
    with pytest.raises(CeilingExceeded):
        await shop.capture(held.id, 60, key=key)


async def test_a_cancel_takes_note_of_a_capture_that_had_arrived(shop: Shop) -> None:
    held, key = await held_with_a_lost_capture(shop, FaultKind.AFTER)
    assert (await shop.void(held.id)).amount == eur(40)
    sent = len(shop.provider.calls)
    assert (await shop.capture(held.id, 60, key=key)).amount == eur(60)
    assert len(shop.provider.calls) == sent
    await shop.books_agree()


async def test_a_capture_that_arrives_after_it_was_given_up_is_still_booked_as_ours(shop: Shop) -> None:
    held, key = await held_with_a_lost_capture(shop, FaultKind.BEFORE)
    pause = shop.provider.pause("find")
    voided = asyncio.ensure_future(shop.void(held.id))
    await pause.reached.wait()
    await shop.provider.capture(held.id, eur(60), key=OperationKey(key))  # the slow request gets through now
    pause.over.set()
    assert (await voided).amount == eur(40)
    statement = await shop.books_agree()
    assert [one.external for one in statement.operations] == [False] * 3


async def test_an_operation_left_open_by_a_fault_never_blocks_the_statement(shop: Shop) -> None:
    held = await shop.authorise(100)
    shop.provider.trip("any", FaultKind.BEFORE, count=4)
    for verb in (shop.capture, shop.void):
        with pytest.raises(PaymentFault):
            await verb(held.id, 20)
    assert (await shop.statement()).violations == ()
