"""Personal loans through their whole life, many in flight: loans a second, how long a step takes, what each costs."""

import httpx

from benchmarks.benches.order_flow import IN_FLIGHT
from benchmarks.counting import Meter, percentile, waits
from benchmarks.flow import temporal
from benchmarks.flow.lender import PAID_OUT, Lender, lender
from benchmarks.flow.parties import ON_POSTGRES, THROUGHLINE
from benchmarks.flow.stage import Stage, stage
from benchmarks.flow.temporal import OpenServer
from benchmarks.load import Stopwatch, closed_loop, within
from benchmarks.results import Figures, Table
from benchmarks.run import Run
from benchmarks.turns import LONGEST, in_turns, must
from domain.lending.stages import Outcome

LOANS = 300
ALONE = 30
WARM_UP = 16
TITLE = "loans, first answer → paid out"


async def run(options: Run) -> list[Table]:
    loans, at_once = options.sized(LOANS, quick=4), 2 if options.quick else IN_FLIGHT
    alone = options.sized(ALONE, quick=2)
    servers: dict[str, OpenServer] = {THROUGHLINE: temporal.embedded}
    if options.durable:
        servers[THROUGHLINE + ON_POSTGRES] = temporal.durable
    async with stage("applications") as shared:
        turns = {
            name: lambda server=server: turn(shared, server, loans, at_once, alone) for name, server in servers.items()
        }
        load = (
            f"{loans} loans or as many as a minute holds, {at_once} in flight; each: five steps, submit, a document, "
            "five checks, a decision, an offer, a signature in a branch, its letters by mail, a payout; "
            f"alone: {alone} one after the other"
        )
        return [await in_turns(TITLE, load, turns, rounds=options.rounds)]


async def turn(shared: Stage, server: OpenServer, loans: int, at_once: int, alone: int) -> Figures:
    async with lender(shared, server) as party:
        await _carry(shared, party, min(WARM_UP, loans), at_once)
        await shared.db.settle(*party.databases().values())
        quiet = await _carry(shared, party, alone, 1)
        loaded = await _carry(shared, party, loans, at_once)
        return {**loaded, **{f"alone {name}": value for name, value in quiet.items() if name.startswith("step")}}


async def _carry(shared: Stage, party: Lender, count: int, at_once: int) -> Figures:
    starting, stepping, whole = Stopwatch(), Stopwatch(), Stopwatch()
    carried: list[str] = []

    async def one(name: str) -> None:
        await whole.time(party.carry(name, starting, stepping))

    names = await party.prepare(count)
    assert shared.payments.pid is not None
    processes = {**party.processes(), "database": [shared.db.pid], "payment provider": [shared.payments.pid]}
    databases = {"our database": shared.db.dsn, **party.databases()}
    with Meter(processes, databases, own="caller") as meter:
        await closed_loop(within(LONGEST, names, carried), at_once, one)
    await _check(shared, party, carried)
    rate = len(carried) / meter.seconds
    return {
        "loans/s": rate,
        "loans/h": rate * 3600,
        "step p50 ms": percentile(stepping.seconds, 0.5) * 1000,
        "step p95 ms": percentile(stepping.seconds, 0.95) * 1000,
        **waits(whole.seconds, "whole life"),
        **meter.per(len(carried)),
    }


async def _check(shared: Stage, party: Lender, names: list[str]) -> None:
    """Each is originated, booked and paid once, and every letter has its proof."""
    async with httpx.AsyncClient() as http:
        for name in names:
            stored = await party.made.applications.application(name)
            assert stored is not None
            view = stored.view
            must(view.outcome is Outcome.ORIGINATED, f"a loan ended as {view.outcome}")
            must(all(each.proof for each in view.notices), "a letter has no proof")
            assert view.account_id is not None
            account = await party.made.banking.account(view.account_id)
            must([each.state.value for each in account.transactions] == ["booked"], "a loan is not booked once")
            answer = await http.get(f"{shared.payments_url}/ledger", params={"reference": name})
            paid = [each["amount"] for each in answer.json()["entries"] if each["operation"] == "payout"]
            must(paid == [PAID_OUT], f"of {PAID_OUT} there was paid out: {paid}")
