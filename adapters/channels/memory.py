"""Channels' rules in memory: for tests."""

from collections.abc import Mapping

from domain.actors import Channel
from domain.terms import ChannelRules


class MemoryChannels:
    """See `port.Channels`."""

    def __init__(self) -> None:
        self._rules: dict[Channel, ChannelRules] = {}

    async def rules(self, channel: Channel) -> ChannelRules:
        return self._rules.get(channel, ChannelRules())

    async def all(self) -> Mapping[Channel, ChannelRules]:
        return dict(sorted(self._rules.items()))

    async def put(self, channel: Channel, rules: ChannelRules) -> None:
        self._rules[channel] = rules
