"""Core banking as we see it: open an account, post to it once a key, confirm or reverse what was pending."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from domain.lending.accounts import AccountTerms, Transaction
from domain.lending.schedule import Instalment


class UnknownAccount(LookupError):
    """There is no such account."""


class NothingOwed(ValueError):
    """A repayment of more than what is owed, or of a loan that owes nothing."""


class BookingRefused(Exception):
    """The core system will not take the booking, however often it is sent: a person looks at it."""


class KeyReused(ValueError):
    """The key was used before for something else."""


class Account(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    terms: AccountTerms
    instalments: tuple[Instalment, ...]
    transactions: tuple[Transaction, ...]


class CoreBanking(Protocol):
    async def open(
        self,
        terms: AccountTerms,
        instalments: Sequence[Instalment],
        first: Transaction | None,
        at: datetime,
    ) -> None:
        """Open the account with its first, pending transaction; repeating it changes nothing.

        Raises: BookingRefused.
        """
        ...

    async def replan(
        self, account_id: str, instalments: Sequence[Instalment], draw: Transaction | None, *, agreed: int
    ) -> None:
        """Of a loan in parts: another pending advance, or none any more; what is due, and may be drawn, is this now.

        Repeating it changes nothing. Raises: BookingRefused, UnknownAccount.
        """
        ...

    async def settle(self, key: str, *, booked: bool) -> None:
        """Confirm a pending transaction, or reverse it. Repeating is harmless; a settled one never changes sides.

        Raises: BookingRefused.
        """
        ...

    async def account(self, account_id: str) -> Account:
        """Raises: UnknownAccount."""
        ...

    async def repay(self, account_id: str, amount: int, key: str, at: datetime, on: date, channel: str) -> Transaction:
        """Allocate a repayment (fees, interest, principal) and post it once; the same key gives the first one.

        For a deposit account the money is paid in. Raises: UnknownAccount, NothingOwed, KeyReused.
        """
        ...
