"""Who acts, through which channel, and where: recorded with every act."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class Channel(StrEnum):
    """Where a person or system reaches the seller."""

    WEB = "web"
    APP = "app"
    POS = "pos"
    CALL_CENTRE = "call_centre"
    EMAIL = "email"
    CHAT = "chat"
    SOCIAL = "social"
    MARKETPLACE = "marketplace"
    KIOSK = "kiosk"
    BRANCH = "branch"
    ATM = "atm"
    STORE = "store"
    OPS = "ops"
    LINK = "link"
    """A customer's signed link out of a mail."""
    SYSTEM = "system"
    """The engine itself: a deadline, a policy."""


class ActorKind(StrEnum):
    CHANNEL = "channel"
    STORE = "store"
    OPS = "ops"
    UNDERWRITER = "underwriter"
    SERVICE = "service"
    CUSTOMER = "customer"
    SYSTEM = "system"


class Actor(BaseModel):
    """One who acts. `id` is a principal's name or a customer's reference, never a person's name or address."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: ActorKind
    id: str
    channel: Channel
    place: str | None = None
    """The store, branch or machine where the act happened."""
    on_behalf_of: str | None = None
    """`customer/{ref}` or `person/{id}`."""


ENGINE = Actor(kind=ActorKind.SYSTEM, id="throughline", channel=Channel.SYSTEM)
