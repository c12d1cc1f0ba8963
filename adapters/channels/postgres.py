"""Channels' rules in PostgreSQL."""

from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.postgres.tables.places import ChannelRow
from domain.actors import Channel
from domain.terms import ChannelRules


class PostgresChannels:
    """See `port.Channels`. Works inside the caller's transaction."""

    def __init__(self, connection: AsyncConnection):
        self._connection = connection

    async def rules(self, channel: Channel) -> ChannelRules:
        found = await self._connection.scalar(select(ChannelRow.rules).where(ChannelRow.channel == channel))
        return ChannelRules() if found is None else ChannelRules.model_validate(found)

    async def all(self) -> Mapping[Channel, ChannelRules]:
        rows = await self._connection.execute(select(ChannelRow.channel, ChannelRow.rules).order_by(ChannelRow.channel))
        return {Channel(row.channel): ChannelRules.model_validate(row.rules) for row in rows}

    async def put(self, channel: Channel, rules: ChannelRules) -> None:
        values = {"rules": rules.model_dump(mode="json")}
        await self._connection.execute(
            insert(ChannelRow)
            .values(channel=channel, **values)
            .on_conflict_do_update(index_elements=[ChannelRow.channel], set_=values)
        )
