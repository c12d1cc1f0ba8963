"""Where lines leave from, and by which rules: `GET|PUT /v1/routing-rules`, `/v1/ops/routing`."""

import asyncio
from typing import Annotated

import structlog
from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field, model_validator
from temporalio.service import RPCError

from adapters.access.port import PrincipalKind
from adapters.audit.port import AuditOutcome
from adapters.routing.port import RoutingEntry
from domain.ids import OrderId
from domain.intake import Key, misplaced
from domain.sourcing import RoutingRules, RuleSet, Simulation, SourcingDecision, in_words, simulate
from gateway.audit import trail_of
from gateway.brokering import keep_schedules
from gateway.fields import Body, Instant, Version
from gateway.idempotency import CommandRoute, repeatable
from gateway.listing import page_of
from gateway.paging import CurrentPage, Page
from gateway.principals import CallerRoute, CurrentCaller
from gateway.problems import Problem, ProblemKind
from gateway.reading import visible_order
from gateway.rights import must_read_operations, must_run_operations
from gateway.services import CurrentServices, Services

log = structlog.get_logger(__name__)

data = APIRouter(prefix="/v1/routing-rules", route_class=CallerRoute, tags=["data"])
router = APIRouter(prefix="/v1/ops/routing", route_class=CommandRoute, tags=["ops"])

PROMPTLY = 2.0
"""Seconds that new rules take at most for their schedules."""
MOST_ORDERS = 200
"""So many past orders are tried in one simulation, the oldest first."""


class RulesVersionShown(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    rules: RoutingRules
    at: Instant | None
    """Since when this version counted; null for the rules that Throughline comes with."""
    current: bool


class RoutingRulesBody(RuleSet):
    """A whole rule set: an ordered list of rules, and the classes by which orders wait for brokering."""

    version: Annotated[Version, Field(ge=1)] | None = None
    """The version that these were made from: refused when another one counts meanwhile."""


class Shown(BaseModel):
    """One decision, with every place that was looked at and the rule that removed or ranked it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    group: int | None
    """The fulfilment group; null for lines that were in none yet."""
    run: str | None
    """The brokering run; null when it was decided at once. `until the run`: where stock is kept until then."""
    at: Instant
    decision: SourcingDecision
    words: tuple[str, ...]
    """The same for people."""


class Period(Body):
    """Orders that were sourced in this time."""

    since: Annotated[Instant, Field(alias="from")]
    until: Annotated[Instant, Field(alias="to")]

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> "Period":
        if self.until <= self.since:
            raise misplaced(("to",), "should be later than from")
        return self


class SimulateBody(Body):
    rules: RoutingRulesBody
    orders: Period | Annotated[tuple[Key, ...], Field(min_length=1, max_length=MOST_ORDERS)]
    """A period, or order ids."""


class SimulationShown(Simulation):
    tried: int
    """Orders that were found and tried; at most 200."""


@data.get("", summary="Routing rules, the version that counts first")
async def routing_rules(caller: CurrentCaller, services: CurrentServices, page: CurrentPage) -> Page[RulesVersionShown]:
    if not caller.sees_all_orders:
        await caller.must_be(PrincipalKind.STORE)
    async with services.transactions.begin() as books:
        found = await books.routing.versions()
    newest = found[0].rules.version
    shown = [RulesVersionShown(rules=r, at=at, current=r.version == newest) for r, at in found]
    return page_of(page, shown)


@data.put("", summary="Make these the next version; it counts for what is sourced from now on")
async def put_routing_rules(body: RoutingRulesBody, caller: CurrentCaller, services: CurrentServices) -> RoutingRules:
    await must_run_operations(caller)
    async with services.transactions.begin() as books:
        made = await books.routing.put_rules(_rules(body, 1), services.now())
        before = made.version - 1
        if body.version is not None and body.version != before:
            raise Problem(
                ProblemKind.STALE_VERSION,
                "Read the newest rules and make the change in them.",
                current={"version": before},
            )
    await _keep_schedules(services)
    await trail_of(caller.request).write(
        caller.actor, "set routing rules", f"{made.id}/{made.version}", AuditOutcome.DONE
    )
    return made


@router.get("/{order_id}", summary="Why each line of an order went where it went")
async def decisions(
    order_id: Annotated[str, Path(max_length=64)], caller: CurrentCaller, services: CurrentServices, page: CurrentPage
) -> Page[Shown]:
    """Oldest first: the first sourcing, then each time that a place declined or a person assigned."""
    await caller.must_be(PrincipalKind.OPS)
    await visible_order(services, caller, OrderId(order_id))
    async with services.transactions.begin() as books:
        found = await books.routing.decisions(OrderId(order_id))
    return page_of(page, [_shown(entry) for entry in found])


@router.post("/simulate", summary="Try rules on past orders, without effects")
@repeatable
async def simulation(body: SimulateBody, caller: CurrentCaller, services: CurrentServices) -> SimulationShown:
    """What these rules would have done, beside those that count now, each order on the stock of its own time."""
    await must_read_operations(caller)
    async with services.transactions.begin() as books:
        now = await books.routing.rules()
        assert now is not None
        if isinstance(body.orders, Period):
            since, until = body.orders.since, body.orders.until
            orders = await books.routing.snapshots(since=since, until=until, limit=MOST_ORDERS)
        else:
            ids = [OrderId(each) for each in body.orders]
            orders = await books.routing.snapshots(order_ids=ids, limit=MOST_ORDERS)
    # Whole seconds of computing: on another thread, so that other callers are answered meanwhile.
    found = await asyncio.to_thread(simulate, now, _rules(body.rules, now.version + 1), orders)
    return SimulationShown(now=found.now, proposed=found.proposed, changed=found.changed, tried=len(orders))


async def _keep_schedules(services: Services) -> None:
    """The rules count already: what cannot be done now, the sweeper does."""
    try:
        async with asyncio.timeout(PROMPTLY):
            await keep_schedules(services.temporal, services.transactions)
    except (RPCError, RuntimeError, TimeoutError) as fault:
        log.warning("schedules_not_kept", error=type(fault).__name__)


def _rules(body: RoutingRulesBody, version: int) -> RoutingRules:
    return RoutingRules(**{name: value for name, value in body if name != "version"}, version=version)


def _shown(entry: RoutingEntry) -> Shown:
    words = tuple(in_words(entry.decision))
    return Shown(group=entry.group, run=entry.run, at=entry.at, decision=entry.decision, words=words)
