"""One order of the demo: who places it where, what is played with it, and how it must end."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum

from workers.demo.scene import Address, Basket, Scene


class Fate(StrEnum):
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    REFUSED = "refused"
    """The caller was told no; nothing of the order is left."""


@dataclass(frozen=True)
class Ending:
    """What an outsider must find in the end: units that customers have, minor units kept, per group its status."""

    fate: Fate
    units: int = 0
    kept: int = 0
    groups: tuple[str, ...] = ()
    lost: int = 0
    """Units that left and reached nobody."""


@dataclass(frozen=True)
class Story:
    channel: str
    external_id: str
    store_id: str
    """Where it is collected; nothing when all of it is shipped."""
    basket: Basket
    play: Callable[[Scene], Awaitable[None]]
    words: str
    """What happened."""
    ending: Ending
    patience: int = field(default=0)
    """Stories that wait long are begun first."""
    address: Address | None = None
    """Where it is shipped to."""

    @property
    def goes_to(self) -> str:
        return self.store_id or (self.address["city"] if self.address else "")
