"""An approved loan as a payment provider: money is set aside for an order, drawn when goods arrive, given back to it.

Its books are ours: each operation and what it posts to the loan's account are one transaction, under one key.
"""

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from adapters.clock import Clock, system_clock
from adapters.payment.provider import (
    AmountMismatch,
    Declined,
    KeyConflict,
    ListedAuthorisations,
    Outcome,
    Unavailable,
    UnknownPayment,
)
from adapters.postgres.tables.lending import (
    AccountRow,
    AccountTransactionRow,
    ApplicationRow,
    DisbursementPlanRow,
    FinancingOperationRow,
    FinancingRow,
)
from domain.ids import OperationKey, derived_id
from domain.lending.accounts import (
    AccountTerms,
    Posting,
    TransactionKind,
    TransactionState,
    draw_postings,
    loan_refund_postings,
    owed_principal,
)
from domain.lending.application_view import ApplicationView
from domain.lending.financing import DisbursementPlan, financing_terms, usable
from domain.money import Money
from domain.payments import (
    Authorisation,
    AuthorisationId,
    AuthorisationStatus,
    Capture,
    DeclineReason,
    OperationKind,
    OperationStatus,
    Refund,
    Void,
)
from domain.terms import FINANCING

PROVIDER = "loans"
"""Its name in our payment ledger."""
AUTHORISATION = "fin_"
"""How the ids of our authorisations begin."""

_Answer = TypeVar("_Answer", Authorisation, Capture, Void, Refund)
_KINDS: dict[str, type[Any]] = {
    OperationKind.AUTHORISE: Authorisation,
    OperationKind.CAPTURE: Capture,
    OperationKind.VOID: Void,
    OperationKind.REFUND: Refund,
}


async def disbursement_plan(engine: AsyncEngine, application_id: str, wanted: DisbursementPlan) -> DisbursementPlan:
    """What a loan's money is for: `wanted`, unless somebody was first with another word."""
    async with engine.begin() as connection:
        await connection.execute(
            select(ApplicationRow.application_id)
            .where(ApplicationRow.application_id == application_id)
            .with_for_update()
        )
        if not await _set_aside(connection, application_id):
            # Whatever order had asked for it wants nothing any more.
            await connection.execute(
                delete(DisbursementPlanRow).where(DisbursementPlanRow.application_id == application_id)
            )
        return await _planned(connection, application_id, wanted)


async def orders_of(engine: AsyncEngine, application_id: str) -> list[tuple[str, str]]:
    """The orders for which money of a loan was set aside, each with its authorisation."""
    query = select(FinancingRow.order_id, FinancingRow.id).where(FinancingRow.application_id == application_id)
    async with engine.connect() as connection:
        return [(row.order_id, row.id) for row in await connection.execute(query)]


@dataclass(frozen=True)
class _Loan:
    view: ApplicationView
    account_id: str | None
    plan: DisbursementPlan | None


class FinancingPayments:
    """See `provider.PaymentProvider`. A loan that is approved and not signed asks for its customer first."""

    def __init__(self, engine: AsyncEngine, page: str, *, clock: Clock = system_clock) -> None:
        self._engine = engine
        self._page = page.rstrip("/")
        """Under which address a customer goes on with an application."""
        self._clock = clock

    async def authorise(
        self, *, reference: str, token: str, amount: Money, key: OperationKey, extend: AuthorisationId | None = None
    ) -> Authorisation:
        application_id = token.removeprefix(FINANCING)

        async def do(connection: AsyncConnection) -> tuple[str, Authorisation]:
            loan = await self._loan(connection, application_id)
            if loan is None:
                raise Declined(DeclineReason.DECLINED)
            terms = financing_terms(loan.view)
            if terms is None or terms.currency != amount.currency:
                raise Declined(DeclineReason.DECLINED)
            if await _planned(connection, application_id, DisbursementPlan.ORDERS) is not DisbursementPlan.ORDERS:
                raise Declined(DeclineReason.DECLINED)
            if amount.amount > usable(terms) - await _set_aside(connection, application_id):
                raise Declined(DeclineReason.INSUFFICIENT_FUNDS)
            row = {
                "id": AUTHORISATION + secrets.token_hex(12),
                "application_id": application_id,
                "order_id": reference,
                "currency": amount.currency,
                "amount": amount.amount,
                "captured": 0,
                "voided": 0,
                "refunded": 0,
            }
            await connection.execute(insert(FinancingRow).values(**row))
            return str(row["id"]), self._state(row, loan)

        return await self._once(key, OperationKind.AUTHORISE, f"{reference} {token} {amount}", do)

    async def capture(self, authorisation: AuthorisationId, amount: Money, *, key: OperationKey) -> Capture:
        async def do(connection: AsyncConnection) -> tuple[str, Capture]:
            row, loan = await self._locked(connection, authorisation)
            held = self._state(row, loan).held.amount
            if loan.account_id is None:
                raise Declined(DeclineReason.DECLINED)
            if amount.amount > held:
                raise AmountMismatch("More is to be drawn than is set aside.", held)
            await self._change(connection, authorisation, captured=row["captured"] + amount.amount)
            await self._post(
                connection, loan.account_id, key, TransactionKind.DISBURSEMENT, draw_postings(amount.amount)
            )
            remaining = Money(amount=held - amount.amount, currency=amount.currency)
            return authorisation, Capture(
                id=_operation(key), authorisation_id=authorisation, amount=amount, remaining=remaining
            )

        return await self._once(key, OperationKind.CAPTURE, f"{authorisation} {amount}", do)

    async def void(self, authorisation: AuthorisationId, *, amount: Money | None, key: OperationKey) -> Void:
        async def do(connection: AsyncConnection) -> tuple[str, Void]:
            row, _ = await self._locked(connection, authorisation)
            left = row["amount"] - row["captured"] - row["voided"]
            freed = left if amount is None else amount.amount
            if freed > left:
                raise AmountMismatch("More is to be freed than is set aside.", left)
            await self._change(connection, authorisation, voided=row["voided"] + freed)
            back = Money(amount=freed, currency=row["currency"])
            return authorisation, Void(id=_operation(key), authorisation_id=authorisation, amount=back)

        return await self._once(key, OperationKind.VOID, f"{authorisation} {amount}", do)

    async def refund(self, authorisation: AuthorisationId, amount: Money, *, key: OperationKey) -> Refund:
        """Back to the loan: less is owed. What is more than is still owed is owed to the customer."""

        async def do(connection: AsyncConnection) -> tuple[str, Refund]:
            row, loan = await self._locked(connection, authorisation)
            kept = row["captured"] - row["refunded"]
            if amount.amount > kept or loan.account_id is None:
                raise AmountMismatch("More is to be given back than was drawn.", kept)
            await self._change(connection, authorisation, refunded=row["refunded"] + amount.amount)
            owed = owed_principal(await self._postings(connection, loan.account_id))
            postings = loan_refund_postings(amount.amount, owed)
            await self._post(connection, loan.account_id, key, TransactionKind.REFUND, postings)
            return authorisation, Refund(
                id=_operation(key), authorisation_id=authorisation, amount=amount, status=OperationStatus.SUCCEEDED
            )

        return await self._once(key, OperationKind.REFUND, f"{authorisation} {amount}", do)

    async def refund_settled(self, *, reference: str, settled: str, amount: Money, key: OperationKey) -> Refund:
        raise UnknownPayment

    async def find(self, key: OperationKey) -> Outcome | None:
        async with self._engine.connect() as connection:
            known = await _known(connection, key)
        if known is None:
            return None
        if known.kind == OperationKind.AUTHORISE:
            return await self.authorisation(AuthorisationId(known.authorisation_id))
        found: Outcome = _KINDS[known.kind].model_validate(known.answer)
        return found

    async def authorisation(self, authorisation: AuthorisationId) -> Authorisation:
        async with self._engine.connect() as connection:
            row = await self._row(connection, authorisation)
            loan = await self._loan(connection, row["application_id"])
        if loan is None:
            raise UnknownPayment
        return self._state(row, loan)

    async def listed(self, *, after: str, limit: int) -> ListedAuthorisations:
        ids = select(FinancingRow.id).where(FinancingRow.id > after).order_by(FinancingRow.id).limit(limit)
        async with self._engine.connect() as connection:
            found = list(await connection.scalars(ids))
        page = [await self.authorisation(AuthorisationId(each)) for each in found]
        return ListedAuthorisations(page, found[-1] if len(found) == limit else None)

    # --- inside ------------------------------------------------------------------------------------------------------

    async def _once(
        self,
        key: OperationKey,
        kind: OperationKind,
        asked: str,
        do: Callable[[AsyncConnection], Awaitable[tuple[str, _Answer]]],
    ) -> _Answer:
        """Do it and remember its answer in one transaction; the same key gets the same answer."""
        try:
            async with self._engine.begin() as connection:
                await connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(key, 0))))
                known = await _known(connection, key)
                if known is not None:
                    if (known.kind, known.asked) != (kind, asked):
                        raise KeyConflict
                    answer: _Answer = _KINDS[kind].model_validate(known.answer)
                    return answer
                authorisation, answer = await do(connection)
                await connection.execute(
                    insert(FinancingOperationRow).values(
                        key=key,
                        kind=kind,
                        asked=asked,
                        authorisation_id=authorisation,
                        answer=answer.model_dump(mode="json"),
                    )
                )
                return answer
        except (OperationalError, InterfaceError, OSError) as fault:
            raise Unavailable from fault

    async def _locked(self, connection: AsyncConnection, authorisation: str) -> tuple[dict[str, Any], _Loan]:
        row = await self._row(connection, authorisation)
        loan = await self._loan(connection, row["application_id"])  # its row is locked: one operation at a time
        if loan is None:
            raise UnknownPayment
        return await self._row(connection, authorisation), loan

    async def _row(self, connection: AsyncConnection, authorisation: str) -> dict[str, Any]:
        found = await connection.execute(select(FinancingRow.__table__).where(FinancingRow.id == authorisation))
        row = found.mappings().one_or_none()
        if row is None:
            raise UnknownPayment
        return dict(row)

    async def _loan(self, connection: AsyncConnection, application_id: str) -> _Loan | None:
        query = select(ApplicationRow.view).where(ApplicationRow.application_id == application_id)
        view = await connection.scalar(query.with_for_update())
        if view is None:
            return None
        account = await connection.scalar(
            select(AccountRow.account_id).where(AccountRow.application_id == application_id)
        )
        plan = await connection.scalar(
            select(DisbursementPlanRow.plan).where(DisbursementPlanRow.application_id == application_id)
        )
        return _Loan(ApplicationView.model_validate(view), account, DisbursementPlan(plan) if plan else None)

    def _state(self, row: dict[str, Any], loan: _Loan) -> Authorisation:
        """Set aside once the loan is signed and its account open; before that the customer has something to do."""
        captured, voided = row["captured"], row["voided"]
        left = row["amount"] - captured - voided
        waits = loan.account_id is None
        if waits and financing_terms(loan.view) is None:
            status = AuthorisationStatus.DECLINED
        elif waits and left:
            status = AuthorisationStatus.CUSTOMER_ACTION
        elif left:
            status = AuthorisationStatus.PARTLY_CAPTURED if captured else AuthorisationStatus.AUTHORISED
        else:
            status = AuthorisationStatus.CAPTURED if captured else AuthorisationStatus.VOIDED
        url = f"{self._page}/v1/applications/{row['application_id']}"
        return Authorisation(
            id=row["id"],
            reference=row["order_id"],
            amount=row["amount"],
            currency=row["currency"],
            status=status,
            captured=captured,
            voided=voided,
            refunded=row["refunded"],
            action_url=url if status is AuthorisationStatus.CUSTOMER_ACTION else None,
        )

    async def _change(self, connection: AsyncConnection, authorisation: str, **values: int) -> None:
        await connection.execute(update(FinancingRow).where(FinancingRow.id == authorisation).values(**values))

    async def _postings(self, connection: AsyncConnection, account_id: str) -> list[Posting]:
        rows = await connection.scalars(
            select(AccountTransactionRow.postings).where(
                AccountTransactionRow.account_id == account_id,
                AccountTransactionRow.state == TransactionState.BOOKED,
            )
        )
        return [Posting.model_validate(line) for postings in rows for line in postings]

    async def _post(
        self,
        connection: AsyncConnection,
        account_id: str,
        key: OperationKey,
        kind: TransactionKind,
        postings: tuple[Posting, ...],
    ) -> None:
        terms = await connection.scalar(
            select(AccountRow.terms).where(AccountRow.account_id == account_id).with_for_update()
        )
        at = self._clock()
        await connection.execute(
            insert(AccountTransactionRow).values(
                key=key,
                account_id=account_id,
                kind=kind.value,
                state=TransactionState.BOOKED.value,
                at=at,
                value_date=_day(at, AccountTerms.model_validate(terms)),
                postings=[line.model_dump(mode="json") for line in postings],
                channel=None,
            )
        )


def _day(at: datetime, terms: AccountTerms) -> date:
    """Never before the account was opened, whose days begin in the lender's zone."""
    return max(terms.opened_on, at.date())


def _operation(key: OperationKey) -> str:
    return derived_id("financing", key)


async def _planned(connection: AsyncConnection, application_id: str, wanted: DisbursementPlan) -> DisbursementPlan:
    row = insert(DisbursementPlanRow).values(application_id=application_id, plan=wanted.value)
    await connection.execute(row.on_conflict_do_nothing())
    plan = await connection.scalar(
        select(DisbursementPlanRow.plan).where(DisbursementPlanRow.application_id == application_id)
    )
    assert plan is not None
    return DisbursementPlan(plan)


async def _set_aside(connection: AsyncConnection, application_id: str) -> int:
    """What orders have of the loan: set aside or drawn. What came back is not lent a second time."""
    taken = await connection.scalar(
        select(func.coalesce(func.sum(FinancingRow.amount - FinancingRow.voided), 0)).where(
            FinancingRow.application_id == application_id
        )
    )
    return int(taken or 0)


async def _known(connection: AsyncConnection, key: OperationKey) -> Any:
    found = await connection.execute(select(FinancingOperationRow.__table__).where(FinancingOperationRow.key == key))
    return found.one_or_none()
