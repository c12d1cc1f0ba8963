"""The rules of lending as dated, versioned packs; a version is written once and never changed."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Protocol

from domain.lending.clocks import LendingPolicy


class PackRefused(ValueError):
    """A pack that cannot be: what is wrong with it, each with its place."""

    def __init__(self, faults: Sequence[tuple[str, str]]):
        self.faults = list(faults)
        super().__init__("; ".join(f"{place}: {detail}" for place, detail in self.faults))


class PackExists(ValueError):
    """This version, or a later one, is published already."""


class PolicyPacks(Protocol):
    async def in_force(self, on: date) -> LendingPolicy:
        """Under which an application runs that begins on this day: the newest version that is effective."""
        ...

    async def all(self) -> Sequence[LendingPolicy]:
        """Every version, the newest first; those that are not effective yet among them."""
        ...

    async def publish(self, pack: LendingPolicy, by: str, at: datetime) -> None:
        """Keep a version; the same again changes nothing. Raises: PackExists."""
        ...
