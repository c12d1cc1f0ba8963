"""A loan that is paid out in parts: how much each of them is, and when it is thought to leave."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from domain.lending.months import monthly
from domain.lending.parts import Tranche, TrancheState
from domain.lending.products import ProductDefinition
from domain.lending.schedule import Advance, Instalment, drawn_schedule
from domain.lending.terms import LoanTerms


def tranches_of(product: ProductDefinition, terms: LoanTerms) -> list[Tranche]:
    """The parts of a principal. The charge that is kept back is kept back of the first one."""
    found, left = [], terms.principal
    for n, rule in enumerate(product.tranches, start=1):
        amount = left if n == len(product.tranches) else terms.principal * rule.percent // 100
        left -= amount
        found.append(
            Tranche(
                n=n,
                name=rule.name,
                title=rule.title,
                amount=amount,
                prepaid=terms.prepaid if n == 1 else 0,
                needs_release=rule.released,
            )
        )
    return found


def planned_advances(product: ProductDefinition, terms: LoanTerms, start: date) -> list[Advance]:
    """When each part leaves if everybody is in time; none for a loan in one sum."""
    return [
        Advance(on=start + timedelta(days=rule.after_days), amount=part.amount)
        for part, rule in zip(tranches_of(product, terms), product.tranches, strict=True)
    ]


def schedule_now(
    product: ProductDefinition, terms: LoanTerms, tranches: Sequence[Tranche], today: date
) -> list[Instalment]:
    """What is due of what was drawn when it was drawn, and of what is still to come as it is planned.

    Nothing of what has lapsed: of the rest, equal parts are due from now on.
    """
    start = next((each.drawn_on for each in tranches if each.drawn_on), None) or today
    moves = []
    for part, rule in zip(tranches, product.tranches, strict=True):
        if part.drawn_on is not None:
            moves.append(Advance(on=part.drawn_on, amount=part.amount))
        elif part.state is not TrancheState.LAPSED:
            moves.append(Advance(on=max(today, start + timedelta(days=rule.after_days)), amount=part.amount))
    ended = any(each.state is TrancheState.LAPSED for each in tranches)
    return drawn_schedule(
        moves,
        terms.annual_rate,
        monthly(start, terms.term_months),
        terms.day_count,
        drawn_until=today if ended else None,
    )


def begin(product: ProductDefinition, tranches: Sequence[Tranche], paid_at: datetime, day: timedelta) -> datetime:
    """The first part was paid: from now on the others have their times; until when there is anything to draw."""
    for part, rule in zip(tranches[1:], product.tranches[1:], strict=True):
        part.after = paid_at + day * rule.after_days
    return paid_at + day * product.drawing_days
