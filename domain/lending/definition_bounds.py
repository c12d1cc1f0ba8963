"""Numbers, names and references of a product definition that no application of it could be reckoned with."""

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from domain.lending.clocks import ClockName
from domain.lending.products import FieldDefinition, FieldType, ProductDefinition
from domain.lending.terms import MOST_MONTHS, MOST_PRINCIPAL

MOST_DAYS = 36_500
MOST_SECONDS = 3_600
ROLES = frozenset({"underwriter", "senior_underwriter"})
NUMBERS = frozenset({FieldType.AMOUNT, FieldType.INTEGER})
YES_OR_NO = frozenset({FieldType.BOOLEAN})
COOLING_OFF = (None, ClockName.RESCISSION, ClockName.CCD_WITHDRAWAL)


def out_of_bounds(definition: ProductDefinition) -> Iterator[tuple[str, str]]:
    """Each as (place, what is wrong)."""
    for place, value, least, most in _numbers(definition):
        if value is not None and not least <= value <= most:
            yield place, f"should be between {least} and {most}"
    rate = definition.pricing.annual_rate
    if rate != round(rate, 4):
        yield "/pricing/annual_rate", "should have four decimals at most"
    if definition.cooling_off not in COOLING_OFF:
        yield "/cooling_off", "should be rescission or ccd_withdrawal"
    if not _is_zone(definition.zone):
        yield "/zone", "should be a time zone, e.g. America/New_York"
    for n, tier in enumerate(definition.approvals):
        if tier.role not in ROLES:
            yield f"/approvals/{n}/role", "should be underwriter or senior_underwriter"
    yield from _facts(definition)


def _numbers(definition: ProductDefinition) -> Iterator[tuple[str, int | None, int, int]]:
    yield "/limits/most_amount", definition.limits.most_amount, 0, MOST_PRINCIPAL
    yield "/limits/most_term", definition.limits.most_term, 1, MOST_MONTHS
    yield "/pricing/term_months", definition.pricing.term_months, 1, MOST_MONTHS
    yield "/drawing_days", definition.drawing_days, 1, MOST_DAYS
    yield "/co_applicants", definition.co_applicants, 0, 10
    for n, check in enumerate(definition.checks):
        yield f"/checks/{n}/valid_days", check.valid_days, 0, MOST_DAYS
        yield f"/checks/{n}/timeout_seconds", check.timeout_seconds, 1, MOST_SECONDS
    for n, step in enumerate(definition.steps):
        yield f"/steps/{n}/valid_days", step.valid_days, 1, MOST_DAYS
    for name, kind in definition.evidence.items():
        yield f"/evidence/{name}/due_days", kind.due_days, 1, MOST_DAYS
    for n, part in enumerate(definition.tranches):
        yield f"/tranches/{n}/after_days", part.after_days, 0, MOST_DAYS
    for n, tier in enumerate(definition.approvals):
        yield f"/approvals/{n}/approvers", tier.approvers, 0, 10


def _facts(definition: ProductDefinition) -> Iterator[tuple[str, str]]:
    for place, reference in definition.facts.named().items():
        field = _field(definition, reference)
        if field is None:
            continue
        wanted = YES_OR_NO if place in ("electronic_consent", "early_payout") else NUMBERS
        where = "/facts/" + place.replace("[", "/").rstrip("]")
        if field.type not in wanted:
            yield where, f"{reference} should be {' or '.join(sorted(each.value for each in wanted))}"
        elif field.personal:
            yield where, f"{reference} is kept apart as personal, so nothing can be reckoned from it"


def _field(definition: ProductDefinition, reference: str) -> FieldDefinition | None:
    name, _, wanted = reference.partition(".")
    step = definition.step(name)
    return next((each for each in step.fields if each.name == wanted), None) if step else None


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ValueError, LookupError, OSError):
        return False
    return bool(name)
