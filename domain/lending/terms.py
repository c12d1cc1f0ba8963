"""The terms of one loan, frozen and named by a hash: what is approved, offered, signed and paid is the same thing."""

import hashlib
import json
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, field_serializer, model_validator

from domain.lending.apr import eu_apr, us_apr
from domain.lending.months import monthly
from domain.lending.schedule import Advance, DayCount, Instalment, Totals, drawn_schedule, totals
from domain.lending.unit_periods import UnitPeriod, periods_between
from domain.money import Currency

MOST_PRINCIPAL, MOST_MONTHS = 10**15, 600


class LoanTerms(BaseModel):
    """What the borrower would owe. `annual_rate` in percent; `prepaid` charges are kept back from the advance."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    principal: int = Field(gt=0, le=MOST_PRINCIPAL)
    currency: Currency
    annual_rate: Decimal = Field(ge=0, le=1000, max_digits=9, decimal_places=4)
    term_months: int = Field(ge=1, le=MOST_MONTHS)
    day_count: DayCount
    prepaid: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _something_is_advanced(self) -> Self:
        if self.prepaid >= self.principal:
            raise ValueError("more is kept back than is lent")
        return self

    @field_serializer("annual_rate", when_used="json")
    def _one_way_to_write_it(self, rate: Decimal) -> str:
        """9.9 and 9.90 are the same terms, so they have the same hash."""
        return f"{rate.normalize():f}"

    def hash(self) -> str:
        return terms_hash(self)


def terms_hash(terms: BaseModel) -> str:
    """SHA-256 of the canonical JSON: equal terms give one hash, whatever changed gives another."""
    content = json.dumps(terms.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(content.encode()).hexdigest()


class Figures(BaseModel):
    """The numbers that go with terms on a start date; `apr` in percent, unrounded."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    instalments: tuple[Instalment, ...]
    totals: Totals
    apr: Decimal

    @property
    def payment(self) -> int:
        """The level one: of a loan in parts, from when all is drawn."""
        repaying = (each.payment for each in self.instalments if each.principal)
        return next(repaying, self.instalments[0].payment)


def figures(
    terms: LoanTerms,
    start: date,
    *,
    european: bool = False,
    first: date | None = None,
    advances: Sequence[Advance] = (),
    drawn_until: date | None = None,
) -> Figures:
    """Schedule, totals and annual percentage rate of the terms if money moves on `start`, or as `advances` say."""
    dates = monthly(start, terms.term_months, first=first)
    moves = advances or (Advance(on=start, amount=terms.principal),)
    instalments = drawn_schedule(moves, terms.annual_rate, dates, terms.day_count, drawn_until=drawn_until)
    financed = sum(each.amount for each in moves) - terms.prepaid
    got = [(each.amount - (terms.prepaid if n == 0 else 0), each.on) for n, each in enumerate(moves)]
    return Figures(
        instalments=tuple(instalments),
        totals=totals(financed, instalments, prepaid=terms.prepaid),
        apr=_apr(got, start, instalments, european=european),
    )


def _apr(got: Sequence[tuple[int, date]], start: date, instalments: Sequence[Instalment], *, european: bool) -> Decimal:
    if european:
        return eu_apr(got, [(each.payment, each.due) for each in instalments])
    whole, part = periods_between(start, instalments[0].due, UnitPeriod.MONTH)
    payments = [(each.payment, whole + n, part) for n, each in enumerate(instalments)]
    advances = [(amount, *periods_between(start, on, UnitPeriod.MONTH)) for amount, on in got]
    return us_apr(advances, payments, UnitPeriod.MONTH.per_year)
