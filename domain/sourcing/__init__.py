"""Sourcing: which places serve which lines of an order, by rules that are data, with every reason."""

from domain.sourcing.brokering import broker, one_at_a_time
from domain.sourcing.candidates import Candidate, PlaceKind
from domain.sourcing.decision import Allocation, Part, Ranked, RuleRun, SourcingDecision, source
from domain.sourcing.dispatching import dispatches_at, working_day
from domain.sourcing.queues import Overlap, QueueRuns
from domain.sourcing.reasons import Left, LeftKind, Removal, RemovalKind, Waiting
from domain.sourcing.request import Destination, SourcingLine, SourcingRequest
from domain.sourcing.rules import (
    DEFAULT_RULES,
    EXPRESS,
    MARKETPLACE,
    REJECTED,
    STANDARD,
    UNFILLABLE,
    Costs,
    Criterion,
    Ends,
    Filters,
    Queue,
    QueueClass,
    RoutingRules,
    Rule,
    RuleSet,
    SplitPolicy,
)
from domain.sourcing.simulation import Changed, Simulation, Snapshot, Totals, Way, simulate, snapshot_of, totals
from domain.sourcing.survey import PartCost
from domain.sourcing.words import in_words, why_allocated, why_left, why_removed

__all__ = [
    "DEFAULT_RULES",
    "EXPRESS",
    "MARKETPLACE",
    "REJECTED",
    "STANDARD",
    "UNFILLABLE",
    "Allocation",
    "Candidate",
    "Changed",
    "Costs",
    "Criterion",
    "Destination",
    "Ends",
    "Filters",
    "Left",
    "LeftKind",
    "Overlap",
    "Part",
    "PartCost",
    "PlaceKind",
    "Queue",
    "QueueClass",
    "QueueRuns",
    "Ranked",
    "Removal",
    "RemovalKind",
    "RoutingRules",
    "Rule",
    "RuleRun",
    "RuleSet",
    "Simulation",
    "Snapshot",
    "SourcingDecision",
    "SourcingLine",
    "SourcingRequest",
    "SplitPolicy",
    "Totals",
    "Waiting",
    "Way",
    "broker",
    "dispatches_at",
    "in_words",
    "one_at_a_time",
    "simulate",
    "snapshot_of",
    "source",
    "totals",
    "why_allocated",
    "why_left",
    "why_removed",
    "working_day",
]
