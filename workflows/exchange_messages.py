"""What a return and the order that replaces its goods tell each other."""

from datetime import datetime

from pydantic import Field

from domain.ids import LineId
from workflows.messages import Message


class ExchangeNews(Message):
    """How the replacement stands, whenever that has changed."""

    credit: int
    """What it has used of the return's value, or holds."""
    due: int = 0
    """What its customer is asked to pay."""
    pay_by: datetime | None = None
    heard: bool = False
    """It has taken over what came back."""


class ExchangeSettled(Message):
    """What the return came to: the replacement goes on with as much."""

    credit: int
    """What it may use of the return's value at most."""
    left_out: dict[LineId, int] = Field(default_factory=dict)
    """Units that are not sent, as far as they have not left."""
