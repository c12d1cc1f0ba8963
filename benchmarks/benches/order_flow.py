"""Orders from placing to collection, many in flight: orders a second, and what each costs in CPU, commits and WAL."""

from benchmarks.aims import SHORT, WHOLE
from benchmarks.counting import Meter, waits
from benchmarks.flow.orders import Seller
from benchmarks.flow.outcome import check_collected
from benchmarks.flow.parties import REMARKS, parties
from benchmarks.flow.party import OpenParty, Party
from benchmarks.flow.stage import Stage, stage
from benchmarks.flow.steps import Command
from benchmarks.flow.throughline import Throughline
from benchmarks.load import Stopwatch, closed_loop, within
from benchmarks.results import Figures, Table
from benchmarks.run import Run
from benchmarks.turns import LONGEST, in_turns
from domain.terms import OrderTerms

ORDERS = 500
IN_FLIGHT = 32
WARM_UP = 32


async def run(options: Run) -> list[Table]:
    tables = []
    orders, in_flight = options.sized(ORDERS, quick=8), 4 if options.quick else IN_FLIGHT
    async with stage("order-flow") as shared:
        for title, commands in ((SHORT, ()), (WHOLE, tuple(Command))):
            turns = {
                name: lambda opened=opened, commands=commands: turn(shared, opened, commands, orders, in_flight)
                for name, opened in parties(options).items()
            }
            load = f"{orders} orders or as many as a minute holds, {in_flight} in flight"
            tables.append(await in_turns(title, load, turns, rounds=options.rounds, remarks=REMARKS))
    return tables


async def turn(shared: Stage, opened: OpenParty, commands: tuple[Command, ...], orders: int, in_flight: int) -> Figures:
    async with opened(shared) as party:
        await carry(shared, party, commands, min(WARM_UP, orders), in_flight)
        await shared.db.settle(*party.databases().values())
        return await carry(shared, party, commands, orders, in_flight)


async def carry(
    shared: Stage, party: Party, commands: tuple[Command, ...], count: int, in_flight: int
) -> dict[str, float]:
    """Carry so many orders from placing to collection; their figures, once the outcome is found right."""
    placing, collecting = Stopwatch(), Stopwatch()
    seller = Seller(shared.db.dsn)
    orders = await open_and_prepare(shared, party, seller, count)

    carried: list[OrderTerms] = []

    async def one(terms: OrderTerms) -> None:
        await placing.time(party.place(terms))
        for command in commands:
            await party.tell(terms, command)
        await collecting.time(collect(party, terms, commands))

    with measured(shared, party) as meter:
        await closed_loop(within(LONGEST, orders, carried), in_flight, one)
    await check_collected(shared, seller.shelf, carried)
    rate = len(carried) / meter.seconds
    return {
        "orders/s": rate,
        "orders/h": rate * 3600,
        **waits(placing.seconds, "placing"),
        **waits(collecting.seconds, "collecting"),
        **meter.per(len(carried)),
    }


async def open_and_prepare(shared: Stage, party: Party, seller: Seller, count: int) -> list[OrderTerms]:
    from benchmarks.flow.steps import steps

    async with steps(shared.db.url, shared.payments_url) as made:
        await seller.open(made.transactions, count)
    orders = [seller.terms(number) for number in range(count)]
    await party.prepare(orders)
    return orders


async def collect(party: Party, terms: OrderTerms, commands: tuple[Command, ...]) -> None:
    """With the store's commands before it, ours is a hand-over; without, it stages the units too."""
    if commands and isinstance(party, Throughline):
        await party.hand_over(terms)
    else:
        await party.collect(terms)


def measured(shared: Stage, party: Party) -> Meter:
    assert shared.payments.pid is not None
    return Meter(
        {**party.processes(), "database": [shared.db.pid], "payment provider": [shared.payments.pid]},
        {"our database": shared.db.dsn, **party.databases()},
        own="worker and caller" if party.calls_itself else "caller",
    )
