"""Operations through the ledger: once a key, within the ceilings, written down as the provider did them."""

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.payment.port import (
    AmountMismatch,
    CapturePurpose,
    CeilingExceeded,
    Declined,
    KeyConflict,
    RefundRequest,
    UnknownPayment,
)
from domain.ids import OperationKey
from domain.ledger import Account, Movement, OrderGoods, Rule, balance
from domain.payments import AuthorisationId, AuthorisationStatus, DeclineReason, OperationKind, OperationStatus
from tests.adapters.payment.tripping import Shop, eur


async def test_an_order_is_authorised_captured_in_parts_and_the_rest_given_back(shop: Shop) -> None:
    held = await shop.authorise(100)
    assert (await shop.capture(held.id, 60)).remaining == eur(40)
    assert (await shop.void(held.id)).amount == eur(40)
    assert (await shop.refund(held.id, 25)).status is OperationStatus.SUCCEEDED
    statement = await shop.books_agree()
    assert [entry.movement for entry in statement.journal] == [
        Movement.AUTHORISE,
        Movement.CAPTURE,
        Movement.VOID,
        Movement.REFUND,
    ]
    posted = [posting for entry in statement.journal for posting in entry.postings]
    assert {account: balance(posted, account) for account in Account if balance(posted, account)} == {
        Account.RECEIVABLE: 35,
        Account.SALES: -60,
        Account.REFUNDS: 25,
    }
    assert (statement.held, statement.captured, statement.refunded) == (0, 60, 25)
    assert [one.status for one in statement.authorisations] == [AuthorisationStatus.CAPTURED]


async def test_repeating_a_key_gives_the_first_answer_and_sends_nothing(shop: Shop) -> None:
    held = await shop.authorise(100, key=f"{shop.order_id}:a")
    first = (
        await shop.capture(held.id, 30, key=f"{shop.order_id}:c"),
        await shop.void(held.id, 20, key=f"{shop.order_id}:v"),
    )
    back = await shop.refund(held.id, 10, key=f"{shop.order_id}:r")
    sent = len(shop.provider.calls)
    assert await shop.authorise(100, key=f"{shop.order_id}:a") == held
    assert await shop.capture(held.id, 30, key=f"{shop.order_id}:c") == first[0]
    assert await shop.void(held.id, 20, key=f"{shop.order_id}:v") == first[1]
    assert await shop.refund(held.id, 10, key=f"{shop.order_id}:r") == back
    assert len(shop.provider.calls) == sent
    await shop.books_agree()


@pytest.mark.parametrize("changed", ["amount", "purpose", "kind", "tender"])
async def test_a_key_with_other_parameters_is_refused(shop: Shop, changed: str) -> None:
    held = await shop.authorise(100)
    key = f"{shop.order_id}:x"
    await shop.capture(held.id, 30, key=key)
    others = {
        "amount": lambda: shop.capture(held.id, 31, key=key),
        "purpose": lambda: shop.capture(held.id, 30, key=key, purpose=CapturePurpose.POLICY_FEE),
        "kind": lambda: shop.refund(held.id, 30, key=key),
        "tender": lambda: shop.capture(held.id, 30, key=key, tender="t2"),
    }
    with pytest.raises(UnknownPayment if changed == "tender" else KeyConflict):
        await others[changed]()
    assert shop.provider.sent("capture") == 1
    await shop.books_agree()


async def test_fifty_at_once_with_one_key_make_one_authorisation(shop: Shop) -> None:
    key = f"{shop.order_id}:a"
    answers = await asyncio.gather(*(shop.authorise(100, key=key) for _ in range(50)))
    assert len({answer.id for answer in answers}) == 1
    assert len((await shop.books_agree()).journal) == 1


async def test_two_tries_of_one_capture_that_wait_for_the_books_are_one_capture(
    shop: Shop, ledger_engine: AsyncEngine
) -> None:
    """As when a worker comes back to a step that was given up meanwhile and is being tried again."""
    held = await shop.authorise(100)
    key = f"{shop.order_id}:c"
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    async with ledger_engine.connect() as other, ledger_engine.connect() as watcher:
        lock = text("SELECT 1 FROM authorisations WHERE id = :id FOR UPDATE")
        await other.execute(lock, {"id": held.id})
        tries = [asyncio.create_task(shop.capture(held.id, 100, key=key)) for _ in range(2)]
        async with asyncio.timeout(10):
            while (await watcher.scalar(waiting) or 0) < len(tries):
                await watcher.rollback()
        await other.rollback()
        answers = await asyncio.gather(*tries)
    assert {answer.amount for answer in answers} == {eur(100)}
    assert (await shop.books_agree()).captured == 100


async def test_a_decline_is_kept_and_repeated(shop: Shop) -> None:
    for _ in range(2):
        with pytest.raises(Declined) as declined:
            await shop.authorise(100, "tok_insufficient_funds", key=f"{shop.order_id}:a")
        assert declined.value.reason is DeclineReason.INSUFFICIENT_FUNDS
    assert shop.provider.sent("authorise") == 1
    statement = await shop.books_agree()
    assert (statement.operations[0].status, statement.journal) == (OperationStatus.FAILED, ())


async def test_a_declined_capture_frees_what_it_had_spoken_for(shop: Shop) -> None:
    held = await shop.authorise(100, "tok_capture_declined")
    for _ in range(2):
        with pytest.raises(Declined):
            await shop.capture(held.id, 100, key=f"{shop.order_id}:c")
    assert (await shop.void(held.id)).amount == eur(100)
    await shop.books_agree()


async def test_more_than_is_held_is_refused_before_the_provider_is_asked(shop: Shop) -> None:
    held = await shop.authorise(100)
    await shop.capture(held.id, 60)
    await shop.void(held.id, 30)
    sent = len(shop.provider.calls)
    for verb in (shop.capture, shop.void):
        with pytest.raises(CeilingExceeded) as refused:
            await verb(held.id, 11)
        assert (refused.value.asked, refused.value.available) == (11, 10)
    with pytest.raises(CeilingExceeded):
        await shop.refund(held.id, 61)
    assert len(shop.provider.calls) == sent
    await shop.books_agree()


async def test_two_captures_racing_for_the_rest_one_is_refused(shop: Shop) -> None:
    held = await shop.authorise(100)
    answers = await asyncio.gather(shop.capture(held.id, 60), shop.capture(held.id, 60), return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in answers) == ["Capture", "CeilingExceeded"]
    assert shop.provider.sent("capture") == 1
    await shop.books_agree()


async def test_twenty_refunds_at_once_never_exceed_what_was_captured(shop: Shop) -> None:
    held = await shop.authorise(100)
    await shop.capture(held.id, 100)
    answers = await asyncio.gather(*(shop.refund(held.id, 15) for _ in range(20)), return_exceptions=True)
    assert sum(isinstance(answer, CeilingExceeded) for answer in answers) == 14
    assert (await shop.books_agree()).refunded == 90


async def test_captures_voids_and_refunds_at_once_leave_equal_books(shop: Shop) -> None:
    held = await shop.authorise(1_000)
    await shop.capture(held.id, 200)
    verbs = [shop.capture, shop.void, shop.refund]
    answers = await asyncio.gather(*(verbs[i % 3](held.id, 70) for i in range(30)), return_exceptions=True)
    assert {type(answer).__name__ for answer in answers} == {"Capture", "Void", "Refund", "CeilingExceeded"}
    statement = await shop.books_agree()
    assert statement.held == 1_000 - 200 - 70 * 11


async def test_the_rest_is_voided_beside_a_capture_under_way(shop: Shop) -> None:
    held = await shop.authorise(100)
    pause = shop.provider.pause("capture")
    capture = asyncio.create_task(shop.capture(held.id, 60))
    await pause.reached.wait()
    freed = await shop.void(held.id)
    pause.over.set()
    assert ((await capture).amount, freed.amount) == (eur(60), eur(40))
    await shop.books_agree()


async def test_a_void_when_nothing_is_left_gives_zero(shop: Shop) -> None:
    held = await shop.authorise(100)
    await shop.capture(held.id, 100)
    assert (await shop.void(held.id)).amount == eur(0)
    assert len((await shop.books_agree()).journal) == 2


async def test_a_single_capture_releases_the_rest(shop: Shop) -> None:
    held = await shop.authorise(100, "tok_single_capture")
    assert (await shop.capture(held.id, 60)).remaining == eur(0)
    statement = await shop.books_agree()
    assert [entry.movement for entry in statement.journal] == [Movement.AUTHORISE, Movement.CAPTURE, Movement.VOID]
    assert await shop.hear(times=2) == [True] * 4
    assert len((await shop.books_agree()).journal) == 3


async def test_beside_a_single_capture_under_way_nothing_more_is_taken(shop: Shop) -> None:
    held = await shop.authorise(100, "tok_single_capture")
    pause = shop.provider.pause("capture")
    capture = asyncio.create_task(shop.capture(held.id, 60))
    await pause.reached.wait()
    with pytest.raises(CeilingExceeded):
        await shop.capture(held.id, 40)
    pause.over.set()
    await capture
    assert shop.provider.sent("capture") == 1
    await shop.books_agree()


async def test_captured_already_with_the_same_amount_is_a_success_and_booked_once(shop: Shop) -> None:
    held = await shop.authorise(100)
    await shop.provider.capture(held.id, eur(100), key=OperationKey("somebody-else"))
    answer = await shop.capture(held.id, 100)
    assert answer.already
    assert await shop.hear() == [True, True]
    assert [entry.movement for entry in (await shop.books_agree()).journal] == [Movement.AUTHORISE, Movement.CAPTURE]


async def test_captured_already_with_another_amount_is_for_a_person(shop: Shop) -> None:
    held = await shop.authorise(100)
    await shop.provider.capture(held.id, eur(100), key=OperationKey("somebody-else"))
    with pytest.raises(AmountMismatch):
        await shop.capture(held.id, 70)
    assert await shop.in_our_books() == shop.at_the_provider()
    assert [violation.rule for violation in (await shop.statement()).violations] == [Rule.CAPTURE_HAS_PURPOSE]


async def test_what_we_did_not_authorise_is_unknown(shop: Shop) -> None:
    with pytest.raises(UnknownPayment):
        await shop.capture(AuthorisationId("auth_of_another"), 10)
    assert shop.provider.calls == []


async def test_another_currency_is_refused(shop: Shop) -> None:
    held = await shop.authorise(100)
    await shop.capture(held.id, 100)
    request = RefundRequest(
        **shop._common("refund", None, "t1"),
        authorisation_id=held.id,
        amount=eur(10).model_copy(update={"currency": "USD"}),
        reason="returned",
    )
    with pytest.raises(AmountMismatch):
        await shop.payments.refund(request)


async def test_nothing_is_held_until_the_customer_confirms(shop: Shop) -> None:
    key = f"{shop.order_id}:a"
    asked = await shop.authorise(100, "tok_3ds", key=key)
    assert asked.status is AuthorisationStatus.CUSTOMER_ACTION
    with pytest.raises(CeilingExceeded):
        await shop.capture(asked.id, 10)
    assert (await shop.statement()).held == 0
    shop.provider.engine.act(asked.id, approve=True)
    assert (await shop.capture(asked.id, 10)).amount == eur(10)
    assert (await shop.authorise(100, "tok_3ds", key=key)).status is AuthorisationStatus.AUTHORISED
    await shop.books_agree()


@pytest.mark.parametrize("end", ["refused", "never"])
async def test_a_confirmation_that_fails_is_a_decline(shop: Shop, end: str) -> None:
    key = f"{shop.order_id}:a"
    asked = await shop.authorise(100, "tok_3ds", key=key)
    if end == "refused":
        shop.provider.engine.act(asked.id, approve=False)
    else:
        shop.provider.wait(hours=2)
    assert await shop.hear() == [True]
    with pytest.raises(Declined):
        await shop.authorise(100, "tok_3ds", key=key)
    assert (await shop.books_agree()).journal == ()


async def test_giving_up_before_the_confirmation_leaves_nothing(shop: Shop) -> None:
    asked = await shop.authorise(100, "tok_3ds")
    assert (await shop.void(asked.id)).amount == eur(0)
    statement = await shop.books_agree()
    assert {one.kind: one.status for one in statement.operations} == {
        OperationKind.AUTHORISE: OperationStatus.REVERSED,
        OperationKind.VOID: OperationStatus.SUCCEEDED,
    }
    assert statement.authorisations[0].status is AuthorisationStatus.VOIDED


async def test_a_void_that_crosses_the_confirmation_frees_what_was_held(shop: Shop) -> None:
    asked = await shop.authorise(100, "tok_3ds")
    shop.provider.engine.act(asked.id, approve=True)
    assert (await shop.void(asked.id)).amount == eur(100)
    assert (await shop.books_agree()).held == 0


async def test_a_renewed_authorisation_stands_beside_the_old_one_until_that_is_voided(shop: Shop) -> None:
    old = await shop.authorise(100)
    new = await shop.authorise(100, replaces=old.id)
    await shop.void(old.id)
    await shop.capture(new.id, 100)
    assert len((await shop.books_agree()).authorisations) == 2


async def test_two_tenders_have_ceilings_of_their_own(shop: Shop) -> None:
    first, second = await shop.authorise(60, tender="t1"), await shop.authorise(40, tender="t2")
    await shop.capture(first.id, 60, tender="t1")
    with pytest.raises(CeilingExceeded):
        await shop.refund(second.id, 1, tender="t2")
    assert [(one.tender_id, one.captured) for one in (await shop.books_agree()).tenders] == [("t1", 60), ("t2", 0)]


async def test_the_statement_checks_money_against_goods(shop: Shop) -> None:
    held = await shop.authorise(100)
    await shop.capture(held.id, 60)
    good = OrderGoods(delivered_or_kept=60, owed=40)
    short = OrderGoods(delivered_or_kept=50, owed=60)
    assert (await shop.payments.statement(held.reference, good)).violations == ()  # type: ignore[arg-type]
    found = (await shop.payments.statement(held.reference, short)).violations  # type: ignore[arg-type]
    assert {violation.rule for violation in found} == {Rule.TAKEN_WITHIN_DUE, Rule.OWED_IS_COVERED}


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE journal_lines SET amount = amount * 2",
        "DELETE FROM journal_lines",
        "DELETE FROM journal_entries",
        "UPDATE journal_entries SET tender_id = 'other'",
        "INSERT INTO journal_lines SELECT entry_id, 'fees', 1 FROM journal_lines LIMIT 1",
    ],
)
async def test_the_journal_takes_balanced_entries_and_nothing_else(
    shop: Shop, ledger_engine: AsyncEngine, tampering: str
) -> None:
    await shop.authorise(100)
    async with ledger_engine.connect() as connection:
        with pytest.raises(DBAPIError, match=r"append-only|sum to zero"):
            await connection.execute(text(tampering))
    await shop.books_agree()


async def test_no_token_is_kept_or_shown(shop: Shop, ledger_engine: AsyncEngine) -> None:
    held = await shop.authorise(100, "tok_ok+tok_secretive")
    await shop.capture(held.id, 100)
    async with ledger_engine.connect() as connection:
        rows = await connection.execute(
            text("SELECT o::text FROM payment_operations o UNION ALL SELECT a::text FROM authorisations a")
        )
        assert "secretive" not in "".join(rows.scalars())
