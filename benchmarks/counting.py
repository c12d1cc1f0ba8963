"""What a load costs: CPU time and written bytes of processes, commits and WAL of PostgreSQL, percentiles of waits."""

import contextlib
import math
import os
import statistics
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg

TICKS = os.sysconf("SC_CLK_TCK")


def family(pid: int) -> set[int]:
    """A process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found, left = set(), [pid]
    while left:
        one = left.pop()
        found.add(one)
        left += children.get(one, [])
    return found


def cpu_seconds(pid: int) -> float:
    """CPU time that a process and its descendants have used, those that have ended and were reaped included."""
    used = 0.0
    for one in family(pid):
        if fields := _stat(one):
            used += sum(int(field) for field in fields[11:15]) / TICKS
    return used


def written_bytes(pid: int) -> int:
    """Bytes that a process and its living descendants have sent to the disk; zero where that may not be read."""
    total = 0
    for one in family(pid):
        try:
            lines = Path(f"/proc/{one}/io").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("write_bytes:"))
    return total


def resident_bytes(pid: int) -> int:
    """Memory that a process and its descendants hold."""
    page = os.sysconf("SC_PAGE_SIZE")
    total = 0
    for one in family(pid):
        try:
            total += int(Path(f"/proc/{one}/statm").read_text().split()[1]) * page
        except OSError:
            continue
    return total


def peak_bytes(pid: int, *, alone: bool = False) -> int:
    """The most memory that a process has held, and each of its descendants, unless it is meant `alone`."""
    total = 0
    for one in {pid} if alone else family(pid):
        try:
            lines = Path(f"/proc/{one}/status").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
    return total


def forget_peak(pid: int) -> None:
    """Count the most that a process has held from now on; where that may not be, it goes on from its start."""
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/clear_refs").write_text("5")


def _stat(pid: int) -> list[str]:
    """The fields of /proc/<pid>/stat after the name, which may hold spaces; none when the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


@dataclass(frozen=True)
class Written:
    """What a PostgreSQL server has written: transactions that changed something, and bytes of its log."""

    commits: int
    wal: int

    def since(self, before: "Written") -> "Written":
        return Written(self.commits - before.commits, self.wal - before.wal)


def written(dsn: str) -> Written:
    """Read now. Only transactions that write are counted, for they alone wait for the disk.

    Their ids are used for it: `pg_stat_database.xact_commit` counts reads too, and a busy session tells it only once a
    second, an idle one after ten.
    """
    with psycopg.connect(dsn, autocommit=True) as connection:
        row = connection.execute(
            "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint, pg_current_wal_insert_lsn() - '0/0'::pg_lsn"
        ).fetchone()
    assert row is not None
    return Written(int(row[0]), int(row[1]))


@dataclass
class Meter:
    """Counts over a block: `processes` by role, `databases` by name with their addresses."""

    processes: Mapping[str, Iterable[int]] = field(default_factory=dict)
    databases: Mapping[str, str] = field(default_factory=dict)
    own: str = "caller"
    """What this process is called, without those that it started."""
    seconds: float = 0.0
    cpu: dict[str, float] = field(default_factory=dict)
    disk: dict[str, float] = field(default_factory=dict)
    pg: dict[str, Written] = field(default_factory=dict)

    def __enter__(self) -> Self:
        self._pids = {role: list(pids) for role, pids in self.processes.items()}
        self._before = self._read()
        self._began = time.perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.seconds = time.perf_counter() - self._began
        cpu, disk, pg = self._read()
        for role in cpu:
            self.cpu[role] = cpu[role] - self._before[0][role]
            self.disk[role] = disk.get(role, 0.0) - self._before[1].get(role, 0.0)
        self.pg = {name: pg[name].since(self._before[2][name]) for name in pg}

    def _read(self) -> tuple[dict[str, float], dict[str, float], dict[str, Written]]:
        cpu = {role: sum(cpu_seconds(pid) for pid in pids) for role, pids in self._pids.items()}
        cpu[self.own] = time.process_time()
        disk = {role: float(sum(written_bytes(pid) for pid in pids)) for role, pids in self._pids.items()}
        return cpu, disk, {name: written(dsn) for name, dsn in self.databases.items()}

    def per(self, orders: int) -> dict[str, float]:
        """What one order cost."""
        costs = {f"{role} CPU ms": seconds * 1000 / orders for role, seconds in self.cpu.items()}
        for name, wrote in self.pg.items():
            costs[f"{name} commits"] = wrote.commits / orders
            costs[f"{name} WAL kB"] = wrote.wal / 1000 / orders
        if disk := self.disk.get("server"):
            costs["server written kB"] = disk / 1000 / orders
        return costs


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of all lie (nearest rank)."""
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered) - 1e-9) - 1)]


def waits(seconds: Sequence[float], what: str = "") -> dict[str, float]:
    """p50 and p99 in milliseconds, under names that say of what."""
    prefix = f"{what} " if what else ""
    return {f"{prefix}p50 ms": percentile(seconds, 0.5) * 1000, f"{prefix}p99 ms": percentile(seconds, 0.99) * 1000}


def middle(values: Sequence[float]) -> float:
    return statistics.median(values)
