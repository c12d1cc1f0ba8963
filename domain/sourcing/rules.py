"""Routing rules: versioned data that says which places may serve, which are liked best, and what becomes of the rest.

A set is an ordered list. Each rule looks at what the rules before it left: it filters the places, ranks those that
stay, allocates within its split policy, and ends.
"""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from domain.actors import Channel
from domain.ids import StoreId
from domain.intake import COUNTRY, Key, Service, misplaced
from domain.sourcing.candidates import PlaceKind
from domain.sourcing.queues import EXPRESS as EXPRESS
from domain.sourcing.queues import MARKETPLACE as MARKETPLACE
from domain.sourcing.queues import REJECTED as REJECTED
from domain.sourcing.queues import STANDARD as STANDARD
from domain.sourcing.queues import UNFILLABLE as UNFILLABLE
from domain.sourcing.queues import Queue as Queue
from domain.sourcing.queues import QueueRuns
from domain.sourcing.request import Fixed, SourcingRequest

MAX_RULES = 50
Count = Annotated[int, Field(strict=True, ge=0, le=1_000_000)]
Cost = Annotated[int, Field(strict=True, ge=0, le=10**9)]
"""Minor units."""


class Filters(Fixed):
    """Which places a rule looks at; whatever is not set lets all pass.

    Whatever the rule says: a place that the order excludes or that declined, is paused, closed for good, without
    capacity or ships no parcels is never used.
    """

    kinds: tuple[PlaceKind, ...] = ()
    groups: tuple[Key, ...] = ()
    """In at least one of these."""
    not_groups: tuple[Key, ...] = ()
    max_km: Annotated[int, Field(strict=True, ge=1, le=21_000)] | None = None
    countries: tuple[Annotated[str, Field(pattern=COUNTRY)], ...] = ()
    same_country: bool = False
    """As the destination's."""
    capacity_left: Annotated[int, Field(strict=True, ge=1, le=1_000_000)] = 1
    """Parcels that the place must still be able to take on."""
    stock_left: Count = 0
    """Safety stock: units of each SKU that must be left there, on top of the place's own buffer."""
    by_promise: bool = False
    """It dispatches by the original promise, if there is one."""


class Criterion(StrEnum):
    COST = "cost"
    PROXIMITY = "proximity"
    BALANCE = "balance"
    """The least loaded first."""
    CAPACITY_LEFT = "capacity_left"
    """The most capacity first."""
    SEQUENCE = "sequence"
    """As the rule lists them; places that it does not list come last."""


class SplitPolicy(Fixed):
    """How far an order may be taken apart, beyond what the order itself allows."""

    max_parts: Annotated[int, Field(strict=True, ge=1, le=100)] = 10
    """Places that the order leaves from, those of earlier rules counted."""
    partial: bool = True
    """What cannot be served may be left; otherwise the rule serves all that is open or nothing."""
    quantity: bool = False
    """A line's units may come from several places, where no single one has them all and the line allows it."""
    kits: bool = False
    """A kit's components may come from several places. As is usual, they leave together unless this is set."""
    min_value: Cost = 0
    """If the order is taken apart, each part and what is left must be worth this, minor units."""


class Costs(Fixed):
    """Weights in minor units. A part costs distance + handling + the place's own handling + units + lateness."""

    per_100_km: Annotated[int, Field(strict=True, ge=0, le=10**6)] = 100
    per_shipment: Cost = 500
    per_unit: Annotated[int, Field(strict=True, ge=0, le=10**6)] = 0
    late_per_day: Annotated[int, Field(strict=True, ge=0, le=10**7)] = 1000
    """For each day begun after the promise."""


class Ends(StrEnum):
    ALLOCATE = "allocate"
    """What it can serve is allocated; what is left goes to its queue."""
    NEXT_RULE = "next_rule"
    """What it can serve is allocated; what is left goes to the next rule."""
    QUEUE = "queue"
    """Nothing is allocated; all that is open goes to its queue."""


class Rule(Fixed):
    name: Key
    channels: tuple[Channel, ...] = ()
    """It counts for orders of these; empty: of all."""
    services: tuple[Service, ...] = ()
    filters: Filters = Filters()
    rank: Annotated[tuple[Criterion, ...], Field(min_length=1)] = (Criterion.COST,)
    """What decides between as many parts: the first, and on a tie the next. Cost is always the last."""
    sequence: tuple[StoreId, ...] = ()
    split: SplitPolicy = SplitPolicy()
    costs: Costs = Costs()
    ends: Ends = Ends.NEXT_RULE
    queue: Queue = UNFILLABLE

    def counts_for(self, request: SourcingRequest) -> bool:
        return (not self.channels or request.channel in self.channels) and (
            not self.services or request.service in self.services
        )

    @model_validator(mode="after")
    def _rank_is_complete(self) -> Self:
        if len(set(self.rank)) < len(self.rank):
            raise misplaced(("rank",), "a criterion is named twice; name each once")
        if Criterion.SEQUENCE in self.rank and not self.sequence:
            raise misplaced(("sequence",), "the rule ranks by a fixed sequence and names no place; list the places")
        if len(set(self.sequence)) < len(self.sequence):
            raise misplaced(("sequence",), "a place is named twice; name each once")
        return self


class QueueClass(Fixed):
    """Orders that are brokered alike: the first class that fits names the queue."""

    queue: Queue
    channels: tuple[Channel, ...] = ()
    services: tuple[Service, ...] = ()
    taken_back: bool = False
    """Only lines that a place has declined or let lie."""
    at_once: bool = False
    """Brokered when they come; otherwise they wait for the queue's next run, if it has any."""


class RuleSet(Fixed):
    """Rules as people write them."""

    id: Key
    rules: Annotated[tuple[Rule, ...], Field(min_length=1, max_length=MAX_RULES)]
    classes: Annotated[tuple[QueueClass, ...], Field(max_length=MAX_RULES)] = ()
    otherwise: Queue = STANDARD
    """The queue of orders that no class fits."""
    runs: Annotated[tuple[QueueRuns, ...], Field(max_length=MAX_RULES)] = ()
    """When each queue is brokered; orders of the others are brokered when they come."""
    max_hops: Annotated[int, Field(strict=True, ge=0, le=100)] = 5
    """Lines that were taken back more often than this wait for a person."""
    unfillable: Queue = UNFILLABLE
    """Where lines wait that the last rule left, that a person assigned in vain, or that have hopped too often."""

    @model_validator(mode="after")
    def _rules_can_be_told_apart(self) -> Self:
        names: set[str] = set()
        for index, rule in enumerate(self.rules):
            if rule.name in names:
                raise misplaced(("rules", index, "name"), "another rule has this name; name each differently")
            names.add(rule.name)
            everyone = not rule.channels and not rule.services
            if everyone and rule.ends is not Ends.NEXT_RULE and index + 1 < len(self.rules):
                raise misplaced(
                    ("rules", index, "ends"),
                    "this rule ends every order, so the rules after it never count; "
                    "let it end in next_rule, or move it to the end",
                )
        return self

    @model_validator(mode="after")
    def _runs_have_a_queue(self) -> Self:
        known = {each.queue for each in self.classes} | {self.otherwise}
        seen: set[Queue] = set()
        for index, runs in enumerate(self.runs):
            if runs.queue not in known:
                raise misplaced(("runs", index, "queue"), "no class waits in this queue; name one that has a class")
            if runs.queue in seen:
                raise misplaced(("runs", index, "queue"), "this queue's runs are there twice; list all times together")
            seen.add(runs.queue)
        return self

    def runs_of(self, queue: Queue) -> QueueRuns | None:
        return next((runs for runs in self.runs if runs.queue == queue), None)

    def awaits(self, request: SourcingRequest) -> QueueRuns | None:
        """The runs that an order waits for; none when it is brokered at once."""
        found = self.queue_class(request)
        return None if found.at_once else self.runs_of(found.queue)

    def queue_class(self, request: SourcingRequest) -> QueueClass:
        """In which queue the order waits for brokering, and whether it waits at all."""
        for each in self.classes:
            if (
                (not each.channels or request.channel in each.channels)
                and (not each.services or request.service in each.services)
                and (not each.taken_back or request.hops > 0)
            ):
                return each
        return QueueClass(queue=self.otherwise)


class RoutingRules(RuleSet):
    """A rule set under the version that decisions name."""

    version: Annotated[int, Field(strict=True, ge=1, le=2**31 - 1)] = 1


DEFAULT_RULES = RoutingRules(
    id="default",
    rules=(
        Rule(name="one-place-in-time", filters=Filters(by_promise=True), split=SplitPolicy(max_parts=1, partial=False)),
        Rule(
            name="split-in-time",
            filters=Filters(by_promise=True),
            split=SplitPolicy(max_parts=4, partial=False, quantity=True),
        ),
        Rule(name="late-or-in-part", split=SplitPolicy(max_parts=6, quantity=True), ends=Ends.ALLOCATE),
    ),
    classes=(
        QueueClass(queue=REJECTED, taken_back=True),
        QueueClass(queue=EXPRESS, services=(Service.EXPRESS,), at_once=True),
        QueueClass(queue=MARKETPLACE, channels=(Channel.MARKETPLACE,)),
    ),
)
"""What counts until a seller sets rules of its own: whole and in time, else split and in time, else late or in part."""
