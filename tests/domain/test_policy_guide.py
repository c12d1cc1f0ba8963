"""What the guide to the returns policy says is what the policy does, to the minute and to the cent."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from domain.ids import LineId
from domain.intake import TenderType
from domain.payments import TenderId
from domain.refunds import PaidLine, PaidTender, RefundRequest, split_refund
from domain.returns.policy import ReturnTerms, window_ends

GUIDE = (Path(__file__).parents[2] / "docs/how-to/return-policy.md").read_text()
BERLIN = ZoneInfo("Europe/Berlin")
COLLECTED = datetime(2026, 10, 2, 17, 30, tzinfo=BERLIN).astimezone(UTC)


def test_the_guide_names_every_term() -> None:
    named = {line.split("`")[1] for line in GUIDE.splitlines() if line.startswith("| `")}
    assert set(ReturnTerms.model_fields) <= named


@pytest.mark.parametrize(
    ("terms", "holidays", "ends"),
    [
        ({"window": timedelta(days=30)}, [], datetime(2026, 11, 1, 23, tzinfo=UTC)),
        ({"business_days": 5}, [], datetime(2026, 10, 9, 22, tzinfo=UTC)),
        ({"business_days": 5}, [date(2026, 10, 5)], datetime(2026, 10, 12, 22, tzinfo=UTC)),
        ({"window": timedelta(hours=2)}, [], datetime(2026, 10, 2, 17, 30, tzinfo=UTC)),
    ],
)
def test_windows_end_as_the_guide_says(terms: dict[str, object], holidays: list[date], ends: datetime) -> None:
    policy = ReturnTerms.model_validate(terms)
    assert window_ends(policy, COLLECTED, "Europe/Berlin", frozenset(holidays)) == ends


@pytest.mark.parametrize(
    ("terms", "fault", "units", "refund", "said"),
    [
        ({}, False, 1, 4999, "| none, `wrong_size` | 1 | 49.99 |"),
        ({"fee": 499}, False, 1, 4500, "| 1 | 45.00 |"),
        ({"fee": 499}, True, 1, 4999, "| 1 | 49.99: a fault costs nothing |"),
        ({"fee": 499, "restocking_percent": 10}, False, 2, 8500, "= 85.00 |"),
        ({"restocking_percent": 100}, False, 2, 0, "| 2 | 0.00: never less than nothing |"),
    ],
)
def test_refunds_come_to_what_the_guide_says(
    terms: dict[str, object], fault: bool, units: int, refund: int, said: str
) -> None:
    line = PaidLine(line_id=LineId("1"), units=2, paid=9998, unit_price=4999)
    card = PaidTender(tender_id=TenderId("t1"), type=TenderType.CARD, captured=9998)
    policy = ReturnTerms.model_validate(terms).refund_policy(fault=fault)
    split = split_refund([line], [card], RefundRequest(lines={LineId("1"): units}), policy)
    assert split.refund == refund
    assert said in GUIDE


def test_a_fee_is_taken_once_for_a_return_in_two_parcels() -> None:
    policy = ReturnTerms(fee=499).refund_policy(fault=False)
    first = PaidLine(line_id=LineId("1"), units=2, paid=9998, unit_price=4999)
    one = RefundRequest(lines={LineId("1"): 1})
    second = RefundRequest(lines={LineId("1"): 1}, fee_charged_before=True)
    again = first.model_copy(update={"returned": 1})
    assert [split_refund([first], [], one, policy).refund, split_refund([again], [], second, policy).refund] == [
        4500,
        4999,
    ]
