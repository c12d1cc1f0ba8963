"""The returns policy as data. It has versions; the one in force when an order was placed decides for it for ever."""

from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, StringConstraints, model_validator

from domain.actors import Channel
from domain.intake import COUNTRY, KEY
from domain.pickup_windows import Duration
from domain.refunds import Clawback, Percent, RefundPolicy, RefundTarget, ShippingRule
from domain.returns.words import ItemCondition, ReturnReason, ReturnVia
from domain.tender_use import TenderRule

DAY = timedelta(days=1)
Name = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=KEY)]
Country = Annotated[str, StringConstraints(pattern=COUNTRY)]
Limit = Annotated[int, Field(strict=True, ge=0, le=10**12)]
"""Minor units."""


class Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AdvanceRule(StrEnum):
    COLLECT = "collect"
    """Somebody collects it from the customer, who is told."""
    CHARGE = "charge"
    """The card that the customer has named for it is charged; where none stands, somebody collects it."""
    WRITE_OFF = "write_off"


class ReturnTerms(Value):
    """What holds for one article in one channel and country."""

    window: Duration = timedelta(days=30)
    """From when the customer had it. Whole days end with the local day."""
    business_days: Annotated[int, Field(strict=True, ge=1, le=400)] | None = None
    """The window in business days instead: weekends and public holidays do not count."""
    final_sale: bool = False
    """Not taken back, but for a fault."""
    reasons: frozenset[ReturnReason] = frozenset(ReturnReason)
    vias: frozenset[ReturnVia] = frozenset(ReturnVia)
    send_to: Annotated[str, StringConstraints(pattern=KEY, max_length=64)] | None = None
    """The place that posted returns go to; none: where the goods came from."""
    conditions: frozenset[ItemCondition] = frozenset({ItemCondition.NEW, ItemCondition.OPENED})
    """In which a unit is taken back for another reason than a fault."""
    fee: NonNegativeInt = 0
    """A return costs so much, in minor units; nothing for a fault."""
    restocking_percent: Percent = 0
    shipping: ShippingRule = ShippingRule.NEVER
    """Whether the first delivery's cost goes back. For a fault each unit's share does."""
    clawback: Clawback = Clawback.DEDUCT
    tenders: TenderRule = TenderRule.LAST
    targets: frozenset[RefundTarget] = frozenset({RefundTarget.ORIGINAL, RefundTarget.STORE_CREDIT})
    """Where the money may go, if the customer wants."""
    original_for: Duration | None = None
    """How long after the customer had it the original payment takes money back; later it goes to store credit."""
    person_above: Limit | None = None
    """Units worth more wait for a person's decision."""
    instant_refund_to: Limit = 0
    """A return that is worth no more is paid back at the drop-off, before it has come."""
    lost_advance: AdvanceRule = AdvanceRule.COLLECT
    """What becomes of money that was paid back for goods that never came."""
    keep_item_to: Limit = 0
    """A fault that is worth no more is made good and the article stays with the customer."""
    send_within: Duration = timedelta(days=14)
    """An approved return that has not come by then is closed."""
    decide_within: Duration = timedelta(days=3)
    """How long a person may take to approve; then it is refused."""
    inspect_within: Duration = timedelta(days=2)
    """How long a store may take to inspect what came; then ops are asked to."""
    settle_within: Duration = timedelta(hours=1)
    """How long the settlement waits for a wish of the customer; then it goes to the original payment."""
    pay_within: Duration = timedelta(days=3)
    """How long a customer may take to pay what is owed on top of an exchange; then it is a plain return."""
    turn_up_within: Duration = timedelta(days=60)
    """How long goods of a claim that turn up are still taken in under it."""

    def refund_policy(self, *, fault: bool) -> RefundPolicy:
        return RefundPolicy(
            tenders=self.tenders,
            shipping=ShippingRule.PRO_RATA if fault else self.shipping,
            clawback=Clawback.KEEP if fault else self.clawback,
            fee=0 if fault else self.fee,
            restocking_percent=0 if fault else self.restocking_percent,
        )


class Case(Value):
    """What a policy may make a difference for."""

    channel: Channel
    country: Country | None = None
    category: Name | None = None
    sku: str = ""


class ReturnException(Value):
    """Other terms for some cases. An empty list matches everything; `then` names only the terms that differ."""

    channels: frozenset[Channel] = frozenset()
    countries: frozenset[Country] = frozenset()
    categories: frozenset[Name] = frozenset()
    skus: frozenset[str] = frozenset()
    then: dict[str, Any]

    def matches(self, case: Case) -> bool:
        return all(
            not wanted or found in wanted
            for wanted, found in (
                (self.channels, case.channel),
                (self.countries, case.country),
                (self.categories, case.category),
                (self.skus, case.sku),
            )
        )


class BlindReturns(Value):
    """Returns of what no order was found for: they bring store credit at the lowest recent price."""

    allowed: bool = True
    limit: Limit = 10_000
    """One person may bring back so much, in minor units, within `within`."""
    within: Duration = timedelta(days=90)
    lowest_price_of: Duration = timedelta(days=60)


class ReturnPolicy(Value):
    """All terms of one version. Exceptions are applied in their order, so that the last one that matches wins."""

    name: Name
    version: NonNegativeInt
    """0: the one that is built in."""
    terms: ReturnTerms = ReturnTerms()
    exceptions: Annotated[tuple[ReturnException, ...], Field(max_length=500)] = ()
    blind: BlindReturns = BlindReturns()
    appeasement_limits: dict[str, Limit] = {
        "associate": 500,
        "customer_service": 2_000,
        "manager": 5_000,
        "ops": 10_000,
    }
    """Goodwill that each role may give by itself, in minor units; more needs a second person."""

    @model_validator(mode="after")
    def _exceptions_are_terms(self) -> Self:
        for exception in self.exceptions:
            self._changed(self.terms, exception)
        return self

    def terms_for(self, case: Case) -> ReturnTerms:
        terms = self.terms
        for exception in self.exceptions:
            if exception.matches(case):
                terms = self._changed(terms, exception)
        return terms

    def _changed(self, terms: ReturnTerms, exception: ReturnException) -> ReturnTerms:
        return ReturnTerms.model_validate(terms.model_dump() | exception.then)


def window_ends(
    terms: ReturnTerms, received_at: datetime, zone: str, holidays: frozenset[date] = frozenset()
) -> datetime:
    """The instant (UTC) until which goods that came at `received_at` may be brought back.

    Days end with the day in `zone`, also when clocks change; a window shorter than a day ends to the second.
    """
    local = received_at.astimezone(ZoneInfo(zone))
    if terms.business_days is not None:
        day, left = local.date(), terms.business_days
        while left:
            day += DAY
            left -= day.weekday() < 5 and day not in holidays
    elif terms.window >= DAY:
        day = local.date() + timedelta(days=terms.window.days)
    else:
        return received_at + terms.window
    return datetime.combine(day + DAY, time(), ZoneInfo(zone)).astimezone(UTC)
