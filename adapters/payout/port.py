"""Paying a loan out: once a key, looked up before any second try."""

from typing import Protocol

from pydantic import BaseModel, ConfigDict

from domain.ids import OperationKey
from domain.money import Money


class PayoutDeclined(Exception):
    """The provider said no, finally."""

    def __init__(self, reason: str):
        super().__init__(f"The payout was declined: {reason}.")
        self.reason = reason


class PayoutAway(Exception):
    """Not now: the same key may be sent again."""


class PayoutUnknown(Exception):
    """It was sent and nobody answered: ask `find` before anything else."""


class PaidOut(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    reference: str
    """The provider's."""
    amount: Money


class Payouts(Protocol):
    async def pay_out(self, *, reference: str, token: str, amount: Money, key: OperationKey) -> PaidOut:
        """Send money to the account behind `token`. Raises: PayoutDeclined, PayoutAway, PayoutUnknown."""
        ...

    async def find(self, key: OperationKey) -> PaidOut | None:
        """What became of `key`; none: it never arrived. Raises: PayoutDeclined, PayoutAway."""
        ...
