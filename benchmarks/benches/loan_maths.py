"""Rates and schedules of a thirty-year loan, exact in decimals, beside what a spreadsheet does in floats."""

import time
from collections.abc import Callable
from datetime import date
from decimal import Decimal

from benchmarks.results import Figures, Table
from benchmarks.run import Run
from benchmarks.turns import Turn, in_turns, must
from domain.lending.apr import us_apr
from domain.lending.months import monthly
from domain.lending.schedule import DayCount, level_schedule

PAYMENTS = 360
RATES, SCHEDULES = 200, 100
EXACT, SHEET = "throughline", "a spreadsheet's way, in floats"
REMARKS = {
    EXACT: "34 digits; the general equation, any advances, odd periods and payments; cents in every instalment",
    SHEET: "RATE and PMT as spreadsheets solve them: Newton's steps on equal payments, and nothing rounded",
}
PRINCIPAL, PAYMENT = 20_000_000, 126_414
CLOSE = 1e-6
"""Percentage points."""


async def run(options: Run) -> list[Table]:
    rates, schedules = options.sized(RATES, quick=2), options.sized(SCHEDULES, quick=2)
    title = f"rates and schedules, {PAYMENTS} payments"
    turns: dict[str, Turn] = {
        EXACT: _turn(rates, schedules, _exact_rate, _exact_schedule),
        SHEET: _turn(rates, schedules, _sheet_rate, _sheet_schedule),
    }
    load = f"{rates} rates and {schedules} schedules, one after the other"
    return [await in_turns(title, load, turns, rounds=options.rounds, remarks=REMARKS)]


def _turn(rates: int, schedules: int, rate: Callable[[int], float], schedule: Callable[[int], float]) -> Turn:
    async def turn() -> Figures:
        began = time.perf_counter()
        found = [rate(n) for n in range(rates)]
        solved = time.perf_counter() - began
        began = time.perf_counter()
        totals = [schedule(n) for n in range(schedules)]
        laid_out = time.perf_counter() - began
        must(all(abs(each - _sheet_rate(n)) < CLOSE for n, each in enumerate(found)), "the rates differ")
        must(all(abs(each - PRINCIPAL) < 1 for each in totals), "the principal does not sum to the advance")
        return {"rates/s": rates / solved, "schedules/s": schedules / laid_out}

    return turn


def _exact_rate(n: int) -> float:
    payments = [(PAYMENT + n, each, 0) for each in range(1, PAYMENTS + 1)]
    return float(us_apr([(PRINCIPAL, 0, 0)], payments, 12))


def _exact_schedule(n: int) -> float:
    dates = monthly(date(2026, 1, 31), PAYMENTS)
    found = level_schedule(PRINCIPAL, Decimal(6) + Decimal(n) / 100, dates, DayCount.THIRTY_360)
    return float(sum(each.principal for each in found))


def _sheet_rate(n: int) -> float:
    payment, rate = PAYMENT + n, 0.005
    for _ in range(100):
        factor = (1 + rate) ** -PAYMENTS
        value = payment * (1 - factor) / rate - PRINCIPAL
        slope = payment * (PAYMENTS * factor / (1 + rate) / rate - (1 - factor) / rate**2)
        step = value / slope
        rate -= step
        if abs(step) < 1e-14:
            break
    return rate * 1200


def _sheet_schedule(n: int) -> float:
    rate = (6 + n / 100) / 1200
    payment = PRINCIPAL * rate / (1 - (1 + rate) ** -PAYMENTS)
    balance, repaid = float(PRINCIPAL), 0.0
    for _ in range(PAYMENTS):
        part = payment - balance * rate
        balance -= part
        repaid += part
    return repaid
