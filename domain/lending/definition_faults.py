"""What is wrong with a product definition beyond its shape, each fault with the place where it stands."""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from itertools import pairwise

from pydantic import BaseModel, ConfigDict

from domain.lending.clocks import ClockName
from domain.lending.definition_bounds import out_of_bounds
from domain.lending.products import FieldType, ProductDefinition, StepDefinition

FALLS = frozenset({"decision", "offer"})
"""What a change may invalidate beside steps and checks."""
SHORTEST_MONTH = 28


class FaultKind(StrEnum):
    CYCLE = "cycle"
    UNREACHABLE = "unreachable"
    UNKNOWN_STEP = "unknown_step"
    UNKNOWN_EVIDENCE = "unknown_evidence"
    UNKNOWN_TARGET = "unknown_target"
    UNKNOWN_FACT = "unknown_fact"
    NAMED_TWICE = "named_twice"
    NO_CHOICES = "no_choices"
    LIMITS_CROSSED = "limits_crossed"
    TIERS_OUT_OF_ORDER = "tiers_out_of_order"
    NO_PROVIDER = "no_provider"
    EARLY_PAYOUT = "early_payout"
    TRANCHES = "tranches"
    OUT_OF_BOUNDS = "out_of_bounds"


class DefinitionFault(BaseModel):
    """`place` as a JSON pointer into the definition."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: FaultKind
    place: str
    detail: str


def faults_of(definition: ProductDefinition) -> list[DefinitionFault]:
    """Everything that would make applications of it impossible or undecidable; empty for a sound one."""
    return [
        *_names(definition),
        *_steps(definition),
        *_cycles(definition.steps),
        *_unreachable(definition.steps),
        *_facts(definition),
        *_numbers(definition),
        *_early_payout(definition),
        *_tranches(definition),
        *(_fault(FaultKind.OUT_OF_BOUNDS, *each) for each in out_of_bounds(definition)),
    ]


def _fault(kind: FaultKind, place: str, detail: str) -> DefinitionFault:
    return DefinitionFault(kind=kind, place=place, detail=detail)


def _names(definition: ProductDefinition) -> Iterator[DefinitionFault]:
    yield from _twice("/steps", [step.name for step in definition.steps])
    yield from _twice("/checks", [check.kind.value for check in definition.checks])
    for n, step in enumerate(definition.steps):
        yield from _twice(f"/steps/{n}/fields", [field.name for field in step.fields])


def _twice(place: str, names: list[str]) -> Iterator[DefinitionFault]:
    for n, name in enumerate(names):
        if name in names[:n]:
            yield _fault(FaultKind.NAMED_TWICE, f"{place}/{n}", f"{name} is named twice")


def _steps(definition: ProductDefinition) -> Iterator[DefinitionFault]:
    known = {step.name for step in definition.steps}
    targets = known | FALLS | {check.kind.value for check in definition.checks}
    for n, step in enumerate(definition.steps):
        for m, name in enumerate(step.requires):
            if name not in known:
                yield _fault(FaultKind.UNKNOWN_STEP, f"/steps/{n}/requires/{m}", f"there is no step {name}")
        for m, name in enumerate(step.evidence):
            if name not in definition.evidence:
                detail = f"{name} is no evidence type of this product"
                yield _fault(FaultKind.UNKNOWN_EVIDENCE, f"/steps/{n}/evidence/{m}", detail)
        for m, name in enumerate(step.invalidates):
            if name not in targets:
                detail = f"{name} is no step, no check and not decision or offer"
                yield _fault(FaultKind.UNKNOWN_TARGET, f"/steps/{n}/invalidates/{m}", detail)
        for m, field in enumerate(step.fields):
            if field.type is FieldType.CHOICE and not field.choices:
                yield _fault(FaultKind.NO_CHOICES, f"/steps/{n}/fields/{m}/choices", f"{field.name} offers no choice")
    for n, check in enumerate(definition.checks):
        if not check.providers:
            yield _fault(FaultKind.NO_PROVIDER, f"/checks/{n}/providers", f"nobody is asked about {check.kind}")


def _cycles(steps: Iterable[StepDefinition]) -> Iterator[DefinitionFault]:
    """Each cycle once, at the first of its steps, with the way round."""
    needs = {step.name: list(step.requires) for step in steps}
    told: set[frozenset[str]] = set()
    for n, start in enumerate(needs):
        way = _way_back(start, needs)
        if way and frozenset(way) not in told:
            told.add(frozenset(way))
            yield _fault(FaultKind.CYCLE, f"/steps/{n}/requires", " needs ".join([*way, start]))


def _way_back(start: str, needs: dict[str, list[str]]) -> list[str]:
    """The shortest way from a step over what it needs back to itself; empty where there is none."""
    ways = [[start]]
    seen: set[str] = set()
    while ways:
        way = ways.pop(0)
        for name in needs.get(way[-1], ()):
            if name == start:
                return way
            if name not in seen:
                seen.add(name)
                ways.append([*way, name])
    return []


def _unreachable(steps: Iterable[StepDefinition]) -> Iterator[DefinitionFault]:
    """Steps that nobody can ever answer: no channel takes them, or one that they need cannot be answered."""
    all_steps = list(steps)
    reached: set[str] = set()
    taken = [step for step in all_steps if step.channels and step.roles]
    while more := {step.name for step in taken if step.name not in reached and reached >= set(step.requires)}:
        reached |= more
    for n, step in enumerate(all_steps):
        if step.name not in reached:
            needed = [name for name in step.requires if name not in reached]
            nobody = "no role may answer it" if step.channels else "no channel takes it"
            why = f"it needs {', '.join(needed)}, which cannot be answered" if needed else nobody
            yield _fault(FaultKind.UNREACHABLE, f"/steps/{n}", f"{step.name} cannot be reached: {why}")


def _facts(definition: ProductDefinition) -> Iterator[DefinitionFault]:
    for place, reference in definition.facts.named().items():
        name, _, field = reference.partition(".")
        step = definition.step(name)
        if step is None or field not in {each.name for each in step.fields}:
            detail = f"there is no answer {reference}"
            yield _fault(FaultKind.UNKNOWN_FACT, "/facts/" + place.replace("[", "/").rstrip("]"), detail)


def _numbers(definition: ProductDefinition) -> Iterator[DefinitionFault]:
    limits = definition.limits
    if limits.least_amount > limits.most_amount:
        yield _fault(FaultKind.LIMITS_CROSSED, "/limits/least_amount", "the least amount is above the most")
    if limits.least_term > limits.most_term:
        yield _fault(FaultKind.LIMITS_CROSSED, "/limits/least_term", "the shortest term is above the longest")
    rules = definition.decision
    if rules.decline_score > rules.approve_score:
        yield _fault(FaultKind.LIMITS_CROSSED, "/decision/decline_score", "it declines what it approves")
    if rules.refer_dti > rules.most_dti:
        yield _fault(FaultKind.LIMITS_CROSSED, "/decision/refer_dti", "it declines what it refers")
    last = -1
    for n, tier in enumerate(definition.approvals):
        if tier.up_to is None and n < len(definition.approvals) - 1:
            yield _fault(FaultKind.TIERS_OUT_OF_ORDER, f"/approvals/{n}", "only the last tier may be without end")
        elif tier.up_to is not None and tier.up_to <= last:
            yield _fault(FaultKind.TIERS_OUT_OF_ORDER, f"/approvals/{n}", "each tier must reach further than the last")
        last = tier.up_to or last


def _early_payout(definition: ProductDefinition) -> Iterator[DefinitionFault]:
    """Who withdraws repays what was paid out with its interest, and nothing else."""
    if definition.facts.early_payout is None:
        return
    if definition.cooling_off is not ClockName.CCD_WITHDRAWAL or not definition.kind.pays_out:
        detail = "money goes out early only from a loan with the right to withdraw (cooling_off: ccd_withdrawal)"
        yield _fault(FaultKind.EARLY_PAYOUT, "/facts/early_payout", detail)
    if definition.pricing.origination_fee:
        detail = "who withdraws after the payout owes no fee, so none may be kept back"
        yield _fault(FaultKind.EARLY_PAYOUT, "/pricing/origination_fee", detail)
    if definition.tranches:
        yield _fault(FaultKind.EARLY_PAYOUT, "/tranches", "what is paid out early is paid out whole")


def _tranches(definition: ProductDefinition) -> Iterator[DefinitionFault]:
    tranches = definition.tranches
    if not tranches:
        return

    def fault(place: str, detail: str) -> DefinitionFault:
        return _fault(FaultKind.TRANCHES, place, detail)

    yield from _twice("/tranches", [each.name for each in tranches])
    if not definition.kind.pays_out:
        yield fault("/tranches", "this kind of product pays nothing out")
    if (percent := sum(each.percent for each in tranches)) != 100:
        yield fault("/tranches", f"the parts make {percent} percent together")
    if tranches[0].after_days or tranches[0].released:
        yield fault("/tranches/0", "the first part leaves at once")
    if tranches[0].percent * 100 <= definition.pricing.origination_fee:
        yield fault("/tranches/0/percent", "the charge that is kept back leaves nothing of it")
    for n, (earlier, later) in enumerate(pairwise(tranches), start=1):
        if later.after_days < earlier.after_days:
            yield fault(f"/tranches/{n}/after_days", "it would leave before the one before it")
    if tranches[-1].after_days > definition.drawing_days:
        yield fault(f"/tranches/{len(tranches) - 1}/after_days", "it has lapsed by then")
    term = definition.limits.least_term if definition.facts.term_months else definition.pricing.term_months
    if definition.drawing_days > (term - 2) * SHORTEST_MONTH:
        yield fault("/drawing_days", "of the shortest term no time is left to repay it in")
