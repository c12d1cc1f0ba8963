"""Fraud screening: an answer at once, or a review whose answer comes back by webhook minutes or days later."""

from enum import StrEnum
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from domain.ids import OrderId
from domain.money import Money


class Verdict(StrEnum):
    ACCEPT = "accept"
    REVIEW = "review"
    DECLINE = "decline"


class ScreeningRequest(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    order_id: OrderId
    attempt: int
    """Asking again for the same attempt does not count the amount twice."""
    customer_ref: str
    amount: Money
    channel: str


class Screening(Protocol):
    async def screen(self, request: ScreeningRequest) -> Verdict: ...
