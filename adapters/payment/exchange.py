"""Exchange credit as a means of payment: what a return gives back pays for the order that replaces its goods.

It is ours, so our ledger is its provider: `LedgeredPayments` writes every movement, and what is on record there is what
there is. What is decided here is the ceiling: no more is held than was promised, no more is taken than has come back.
"""

from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.payment.provider import Declined, ListedAuthorisations, UnknownPayment
from domain.ids import OperationKey, ReturnId, derived_id
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
from domain.returns.exchanging import credit_token, return_of_credit

PROVIDER = "exchange"

_CREDIT = text("""
    SELECT credit.replacement, credit.currency, credit.promised, credit.granted, credit.secured,
           coalesce(sum(own.authorised - own.voided - own.refunded) FILTER (WHERE own.id <> :but_for), 0) AS held,
           coalesce(sum(own.captured + own.capturing - own.refunded), 0) AS taken
    FROM exchange_credits credit
    LEFT JOIN authorisations own ON own.provider = 'exchange' AND own.order_id = credit.replacement
    WHERE credit.return_id = :return_id
    GROUP BY credit.return_id
""")
_OWN = text("SELECT * FROM authorisations WHERE provider = 'exchange' AND id = :id")
_LISTED = text("SELECT * FROM authorisations WHERE provider = 'exchange' AND id > :after ORDER BY id LIMIT :limit")


class ExchangeCredits:
    """A `PaymentProvider`. It does nothing outside the ledger, so there is nothing to be asked about afterwards."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")

    async def authorise(
        self, *, reference: str, token: str, amount: Money, key: OperationKey, extend: AuthorisationId | None = None
    ) -> Authorisation:
        return_id = return_of_credit(token)
        authorisation = AuthorisationId(f"{token}-{derived_id(key)[:12]}")
        credit = await self._credit(return_id, but_for=authorisation) if return_id else None
        if credit is None or credit["replacement"] != reference or credit["currency"] != amount.currency:
            raise Declined(DeclineReason.DECLINED)
        if credit["held"] + amount.amount > credit["promised"]:
            raise Declined(DeclineReason.INSUFFICIENT_FUNDS)
        return Authorisation(
            id=authorisation,
            reference=reference,
            amount=amount.amount,
            currency=amount.currency,
            status=AuthorisationStatus.AUTHORISED,
        )

    async def capture(self, authorisation: AuthorisationId, amount: Money, *, key: OperationKey) -> Capture:
        credit = await self._credit(ReturnId(authorisation.removeprefix(credit_token(ReturnId(""))).rpartition("-")[0]))
        # The ledger has spoken for this capture already: it is in what is taken.
        if credit is None or credit["taken"] > credit["granted"] + credit["secured"]:
            raise Declined(DeclineReason.INSUFFICIENT_FUNDS)
        left = Money(amount=await self._left(authorisation), currency=amount.currency)
        return Capture(id=f"{key}", authorisation_id=authorisation, amount=amount, remaining=left)

    async def void(self, authorisation: AuthorisationId, *, amount: Money | None, key: OperationKey) -> Void:
        row = await self._own(authorisation)
        freed = amount or Money(amount=row["voiding"], currency=row["currency"])
        return Void(id=f"{key}", authorisation_id=authorisation, amount=freed)

    async def refund(self, authorisation: AuthorisationId, amount: Money, *, key: OperationKey) -> Refund:
        return Refund(
            id=f"{key}", authorisation_id=authorisation, amount=amount, status=OperationStatus.SUCCEEDED
        )  # fmt: skip

    async def refund_settled(self, *, reference: str, settled: str, amount: Money, key: OperationKey) -> Refund:
        raise UnknownPayment

    async def find(self, key: OperationKey) -> None:
        """What the ledger has not written down was never done."""
        return

    async def authorisation(self, authorisation: AuthorisationId) -> Authorisation:
        return _as_authorisation(await self._own(authorisation))

    async def listed(self, *, after: str, limit: int) -> ListedAuthorisations:
        async with self._engine.connect() as connection:
            rows = (await connection.execute(_LISTED, {"after": after, "limit": limit})).mappings()
            found = [_as_authorisation(row) for row in rows]
        return ListedAuthorisations(found, found[-1].id if len(found) == limit else None)

    async def _left(self, authorisation: AuthorisationId) -> int:
        row = await self._own(authorisation)
        return int(row["authorised"] - row["captured"] - row["capturing"] - row["voided"] - row["voiding"])

    async def _credit(self, return_id: ReturnId, *, but_for: str = "") -> Any:
        async with self._engine.connect() as connection:
            about = {"return_id": return_id, "but_for": but_for}
            return (await connection.execute(_CREDIT, about)).mappings().first()

    async def _own(self, authorisation: AuthorisationId) -> Any:
        async with self._engine.connect() as connection:
            row = (await connection.execute(_OWN, {"id": authorisation})).mappings().first()
        if row is None:
            raise UnknownPayment
        return row


def _as_authorisation(row: Any) -> Authorisation:
    fields = ("id", "currency", "status", "captured", "voided", "refunded")
    known = {name: row[name] for name in fields}
    return Authorisation(**known, reference=row["order_id"], amount=row["authorised"])
