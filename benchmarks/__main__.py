"""`python -m benchmarks [bench …] [--quick]`: run benches, keep their figures, write the report and draw the chart."""

import argparse
import importlib
import os
import sys
import time
from pathlib import Path

from benchmarks import chart, looping, report, results
from benchmarks.run import Run
from benchmarks.shown import say

BENCHES = (
    "hot_sku",
    "many_lines",
    "availability",
    "order_flow",
    "placing",
    "cost",
    "worker_killed",
    "waiting_orders",
    "replay",
    "sourcing",
    "brokering",
    "placing_beside_brokering",
    "mixed_load",
    "open_orders",
    "loan_maths",
    "applications",
    "refund_split",
    "reconciliation",
    "returns",
)


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("benches", nargs="*", metavar="bench", help=f"of {', '.join(BENCHES)}; all by default")
    parser.add_argument("--quick", action="store_true", help="a smoke test with the smallest sizes; keeps no figures")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each party (3)")
    parser.add_argument("--scale", type=float, default=1.0, help="a share of the usual sizes, to try a bench out")
    parser.add_argument("--embedded-only", action="store_true", help="leave out Temporal on PostgreSQL")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="keep figures in this JSON file, not in results.json")
    parser.add_argument("--report", action="store_true", help="only write report and chart from the kept figures")
    chosen = parser.parse_args()
    chosen.benches = [name for each in chosen.benches for name in each.replace(",", " ").split()]
    if unknown := sorted(set(chosen.benches) - set(BENCHES)):
        parser.error(f"no such bench: {', '.join(unknown)}; there are {', '.join(BENCHES)}")
    return chosen


def main() -> int:
    chosen = options()
    path: Path = chosen.keep or results.JSON
    run = Run(
        rounds=1 if chosen.quick else chosen.rounds,
        quick=chosen.quick,
        scale=chosen.scale,
        durable=not chosen.embedded_only,
    )
    failed = []
    for name in [] if chosen.report else chosen.benches or BENCHES:
        say(f"{name} …")
        load, began = os.getloadavg()[0], time.monotonic()
        try:
            tables = looping.run(importlib.import_module(f"benchmarks.benches.{name}").run(run))
        except Exception as error:
            if chosen.quick:
                raise
            failed.append(name)
            say(f"{name} FAILED: {type(error).__name__}: {error}")
            continue
        say(f"{name}: {time.monotonic() - began:.0f} s")
        if not chosen.quick or chosen.keep:
            results.keep(results.bench_result(name, tables, quick=run.quick, load_average=round(load, 2)), path)
    kept = results.read(path) or results.Results(machine=results.machine())
    if not chosen.quick or chosen.keep:
        report.write(kept, path.with_name("RESULTS.md") if chosen.keep is None else path.with_suffix(".md"))
        if chosen.keep is None:
            chart.write(kept)
        say("the report is written")
    if failed:
        say(f"failed: {', '.join(failed)}; their earlier figures, if any, stand")
    return 1 if failed else 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # The SDK's threads may abort the interpreter on its way out, after all work is done: end here.
    os._exit(code)
