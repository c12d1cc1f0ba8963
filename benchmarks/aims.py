"""What the figures should be. Each aim is a figure of one party, or a ratio of two parties' figures, and a bound."""

from dataclasses import dataclass

from benchmarks.flow.parties import DBOS, DBOS_SHORT, ON_POSTGRES, PLAIN, THROUGHLINE
from benchmarks.results import Results


@dataclass(frozen=True)
class Aim:
    bench: str
    what: str
    table: str
    party: str
    figure: str
    bound: float
    then: float | None = None
    """The bound after the first one."""
    beside: tuple[str, ...] = ()
    """Divide by the best of these parties."""
    at_least: bool = True

    def reached(self, results: Results) -> float | None:
        """The value; None when it was not measured."""
        bench = results.benches.get(self.bench)
        tables = [table for table in bench.tables if table.title == self.table] if bench else []
        if not tables or (ours := tables[0].median(self.party, self.figure)) is None:
            return None
        if not self.beside:
            return ours
        others = [other for party in self.beside if (other := tables[0].median(party, self.figure)) is not None]
        if not others or not (best := max(others) if self.at_least else min(others)):
            return None
        return ours / best

    def meets(self, value: float, bound: float) -> bool:
        return value >= bound if self.at_least else value <= bound


SHORT, WHOLE = "place → collect", "all five commands"
OURS_PG, PLAIN_PG = THROUGHLINE + ON_POSTGRES, PLAIN + ON_POSTGRES
HOT, MERGED = "hot SKU, 64 in flight", "throughline, merged"
ONE, LOCKING = ("one conditional statement",), ("SELECT FOR UPDATE",)
DBOS_BOTH = (DBOS, DBOS_SHORT)
CORE, DECISION, RUN = "throughline, the core", "throughline, the whole decision", "throughline, together"
SOLVER = ("HiGHS",)
QUIET, DURING, DURING_APART = ("quiet",), "beside a run", "beside a run in a worker of its own"
LEVEL, SUMMED = "throughline, the kept level", ("sum over the ledger",)

AIMS = (
    Aim("order_flow", "orders/s beside DBOS", SHORT, THROUGHLINE, "orders/s", 1.0, 1.5, DBOS_BOTH),
    Aim(
        "order_flow",
        "orders/s beside DBOS, both durable in PostgreSQL",
        SHORT,
        OURS_PG,
        "orders/s",
        1.0,
        1.5,
        DBOS_BOTH,
    ),
    Aim("order_flow", "orders/s beside a plain workflow", SHORT, THROUGHLINE, "orders/s", 1.7, 2.4, (PLAIN,)),
    Aim("order_flow", "the same, Temporal on PostgreSQL", SHORT, OURS_PG, "orders/s", 1.7, 2.4, (PLAIN_PG,)),
    Aim("order_flow", "orders an hour", SHORT, THROUGHLINE, "orders/h", 60_000, 100_000),
    Aim("order_flow", "orders an hour, Temporal on PostgreSQL", SHORT, OURS_PG, "orders/h", 60_000, 100_000),
    Aim("placing", "placing alone, p50 ms", "placing", THROUGHLINE, "alone p50 ms", 50, 35, at_least=False),
    Aim("placing", "the same, Temporal on PostgreSQL", "placing", OURS_PG, "alone p50 ms", 50, 35, at_least=False),
    Aim("cost", "history events, place → collect", SHORT, OURS_PG, "events", 32, 22, at_least=False),
    Aim("cost", "workflow tasks, place → collect", SHORT, OURS_PG, "workflow tasks", 4, 2, at_least=False),
    Aim(
        "cost",
        "commits, ours and Temporal's, place → collect",
        SHORT,
        OURS_PG,
        "commits in all",
        51,
        28,
        at_least=False,
    ),
    Aim("cost", "history events, all five commands", WHOLE, OURS_PG, "events", 59, 49, at_least=False),
    Aim("cost", "workflow tasks, all five commands", WHOLE, OURS_PG, "workflow tasks", 7, 5, at_least=False),
    Aim("cost", "commits, all five commands", WHOLE, OURS_PG, "commits in all", 74, at_least=False),
    Aim("hot_sku", "reservations/s at 64 in flight", HOT, MERGED, "reservations/s", 15_000),
    Aim("hot_sku", "beside SELECT FOR UPDATE", HOT, MERGED, "reservations/s", 30, beside=LOCKING),
    Aim("hot_sku", "beside one conditional statement", HOT, MERGED, "reservations/s", 8, beside=ONE),
    Aim("hot_sku", "p99 ms at 64 in flight", HOT, MERGED, "p99 ms", 10, at_least=False),
    Aim(
        "many_lines",
        "orders/s beside one conditional statement a line",
        "many lines",
        MERGED,
        "orders/s",
        8,
        beside=("one conditional statement a line",),
    ),
    Aim("many_lines", "expiry late, p99 ms", "many lines", MERGED, "expiry late p99 ms", 1000, at_least=False),
    Aim(
        "availability",
        "reads/s beside a sum over the ledger",
        "availability, 100,000 open reservations",
        LEVEL,
        "reads/s",
        100,
        beside=SUMMED,
    ),
    Aim(
        "waiting_orders",
        "idle worker CPU %",
        "waiting orders",
        "10,000 waiting",
        "idle worker CPU %",
        2,
        at_least=False,
    ),
    Aim(
        "waiting_orders",
        "resuming one, ms",
        "waiting orders",
        "10,000 waiting",
        "resuming one p50 ms",
        60,
        at_least=False,
    ),
    Aim("replay", "orders/s beside a plain workflow", "replay", THROUGHLINE, "orders/s", 3, beside=(PLAIN,)),
    Aim("sourcing", "3 lines, orders/s beside HiGHS", "sourcing, 3 lines", CORE, "orders/s", 300, beside=SOLVER),
    Aim("sourcing", "5 lines, orders/s beside HiGHS", "sourcing, 5 lines", CORE, "orders/s", 300, beside=SOLVER),
    Aim("sourcing", "5 lines, the core, p50 ms", "sourcing, 5 lines", CORE, "p50 ms", 0.5, at_least=False),
    Aim("sourcing", "5 lines, the whole, p99 ms", "sourcing, 5 lines", DECISION, "p99 ms", 20, at_least=False),
    Aim(
        "sourcing",
        "5 lines, cost beside the optimum",
        "sourcing, 5 lines",
        DECISION,
        "cost beside HiGHS",
        1.000001,
        at_least=False,
    ),
    Aim(
        "sourcing",
        "50 lines, cost beside HiGHS",
        "sourcing, 50 lines",
        DECISION,
        "cost beside HiGHS",
        1.02,
        at_least=False,
    ),
    Aim("brokering", "parts and cost beside HiGHS", "brokering", RUN, "weighted", 1.02, beside=SOLVER, at_least=False),
    Aim("brokering", "runs/s beside HiGHS", "brokering", RUN, "runs/s", 20, beside=SOLVER),
    Aim(
        "brokering",
        "splits beside one order at a time",
        "brokering",
        RUN,
        "splits",
        0.7,
        beside=("throughline, one at a time",),
        at_least=False,
    ),
    Aim(
        "placing_beside_brokering",
        "placing, p95 ms, beside quiet",
        "placing beside brokering",
        DURING,
        "p95 ms",
        1.1,
        beside=QUIET,
        at_least=False,
    ),
    Aim(
        "placing_beside_brokering",
        "the same, brokering in a worker of its own",
        "placing beside brokering",
        DURING_APART,
        "p95 ms",
        1.1,
        beside=QUIET,
        at_least=False,
    ),
)


@dataclass(frozen=True)
class Difference:
    """Two parties of one table, where the aim bounds what one has more than the other."""

    bench: str
    what: str
    table: str
    party: str
    less: str
    figure: str
    bound: float

    def reached(self, results: Results) -> float | None:
        bench = results.benches.get(self.bench)
        for table in bench.tables if bench else []:
            ours, theirs = table.median(self.party, self.figure), table.median(self.less, self.figure)
            if table.title == self.table and ours is not None and theirs is not None:
                return ours - theirs
        return None


DIFFERENCES = (
    Difference(
        "worker_killed",
        "seconds more when a worker is killed",
        "worker killed",
        "one of two workers killed",
        "undisturbed",
        "seconds",
        5,
    ),
    Difference(
        "worker_killed",
        "the same, Temporal on PostgreSQL",
        "worker killed",
        "one of two workers killed" + ON_POSTGRES,
        "undisturbed" + ON_POSTGRES,
        "seconds",
        5,
    ),
    Difference(
        "waiting_orders",
        "worker memory that 10,000 waiting orders add, MB (flat: up to a cache of 1,000)",
        "waiting orders",
        "10,000 waiting",
        "none waiting",
        "worker memory MB",
        100,
    ),
)
