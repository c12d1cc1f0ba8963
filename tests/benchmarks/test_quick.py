"""Every bench runs from one end to the other on the smallest sizes, and checks what came of it."""

import importlib
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.__main__ import BENCHES
from benchmarks.database import database
from benchmarks.load import closed_loop
from benchmarks.stock.reservers import one_statement
from benchmarks.stock.shelf import Shelf
from benchmarks.turns import OutcomeWrong, in_turns

ROOT = Path(__file__).parent.parent.parent
WITH_PEERS = ("order_flow", "placing", "cost")
"""Run where `make bench` has installed their peers' packages; the others need none."""
PEERS = all(importlib.util.find_spec(name) for name in ("dbos", "restate", "hypercorn"))

pytestmark = [pytest.mark.stack, pytest.mark.slow]


@pytest.mark.parametrize("bench", BENCHES)
def test_a_bench_runs_on_the_smallest_sizes(bench: str) -> None:
    if bench in WITH_PEERS and not PEERS:
        pytest.skip("its peers are installed by `make bench`")
    command = [sys.executable, "-P", "-m", "benchmarks", bench, "--quick", "--embedded-only"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    assert "round 1 of 1" in done.stderr


async def test_an_oversold_shelf_is_found(tmp_path: Path) -> None:
    async with database(tmp_path) as db, one_statement(db.dsn) as party:
        shelf = Shelf(db.dsn)
        await shelf.stock({shelf.sku(): 3})

        async def ask(number: int) -> None:
            await party.reserve(shelf.wish(number, {shelf.sku(): 1}))

        await closed_loop(range(5), 5, ask)
        await shelf.check(3)
        with pytest.raises(OutcomeWrong, match="4 reservations were answered, 3 are there"):
            await shelf.check(4)


async def test_parties_take_turns() -> None:
    order: list[str] = []

    def party(name: str):  # type: ignore[no-untyped-def]
        async def turn() -> dict[str, float]:
            order.append(name)
            return {"orders/s": float(len(order))}

        return turn

    table = await in_turns("turns", "none", {"a": party("a"), "b": party("b")}, rounds=3)
    assert order == ["a", "b"] * 3
    assert table.median("a", "orders/s") == 3
    assert table.median("b", "orders/s") == 4
