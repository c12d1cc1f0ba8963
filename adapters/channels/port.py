"""The channels that a seller has, each with its rules for orders."""

from collections.abc import Mapping
from typing import Protocol

from domain.actors import Channel
from domain.terms import ChannelRules


class Channels(Protocol):
    async def rules(self, channel: Channel) -> ChannelRules:
        """The rules of a channel; the usual ones where none were set."""
        ...

    async def all(self) -> Mapping[Channel, ChannelRules]:
        """The channels whose rules were set."""
        ...

    async def put(self, channel: Channel, rules: ChannelRules) -> None: ...
