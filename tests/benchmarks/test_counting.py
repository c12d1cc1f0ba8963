"""What benches count, and how they compare."""

import os
import subprocess
import sys

import pytest

from benchmarks.counting import (
    Meter,
    cpu_seconds,
    family,
    forget_peak,
    peak_bytes,
    percentile,
    resident_bytes,
    waits,
    written,
)
from tests.conftest import NewDatabase


def test_a_percentile_is_a_value_that_was_measured() -> None:
    values = [float(number) for number in range(1, 101)]
    assert percentile(values, 0.5) == 50
    assert percentile(values, 0.99) == 99
    assert percentile([7.0], 0.99) == 7
    assert waits([0.010, 0.020, 0.030], "placing") == pytest.approx({"placing p50 ms": 20, "placing p99 ms": 30})


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_what_a_child_used_counts_for_its_parent() -> None:
    busy = "import time\nends = time.process_time() + 0.3\nwhile time.process_time() < ends: pass\ninput()"
    with subprocess.Popen([sys.executable, "-c", busy], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        before = cpu_seconds(child.pid)
        assert child.pid in family(os.getpid())
        assert resident_bytes(child.pid) > 1_000_000
        while cpu_seconds(child.pid) < before + 0.2:
            assert child.poll() is None
        child.communicate(b"\n")
    assert child.returncode == 0


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_most_memory_is_remembered_until_it_is_forgotten() -> None:
    grows = "held = bytearray(64_000_000)\ndel held\nprint('let go', flush=True)\ninput()"
    with subprocess.Popen([sys.executable, "-c", grows], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        assert peak_bytes(child.pid) > 64_000_000 > resident_bytes(child.pid)
        forget_peak(child.pid)
        assert peak_bytes(child.pid) < 64_000_000
        child.communicate(b"\n")
    assert peak_bytes(child.pid) == 0


async def test_only_transactions_that_write_are_counted(new_database: NewDatabase) -> None:
    import psycopg

    dsn = (await new_database("counted")).replace("postgresql+psycopg", "postgresql")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (n int)")
        before = written(dsn)
        for number in range(5):
            connection.execute("INSERT INTO kept VALUES (%s)", [number])
        connection.execute("SELECT count(*) FROM kept")
        wrote = written(dsn).since(before)
        assert wrote.commits == 5
        assert wrote.wal > 0
        with Meter({}, {"books": dsn}, own="me") as meter:
            connection.execute("INSERT INTO kept VALUES (6)")
        assert meter.per(1)["books commits"] == 1
        assert meter.per(1)["me CPU ms"] >= 0
