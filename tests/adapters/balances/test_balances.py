"""A balance is held, drawn and given back to the cent, never overdrawn, and each movement happens once."""

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.balances.port import NothingLeftToRedirect, Redirect
from adapters.payment.port import CeilingExceeded, Declined, PaymentFault
from adapters.payment.provider import AmountMismatch, KeyConflict, UnknownPayment
from domain.balances import BalanceAccount, BalanceId, BalanceKind, BalanceMovement, BalanceStatus, Issue
from domain.ids import OperationKey, OrderId
from domain.payments import AuthorisationId, AuthorisationStatus, OperationStatus, TenderId
from tests.adapters.balances.conftest import NOW, Purse, eur


async def test_a_balance_is_held_drawn_and_given_back_to_the_cent(purse: Purse) -> None:
    await purse.fill(5000)
    hold = await purse.hold(3000)
    assert (hold.status, hold.capture_before) == (AuthorisationStatus.AUTHORISED, None)
    shown = await purse.now()
    assert (shown.balance, shown.held, shown.available) == (5000, 3000, 2000)
    assert (await purse.draw(hold.id, 1999)).remaining == eur(1001)
    assert (await purse.free(hold.id)).amount == eur(1001)
    assert (await purse.give_back(hold.id, 1999)).status is OperationStatus.SUCCEEDED
    shown = await purse.now()
    assert (shown.balance, shown.held, shown.available) == (5000, 0, 5000)
    entries = [entry for _, entry in await purse.balances.history(purse.id, after=0, limit=10)]
    assert [(entry.movement.value, entry.amount) for entry in entries] == [
        ("issue", 5000),
        ("hold", 3000),
        ("draw", 1999),
        ("release", 1001),
        ("give_back", 1999),
    ]
    assert {entry.reference for entry in entries[1:]} == {f"{purse.name}-1"}
    statement = await purse.payments.statement(OrderId(f"{purse.name}-1"))
    assert statement.violations == ()
    [tender] = statement.tenders
    assert (tender.authorised, tender.captured, tender.voided, tender.refunded) == (3000, 1999, 1001, 1999)


async def test_more_than_is_on_it_is_declined_and_again_for_the_same_key(purse: Purse) -> None:
    await purse.fill(100)
    key = purse.key()
    for _ in range(2):
        with pytest.raises(Declined, match="insufficient_funds"):
            await purse.hold(101, key=key)
    await purse.hold(100)
    assert (await purse.now()).available == 0


@pytest.mark.parametrize("token", ["balance:gift_card:unknown", "balance:credit:unknown", "balance:purse:unknown"])
async def test_a_number_that_nobody_issued_is_declined(purse: Purse, token: str) -> None:
    with pytest.raises(Declined):
        await purse.hold(1, token=token)


async def test_a_card_pays_once_it_is_activated_and_no_longer_once_its_sale_is_paid_back(purse: Purse) -> None:
    await purse.fill(100, active=False)
    with pytest.raises(Declined):
        await purse.hold(10)
    await purse.balances.activate(purse.id, NOW)
    hold = await purse.hold(10)
    await purse.draw(hold.id, 10)
    assert await purse.balances.disable(purse.id, OperationKey(f"{purse.name}:off"), NOW, "its sale was refunded") == 90
    assert await purse.balances.disable(purse.id, OperationKey(f"{purse.name}:off"), NOW, "its sale was refunded") == 90
    shown = await purse.now()
    assert (shown.status, shown.balance) == (BalanceStatus.DISABLED, 0)
    with pytest.raises(Declined):
        await purse.hold(1)
    assert (await purse.give_back(hold.id, 10)).status is OperationStatus.FAILED
    assert (await purse.now()).balance == 0, "what nobody could spend there goes another way"


async def test_an_operation_happens_once_however_often_it_is_asked_for(purse: Purse) -> None:
    await purse.fill(100)
    key = purse.key()
    holds = await asyncio.gather(*(purse.hold(60, key=key) for _ in range(5)), return_exceptions=True)
    assert {hold.id for hold in holds if not isinstance(hold, BaseException)} == {(await purse.hold(60, key=key)).id}
    shown = await purse.now()
    assert (shown.available, shown.held) == (40, 60)
    with pytest.raises(KeyConflict):
        await purse.provider.authorise(reference="other", token=purse.token, amount=eur(60), key=key)


async def test_two_orders_at_the_same_moment_never_overdraw_it(purse: Purse) -> None:
    await purse.fill(100)
    answers = await asyncio.gather(
        *(purse.hold(30, order=str(n)) for n in range(8)),
        return_exceptions=True,
    )
    assert sum(not isinstance(answer, BaseException) for answer in answers) == 3
    assert all(isinstance(answer, Declined) for answer in answers if isinstance(answer, BaseException))
    shown = await purse.now()
    assert (shown.balance, shown.held, shown.available) == (100, 90, 10)


async def test_more_than_is_held_or_was_drawn_is_refused(purse: Purse) -> None:
    await purse.fill(100)
    hold = await purse.hold(50)
    with pytest.raises(CeilingExceeded):
        await purse.draw(hold.id, 51)
    with pytest.raises(AmountMismatch):
        await purse.provider.capture(hold.id, eur(51), key=purse.key())
    await purse.draw(hold.id, 50)
    with pytest.raises(CeilingExceeded):
        await purse.give_back(hold.id, 51)
    with pytest.raises(AmountMismatch):
        await purse.provider.refund(hold.id, eur(51), key=purse.key())
    with pytest.raises(UnknownPayment):
        await purse.provider.authorisation(AuthorisationId("balance-gift_card-none"))
    assert await purse.provider.find(OperationKey("nobody:asked")) is None


async def test_a_customer_has_one_store_credit_a_currency_however_often_it_is_given(
    balances_engine: AsyncEngine,
) -> None:
    first = Purse(balances_engine, BalanceKind.CREDIT)
    others = [Purse(balances_engine, BalanceKind.CREDIT) for _ in range(5)]
    await asyncio.gather(*(each.fill(10, customer=f"C-{first.name}") for each in [first, *others]))
    assert len({each.id for each in [first, *others]}) == 1
    [credit] = await first.balances.of_customer(f"C-{first.name}")
    assert credit.balance == 60


async def test_what_was_issued_is_found_by_its_number_only(purse: Purse) -> None:
    await purse.fill(100)
    async with purse.engine.connect() as connection:
        row = (
            (await connection.execute(text("SELECT * FROM balances WHERE id = :id"), {"id": purse.id})).mappings().one()
        )
    found = await purse.balances.by_number(row["number_hash"])
    assert found is not None
    assert (found.id, len(found.last_four)) == (purse.id, 4)
    assert await purse.balances.by_number("0" * 64) is None


async def test_history_is_never_rewritten(purse: Purse) -> None:
    await purse.fill(100)
    for statement in ("UPDATE balance_entries SET amount = 1", "DELETE FROM balance_lines"):
        with pytest.raises(DBAPIError, match="append-only"):
            async with purse.engine.begin() as connection:
                await connection.execute(text(statement))


# --- money that goes elsewhere ----------------------------------------------------------------------------------------


def redirect(purse: Purse, hold: AuthorisationId, amount: int, key: str) -> Redirect:
    return Redirect(
        issue=Issue(
            key=OperationKey(f"{purse.name}:{key}"),
            id=BalanceId(f"credit-{purse.name}"),
            kind=BalanceKind.CREDIT,
            amount=amount,
            currency="EUR",
            at=NOW,
            reason="returned",
            customer_ref=f"C-{purse.name}",
            reference="r1",
        ),
        order_id=OrderId(f"{purse.name}-1"),
        tender_id=TenderId("t1"),
        authorisation_id=hold,
    )


async def test_what_goes_to_store_credit_is_not_paid_back_a_second_time(purse: Purse) -> None:
    await purse.fill(100)
    hold = await purse.hold(100)
    await purse.draw(hold.id, 100)
    first = await purse.balances.redirect(redirect(purse, hold.id, 60, "a"))
    assert await purse.balances.redirect(redirect(purse, hold.id, 60, "a")) == first
    with pytest.raises(CeilingExceeded):
        await purse.give_back(hold.id, 41)
    with pytest.raises(NothingLeftToRedirect):
        await purse.balances.redirect(redirect(purse, hold.id, 41, "b"))
    await purse.give_back(hold.id, 40)
    [credit] = await purse.balances.of_customer(f"C-{purse.name}")
    assert credit.balance == 60
    statement = await purse.payments.statement(OrderId(f"{purse.name}-1"))
    assert (statement.captured, statement.refunded, statement.given_elsewhere) == (100, 40, 60)
    assert statement.violations == ()


async def test_of_many_who_redirect_at_once_only_so_many_get_it(purse: Purse) -> None:
    await purse.fill(100)
    hold = await purse.hold(100)
    await purse.draw(hold.id, 100)
    answers = await asyncio.gather(
        *(purse.balances.redirect(redirect(purse, hold.id, 30, f"redirect {n}")) for n in range(6)),
        *(purse.give_back(hold.id, 30) for _ in range(4)),
        return_exceptions=True,
    )
    assert sum(not isinstance(answer, BaseException) for answer in answers) == 3
    kinds = {type(answer) for answer in answers if isinstance(answer, BaseException)}
    assert kinds <= {NothingLeftToRedirect, CeilingExceeded}


# --- any sequence -----------------------------------------------------------------------------------------------------

amount = st.integers(1, 60)
step = st.one_of(
    st.tuples(st.just("hold"), amount),
    st.tuples(st.sampled_from(["draw", "free", "give_back", "redirect"]), st.integers(0, 5), amount),
    st.tuples(st.just("fill"), amount),
    st.tuples(st.just("disable")),
)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(step, max_size=14))
async def test_after_any_sequence_nothing_is_lost_and_nothing_is_made(
    balances_engine: AsyncEngine, steps: list[Any]
) -> None:
    """Issued = available + held + drawn - given back - disabled, by the rows and by the journal, at every moment."""
    purse = Purse(balances_engine)
    await purse.fill(100)
    holds: list[AuthorisationId] = []
    for what, *how in steps:
        try:
            match what:
                case "hold":
                    holds.append((await purse.hold(how[0])).id)
                case "fill":
                    await purse.fill(how[0])
                case "disable":
                    await purse.balances.disable(purse.id, purse.key(), NOW, "test")
                case "draw" | "free" | "give_back" if holds:
                    await getattr(purse, what)(holds[how[0] % len(holds)], how[1])
                case "redirect" if holds:
                    key = str(purse.key())
                    await purse.balances.redirect(redirect(purse, holds[how[0] % len(holds)], how[1], key))
        except (PaymentFault, NothingLeftToRedirect):
            pass
        shown, accounts = await purse.now(), await purse.journal()
        assert (shown.available, shown.held) == (accounts[BalanceAccount.AVAILABLE], accounts[BalanceAccount.HELD])
        assert sum(accounts.values()) == 0
        assert min(shown.available, shown.held, accounts[BalanceAccount.DRAWN]) >= 0
        statement = await purse.payments.statement(OrderId(f"{purse.name}-1"))
        assert statement.violations == ()
        assert statement.held == shown.held
        assert accounts[BalanceAccount.DRAWN] == statement.captured - statement.refunded
        assert statement.refunded + statement.given_elsewhere <= statement.captured
    entries = [entry for _, entry in await purse.balances.history(purse.id, after=0, limit=200)]
    assert sum(each.amount for each in entries if each.movement is BalanceMovement.ISSUE) >= 100
