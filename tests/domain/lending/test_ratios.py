from decimal import Decimal

import pytest

from domain.lending.ratios import affordability, collateral_value, dti, ltv_percent


@pytest.mark.parametrize(
    ("loan", "value", "percent"),
    [
        (94_01, 100_00, 95),
        (94_00, 100_00, 94),
        (94_009, 100_000, 94),
        (94_010, 100_000, 95),
        (1, 1_000_000, 0),
        (1, 10_000, 1),
        (12_000_000, 10_000_000, 120),
    ],
)
def test_ltv_is_cut_to_two_decimals_then_rounded_up(loan: int, value: int, percent: int) -> None:
    assert ltv_percent(loan, value) == percent


def test_a_purchase_counts_the_lower_of_price_and_appraisal() -> None:
    assert collateral_value(300_000, 280_000) == 280_000
    assert collateral_value(270_000, 280_000) == 270_000
    assert collateral_value(300_000, None) == 300_000


def test_dti_counts_the_new_payment_and_every_borrower() -> None:
    assert dti([50_000, 20_000], [300_000, 100_000], 30_000) == Decimal("25.00")
    assert dti(43_005, 100_000) == Decimal("43.00")  # half to even


def test_without_income_there_is_no_ratio() -> None:
    with pytest.raises(ValueError, match="income"):
        dti(1, 0)
    figures = affordability(obligations=[], incomes=[], payment=100)
    assert figures.dti is None
    assert figures.left_to_live_on == -100
