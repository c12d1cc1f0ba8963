"""Gift cards and store credit as the engine issues and reads them. Orders pay with them as with cards.

Everything is done once a key. Numbers are no business of this port: who may know one derives it from the balance's id.
"""

from collections.abc import Sequence
from typing import Protocol

from pydantic import AwareDatetime, BaseModel, ConfigDict, PositiveInt

from domain.balances import Balance, BalanceEntry, BalanceId, Issue
from domain.ids import OperationKey, OrderId
from domain.money import Currency
from domain.payments import AuthorisationId, TenderId


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Redirect(_Value):
    """Captured money that goes back to another target than it came from: store credit, or a new gift card."""

    issue: Issue
    order_id: OrderId
    tender_id: TenderId
    authorisation_id: AuthorisationId | None
    """None: it was paid at a till, which no ledger of ours bounds."""


class Issued(_Value):
    balance_id: BalanceId
    amount: PositiveInt
    currency: Currency
    last_four: str


class NothingLeftToRedirect(Exception):
    """More was to go elsewhere than the tender can still give back."""

    def __init__(self, asked: int, available: int) -> None:
        super().__init__(f"{asked} should go back in another way and {available} may. Read the order's statement.")
        self.asked = asked
        self.available = available


class Balances(Protocol):
    async def issue(self, wanted: Issue) -> Issued:
        """A new balance; a customer who has store credit in that currency gets it on top of that."""
        ...

    async def redirect(self, wanted: Redirect) -> Issued:
        """Give captured money back as a balance, within the ceilings of the tender that paid.

        Raises `NothingLeftToRedirect`.
        """
        ...

    async def activate(self, balance: BalanceId, at: AwareDatetime) -> None: ...

    async def disable(self, balance: BalanceId, key: OperationKey, at: AwareDatetime, reason: str) -> int:
        """Take off what nobody has spent or holds, for ever: how much that was."""
        ...

    async def balance(self, balance: BalanceId) -> Balance | None: ...

    async def by_number(self, hashed: str) -> Balance | None:
        """`hashed`: `domain.balances.number_hash` of its number."""
        ...

    async def of_customer(self, customer_ref: str) -> Sequence[Balance]:
        """Store credit, by currency."""
        ...

    async def sold_in(self, order_id: OrderId) -> Sequence[Balance]:
        """Gift cards that were sold in an order, the oldest first."""
        ...

    async def history(self, balance: BalanceId, *, after: int, limit: int) -> Sequence[tuple[int, BalanceEntry]]:
        """Movements after the position `after`, each with its own."""
        ...
