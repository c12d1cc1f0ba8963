"""What an applicant can carry: debt against income, loan against value."""

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal

from pydantic import BaseModel, ConfigDict

from domain.lending.rates import exact


def ltv_percent(loan: int, value: int) -> int:
    """Loan to value as the secondary market rounds it: cut off after two decimals, then up to a whole percent.

    94.01 becomes 95, and so 94.009 stays 94. `value` is the lower of price and appraisal for a purchase, the appraisal
    for a refinance. Raises `ValueError` when there is no value or no loan.
    """
    if value <= 0 or loan < 0:
        raise ValueError("loan to value needs a loan and a positive value")
    hundredths = loan * 10_000 // value
    return -(-hundredths // 100)


def collateral_value(appraisal: int, price: int | None) -> int:
    """What a loan is measured against: a purchase (`price` given) by the lower one, a refinance by the appraisal."""
    return appraisal if price is None else min(price, appraisal)


def dti(obligations: int | Sequence[int], income: int | Sequence[int], new_payment: int = 0) -> Decimal:
    """Debt to income in percent, two decimals, half to even.

    Monthly `obligations` with the `new_payment` over the qualifying monthly income of all borrowers. Raises
    `ValueError` when there is no income.
    """
    owed = (obligations if isinstance(obligations, int) else sum(obligations)) + new_payment
    earned = income if isinstance(income, int) else sum(income)
    if earned <= 0:
        raise ValueError("debt to income needs an income")
    with exact():
        return (Decimal(owed) * 100 / Decimal(earned)).quantize(Decimal("0.01"), rounding=ROUND_HALF_EVEN)


class Affordability(BaseModel):
    """The figures of one request, kept with the decision that used them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    monthly_payment: int
    monthly_obligations: int
    monthly_income: int
    dti: Decimal | None
    """None: there is no income that counts."""
    ltv: int | None = None
    left_to_live_on: int


def affordability(
    *, obligations: Sequence[int], incomes: Sequence[int], payment: int, loan: int = 0, value: int | None = None
) -> Affordability:
    income, owed = sum(incomes), sum(obligations)
    return Affordability(
        monthly_payment=payment,
        monthly_obligations=owed,
        monthly_income=income,
        dti=dti(owed, income, payment) if income > 0 else None,
        ltv=ltv_percent(loan, value) if value else None,
        left_to_live_on=income - owed - payment,
    )
