"""Without an order: all or nothing, within what a person may bring back, at the lowest recent price."""

from typing import Any

import pytest

from domain.ids import Sku
from domain.returns.blind import BlindLine, WhyNot, decide_blind
from domain.returns.policy import BlindReturns
from domain.returns.words import ItemCondition, ReturnDisposition

SHOE, HAT = Sku("SHOE"), Sku("HAT")
PRICES = {SHOE: 4000, HAT: 1000}


def line(sku: Sku = SHOE, quantity: int = 1) -> BlindLine:
    return BlindLine(sku=sku, quantity=quantity, condition=ItemCondition.NEW, disposition=ReturnDisposition.RESTOCK)


def test_each_unit_brings_the_lowest_recent_price():
    decision = decide_blind([line(), line(HAT, 2)], PRICES, 0, BlindReturns())
    assert (decision.refused, decision.refund) == (None, 6000)
    assert [each.amount for each in decision.lines] == [4000, 2000]


@pytest.mark.parametrize(
    ("before", "refused"), [(0, None), (2000, None), (2001, WhyNot.BEYOND_LIMIT), (99_999, WhyNot.BEYOND_LIMIT)]
)
def test_a_person_may_bring_back_so_much_and_no_more(before: int, refused: WhyNot | None):
    decision = decide_blind([line(quantity=2)], PRICES, before, BlindReturns(limit=10_000))
    assert decision.refused is refused
    assert decision.left == max(0, 10_000 - before)


@pytest.mark.parametrize(
    ("lines", "policy", "refused"),
    [
        ([line()], {"allowed": False}, WhyNot.NOT_OFFERED),
        ([line(), line(Sku("NEVER"))], {}, WhyNot.NO_PRICE),
    ],
)
def test_it_is_all_or_nothing(lines: list[BlindLine], policy: dict[str, Any], refused: WhyNot):
    assert decide_blind(lines, PRICES, 0, BlindReturns(**policy)).refused is refused
