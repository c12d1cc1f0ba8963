"""What comes back without an order: limited by value and person, at the lowest recent price, to store credit only."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, PositiveInt

from domain.balances import BalanceId
from domain.ids import ReturnId, Sku, StoreId
from domain.money import Currency
from domain.returns.policy import BlindReturns
from domain.returns.words import ItemCondition, ReturnDisposition


class WhyNot(StrEnum):
    NOT_OFFERED = "not_offered"
    NO_PRICE = "no_price"
    """It was never sold here, so nobody knows what it is worth."""
    BEYOND_LIMIT = "beyond_limit"


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class BlindLine(_Value):
    sku: Sku
    quantity: PositiveInt
    condition: ItemCondition
    disposition: ReturnDisposition


class PricedLine(BlindLine):
    unit_price: int
    """The lowest that was paid for one lately, in minor units."""

    @property
    def amount(self) -> int:
        return self.quantity * self.unit_price


class BlindReturn(_Value):
    """Taken back at once, and the credit is given: nothing of it is left to do."""

    return_id: ReturnId
    store_id: StoreId
    currency: Currency
    lines: tuple[PricedLine, ...]
    refund: PositiveInt
    balance_id: BalanceId
    customer_ref: str | None = None
    policy_version: int
    at: datetime


class BlindDecision(_Value):
    lines: tuple[PricedLine, ...] = ()
    refund: int = 0
    refused: WhyNot | None = None
    left: int = 0
    """What the person may still bring back so, before this."""


def decide_blind(
    lines: Sequence[BlindLine], prices: Mapping[Sku, int], brought_before: int, policy: BlindReturns
) -> BlindDecision:
    """All of it, or nothing. `brought_before`: what the same person brought back so within the policy's time."""
    left = max(0, policy.limit - brought_before)
    if not policy.allowed:
        return BlindDecision(refused=WhyNot.NOT_OFFERED)
    if any(prices.get(line.sku, 0) <= 0 for line in lines):
        return BlindDecision(refused=WhyNot.NO_PRICE, left=left)
    priced = tuple(PricedLine(**line.model_dump(), unit_price=prices[line.sku]) for line in lines)
    refund = sum(line.amount for line in priced)
    if refund > left:
        return BlindDecision(lines=priced, refund=refund, refused=WhyNot.BEYOND_LIMIT, left=left)
    return BlindDecision(lines=priced, refund=refund, left=left)
