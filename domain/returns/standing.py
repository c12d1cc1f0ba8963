"""A card that stands for money which goes back before the goods have come: charged only if they never do."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt

from domain.returns.exchanging import CardHold


class StandingState(StrEnum):
    NAMED = "named"
    """The customer has agreed to it; nothing is held, for nothing was paid back yet."""
    HELD = "held"
    FREED = "freed"
    """The goods have come."""
    CHARGED = "charged"
    """They have not: what was paid back for them was taken."""
    REFUSED = "refused"
    """It stands for nothing: what is owed is collected by a person."""


class StandingCard(BaseModel):
    """The card of one return, as its workflow keeps it."""

    model_config = ConfigDict(extra="forbid")

    token: str = Field(repr=False)
    """That card, at the provider."""
    at_most: NonNegativeInt
    """What the customer has agreed to, in minor units."""
    state: StandingState = StandingState.NAMED
    wanted: NonNegativeInt = 0
    """What goes back in advance: so much is to be held."""
    hold: CardHold | None = None
    charged: NonNegativeInt = 0
    reason: str | None = None
    """Why it was refused."""

    @property
    def is_asked(self) -> bool:
        """It is to be held before the money goes back."""
        return self.state is StandingState.NAMED and self.wanted > 0

    @property
    def stands(self) -> bool:
        return self.state is StandingState.HELD

    @property
    def secured(self) -> int:
        return self.hold.amount if self.hold is not None and self.stands else 0

    def refuse(self, reason: str) -> None:
        self.state, self.reason = StandingState.REFUSED, reason


class StandingView(BaseModel):
    """That card as every role reads it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    state: StandingState
    at_most: int
    secured: int = 0
    """What it stands for until the goods have come, in minor units."""
    charged: int = 0
    """What was taken from it since they did not."""
    reason: str | None = None


def standing_view(card: StandingCard | None) -> StandingView | None:
    if card is None:
        return None
    return StandingView(
        state=card.state, at_most=card.at_most, secured=card.secured, charged=card.charged, reason=card.reason
    )
