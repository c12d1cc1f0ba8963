"""Writes RESULTS.md from the kept figures: aims first, then every table. What is missed is explained in misses.md."""

from pathlib import Path

from benchmarks.aims import AIMS, DIFFERENCES
from benchmarks.results import BenchResult, Figure, Results, Table

MISSES = Path(__file__).with_name("misses.md")
"""Written by people: why an aim is missed and what would change it."""


def write(results: Results, path: Path) -> None:
    path.write_text("\n".join(_document(results)) + "\n")


def _document(results: Results) -> list[str]:
    machine = results.machine
    versions = ", ".join(f"{name} {version}" for name, version in machine.versions.items())
    lines = [
        "# Results",
        "",
        "Written by `make bench` from `results.json`: change neither by hand. Every figure is the median of its rounds",
        "with the lowest and the highest. Parties took turns, all on one PostgreSQL 18 with fsync on, and the outcome",
        "of each turn was checked: nothing lost, doubled or oversold.",
        "",
        f"Machine: {machine.cores} cores of {machine.cpu}, {machine.memory_gb:g} GB, {machine.system};",
        f"callers, workers, servers and databases share it. {versions}.",
        "",
        "## Aims",
        "",
        "| bench | what | aim | then | reached | |",
        "|---|---|---|---|---|---|",
        *_aims(results),
        "",
    ]
    if MISSES.exists():
        lines += [MISSES.read_text().strip(), ""]
    for bench in results.benches.values():
        lines += _bench(bench)
    return lines


def _aims(results: Results) -> list[str]:
    rows = []
    for aim in AIMS:
        value = aim.reached(results)
        times = " ×" if aim.beside else ""
        sign = "≥ " if aim.at_least else "≤ "
        then = f"{sign}{_number(aim.then)}{times}" if aim.then is not None else ""
        reached = "not measured" if value is None else _number(value) + times
        verdict = "" if value is None else _verdict(aim.meets(value, aim.bound), value, aim.bound)
        if value is not None and aim.then is not None and aim.meets(value, aim.then):
            verdict = "both met"
        rows.append(
            f"| {aim.bench} | {aim.what} | {sign}{_number(aim.bound)}{times} | {then} | {reached} | {verdict} |"
        )
    for one in DIFFERENCES:
        value = one.reached(results)
        reached = "not measured" if value is None else _number(value)
        verdict = "" if value is None else _verdict(value <= one.bound, value, one.bound)
        rows.append(f"| {one.bench} | {one.what} | ≤ {_number(one.bound)} | | {reached} | {verdict} |")
    return rows


def _verdict(met: bool, value: float, bound: float) -> str:
    return "met" if met else f"**missed** by {abs(value - bound) / bound:.0%}"


def _bench(bench: BenchResult) -> list[str]:
    lines = [
        f"## {bench.bench}",
        "",
        f"Commit {bench.commit}, {bench.at}, load average before it {bench.load_average:g}"
        + (". **A smoke test: these figures say nothing.**" if bench.quick else "."),
        "",
    ]
    for table in bench.tables:
        lines += _table(table)
    return lines


def _table(table: Table) -> list[str]:
    names = list(dict.fromkeys(name for party in table.parties for name in party.figures))
    lines = [f"### {table.title}", "", f"{table.load}; {table.rounds} rounds.", ""]
    lines.append("| | " + " | ".join(party.party for party in table.parties) + " |")
    lines.append("|---|" + "---:|" * len(table.parties))
    for name in names:
        cells = [_figure(party.figures[name]) if name in party.figures else "" for party in table.parties]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    remarks = [f"- {party.party}: {remark}." for party in table.parties for remark in party.remarks]
    return [*lines, "", *remarks, *([""] if remarks else [])]


def _figure(figure: Figure) -> str:
    if figure.low == figure.high:
        return _number(figure.median)
    return f"{_number(figure.median)} ({_number(figure.low)}–{_number(figure.high)})"


def _number(value: float) -> str:
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:,.1f}" if abs(value) >= 10 else f"{value:,.2f}"
