"""What goes back for a large order: every cent over 500 lines and four tenders, beside rounding line by line."""

import time
from collections.abc import Callable

from benchmarks.counting import percentile
from benchmarks.results import Figures, Table
from benchmarks.run import Run
from benchmarks.turns import Turn, in_turns, must
from domain.ids import LineId
from domain.intake import TenderType
from domain.payments import TenderId
from domain.refunds import (
    PaidLine,
    PaidTender,
    RefundPolicy,
    RefundRequest,
    ShippingRule,
    TenderRule,
    split_refund,
)

LINES, TENDERS, UNITS = 500, 4, 7
TIMES = 200
EXACT, NAIVE = "throughline", "each line rounded for itself, in floats"
REMARKS = {
    EXACT: "each unit's own share of price, discount, tax and shipping; four tenders within their ceilings",
    NAIVE: "the worth of the units that came back, as a share of their line; no discount, tax or shipping",
}


async def run(options: Run) -> list[Table]:
    times = options.sized(TIMES, quick=3)
    lines = [_line(number) for number in range(LINES)]
    paid = sum(line.paid + line.shipping for line in lines)
    tenders = [_tender(number, paid) for number in range(TENDERS)]
    turns: dict[str, Turn] = {
        EXACT: _turn(times, lambda: _exact(lines, tenders)),
        NAIVE: _turn(times, lambda: _naive(lines)),
    }
    load = f"half of the units of {LINES} lines of {UNITS} come back, then the rest; {TENDERS} tenders; {times} times"
    return [await in_turns("refund split", load, turns, rounds=options.rounds, remarks=REMARKS)]


def _turn(times: int, split: Callable[[], int]) -> Turn:
    async def turn() -> Figures:
        seconds, off = [], 0
        for _ in range(times):
            began = time.perf_counter()
            off = split()
            seconds.append((time.perf_counter() - began) / 2)
        return {"p50 ms": percentile(seconds, 0.5) * 1000, "p99 ms": percentile(seconds, 0.99) * 1000, "cents off": off}

    return turn


def _exact(lines: list[PaidLine], tenders: list[PaidTender]) -> int:
    """Both halves; by how many cents they differ from the whole: none."""
    policy = RefundPolicy(tenders=TenderRule.PRO_RATA, shipping=ShippingRule.PRO_RATA)
    total = 0
    for units in (UNITS // 2, UNITS - UNITS // 2):
        request = RefundRequest(lines={line.line_id: units for line in lines})
        split = split_refund(lines, tenders, request, policy)
        must(split.refund == sum(share.amount for share in split.by_tender), "the tenders do not add up to the refund")
        total += split.refund
        given = {share.tender_id: share.amount for share in split.by_tender}
        back = {share.line_id: share.shipping for share in split.by_line}
        lines = [
            line.model_copy(
                update={
                    "returned": line.returned + units,
                    "shipping_back": line.shipping_back + back.get(line.line_id, 0),
                }
            )
            for line in lines
        ]
        tenders = [
            tender.model_copy(update={"refunded": tender.refunded + given.get(tender.tender_id, 0)})
            for tender in tenders
        ]
    off = abs(total - sum(line.paid + line.shipping for line in lines))
    must(off == 0, f"{off} cents are off")
    return off


def _naive(lines: list[PaidLine]) -> int:
    total = sum(round(line.paid / line.units * units) for line in lines for units in (UNITS // 2, UNITS - UNITS // 2))
    return abs(total - sum(line.paid for line in lines))


def _line(number: int) -> PaidLine:
    paid = 1000 + 37 * number
    return PaidLine(
        line_id=LineId(str(number)),
        units=UNITS,
        paid=paid,
        tax=paid * 19 // 119,
        discount=number % 13,
        shipping=number % 5,
        unit_price=paid // UNITS + 1,
    )


def _tender(number: int, paid: int) -> PaidTender:
    share = paid // TENDERS + (paid % TENDERS if number == 0 else 0)
    return PaidTender(tender_id=TenderId(f"t{number}"), type=TenderType.CARD, captured=share)
