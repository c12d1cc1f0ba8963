"""Routing rules and decisions in PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.postgres.tables.routing import RoutingDecisionRow, RoutingRulesRow
from adapters.routing.port import RoutingEntry, RulesVersion
from domain.ids import OperationKey, OrderId
from domain.sourcing import DEFAULT_RULES, RoutingRules, Snapshot, SourcingDecision

_Decision = RoutingDecisionRow


class PostgresRouting:
    """See `port.Routing`. Works inside the caller's transaction."""

    def __init__(self, connection: AsyncConnection):
        self._connection = connection

    async def rules(self, version: int | None = None) -> RoutingRules | None:
        query = select(RoutingRulesRow.rules).order_by(RoutingRulesRow.version.desc()).limit(1)
        if version is not None:
            query = query.where(RoutingRulesRow.version == version)
        found = await self._connection.scalar(query)
        if found is None:
            return DEFAULT_RULES if version in (None, DEFAULT_RULES.version) else None
        return RoutingRules.model_validate(found)

    async def versions(self) -> Sequence[RulesVersion]:
        query = select(RoutingRulesRow.rules, RoutingRulesRow.at).order_by(RoutingRulesRow.version.desc())
        rows = await self._connection.execute(query)
        made = [RulesVersion(RoutingRules.model_validate(row.rules), row.at) for row in rows]
        return [*made, RulesVersion(DEFAULT_RULES, None)]

    async def put_rules(self, rules: RoutingRules, at: datetime) -> RoutingRules:
        # One after the other, so that no version is given twice; readers are not kept waiting.
        await self._connection.execute(text("LOCK TABLE routing_rules IN SHARE ROW EXCLUSIVE MODE"))
        newest = await self._connection.scalar(select(func.max(RoutingRulesRow.version)))
        made = rules.model_copy(update={"version": (newest or DEFAULT_RULES.version) + 1})
        row = {"version": made.version, "rules": made.model_dump(mode="json"), "at": at}
        await self._connection.execute(insert(RoutingRulesRow).values(row))
        return made

    async def record(self, entry: RoutingEntry) -> None:
        snapshot = entry.snapshot.model_dump(mode="json") if entry.snapshot else None
        row = {
            "key": entry.key,
            "order_id": entry.order_id,
            "group": entry.group,
            "run": entry.run,
            "at": entry.at,
            "decision": entry.decision.model_dump(mode="json"),
            "snapshot": snapshot,
        }
        await self._connection.execute(
            insert(_Decision).values(row).on_conflict_do_nothing(index_elements=[_Decision.key])
        )

    async def decisions(self, order_id: OrderId) -> Sequence[RoutingEntry]:
        query = select(_Decision.__table__).where(_Decision.order_id == order_id).order_by(_Decision.id)
        rows = (await self._connection.execute(query)).mappings()
        return [
            RoutingEntry(
                key=OperationKey(row["key"]),
                order_id=OrderId(row["order_id"]),
                group=row["group"],
                run=row["run"],
                at=row["at"],
                decision=SourcingDecision.model_validate(row["decision"]),
                snapshot=Snapshot.model_validate(row["snapshot"]) if row["snapshot"] else None,
            )
            for row in rows
        ]

    async def snapshots(
        self,
        *,
        order_ids: Sequence[OrderId] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int,
    ) -> Sequence[Snapshot]:
        query = select(_Decision.order_id, func.min(_Decision.id).label("id")).where(_Decision.snapshot.is_not(None))
        if order_ids is not None:
            query = query.where(_Decision.order_id.in_(order_ids))
        if since is not None:
            query = query.where(_Decision.at >= since)
        if until is not None:
            query = query.where(_Decision.at < until)
        first = query.group_by(_Decision.order_id).subquery()
        found = select(_Decision.snapshot).where(_Decision.id == first.c.id).order_by(_Decision.id).limit(limit)
        return [Snapshot.model_validate(row) for row in await self._connection.scalars(found)]
