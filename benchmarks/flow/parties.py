"""The parties of the order flow, by the names that reports use."""

from collections.abc import Callable

from benchmarks.flow import temporal
from benchmarks.flow.party import OpenParty
from benchmarks.run import Run

THROUGHLINE = "throughline"
PLAIN = "plain Temporal workflow"
DBOS = "DBOS, one workflow an order"
DBOS_SHORT = "DBOS, one workflow a command"
RESTATE = "Restate"
ON_POSTGRES = ", Temporal on PostgreSQL"

REMARKS = {
    THROUGHLINE: "the product's workflow, worker and encryption, on the embedded stack's Temporal (one file, synced)",
    PLAIN: "one ordinary activity a step, default options, no sandbox, no encryption, on the same Temporal server",
    THROUGHLINE + ON_POSTGRES: "the same; Temporal's server with 4 shards on a PostgreSQL of its own, fsync on",
    PLAIN + ON_POSTGRES: "the same; Temporal's server with 4 shards on a PostgreSQL of its own, fsync on",
    DBOS: "set_event and recv for placing and commands; the caller is in the worker's process",
    DBOS_SHORT: "nothing waits between commands; the caller is in the worker's process",
    RESTATE: "a virtual object, one handler a command; its own store, synced",
}


def parties(run: Run, wanted: tuple[str, ...] = tuple(REMARKS)) -> dict[str, OpenParty]:
    """Those of `wanted` that this run is to have."""
    makers: dict[str, Callable[[], OpenParty]] = {
        THROUGHLINE: lambda: _throughline(temporal.embedded),
        PLAIN: lambda: _plain(temporal.embedded),
        DBOS: lambda: _dbos("OneWorkflow"),
        DBOS_SHORT: lambda: _dbos("WorkflowACommand"),
        RESTATE: _restate,
    }
    if run.durable:
        makers[THROUGHLINE + ON_POSTGRES] = lambda: _throughline(temporal.durable)
        makers[PLAIN + ON_POSTGRES] = lambda: _plain(temporal.durable)
    return {name: makers[name]() for name in wanted if name in makers}


# Imported only by a run that has them: each peer is an optional package.


def _throughline(server: temporal.OpenServer) -> OpenParty:
    from benchmarks.flow.throughline import throughline

    return throughline(server)


def _plain(server: temporal.OpenServer) -> OpenParty:
    from benchmarks.flow.plain import plain

    return plain(server)


def _dbos(kind: str) -> OpenParty:
    from benchmarks.flow import dbos_party

    return dbos_party.dbos(getattr(dbos_party, kind))


def _restate() -> OpenParty:
    from benchmarks.flow.restate_party import restate

    return restate()
