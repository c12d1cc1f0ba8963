"""Record the histories anew, by playing every journey on real servers:  python -m tests.replay.record [journey …]

Writes recordings of the present release only. Once that release runs somewhere, they are not made again: a recording
that is replaced proves nothing for the orders that run (`docs/decisions/changing-workflows.md`).
"""

import asyncio
import logging
import os
import sys
import tempfile
from functools import partial
from pathlib import Path

from temporalio.client import Client, WorkflowHistory

from tests.replay import corpus
from tests.servers import composed, running_servers
from tests.workflows.borrower import Borrower
from tests.workflows.brokering_journeys import BROKERING_JOURNEYS
from tests.workflows.changing_journeys import CHANGING_JOURNEYS
from tests.workflows.counter_journeys import COUNTER_JOURNEYS
from tests.workflows.dropship_journeys import DROPSHIP_JOURNEYS
from tests.workflows.exchanging_journeys import EXCHANGING_JOURNEYS
from tests.workflows.journeys import JOURNEYS
from tests.workflows.lenders import Outside
from tests.workflows.lending_journeys import LENDING_JOURNEYS
from tests.workflows.locker_journeys import LOCKER_JOURNEYS
from tests.workflows.shipping_journeys import SHIPPING_JOURNEYS
from tests.workflows.shop import Shop, shop_on
from tests.workflows.substituting_journeys import SUBSTITUTING_JOURNEYS
from tests.workflows.supply_journeys import SUPPLY_JOURNEYS
from tests.workflows.working import working
from workers.plugin import throughline_plugin

ALL = (
    JOURNEYS
    | SHIPPING_JOURNEYS
    | SUPPLY_JOURNEYS
    | CHANGING_JOURNEYS
    | SUBSTITUTING_JOURNEYS
    | LOCKER_JOURNEYS
    | BROKERING_JOURNEYS
    | COUNTER_JOURNEYS
    | DROPSHIP_JOURNEYS
)
RETURNS = EXCHANGING_JOURNEYS
"""Stories of returns; of one, both its own history and that of the order which replaces its goods are kept."""


async def record(wanted: list[str]) -> None:
    keys = corpus.RecordingKeys()
    with tempfile.TemporaryDirectory() as folder:
        async with running_servers(Path(folder)) as servers, composed(servers) as made:
            client = await Client.connect(
                servers.temporal_address,
                namespace=servers.temporal_namespace,
                plugins=[throughline_plugin(keys, sandbox=True)],
                identity="recorder",
            )
            outside = Outside(made)
            async with working(client, made), outside.working(client):
                for name in wanted:
                    if name in LENDING_JOURNEYS:
                        begins = partial(Borrower.begins, made, client)
                        loan = await LENDING_JOURNEYS[name](begins, outside)
                        await loan.handle.result()
                        history = await loan.handle.fetch_history()
                        corpus.write(corpus.name(name), history)
                        print(f"{name}: {len(history.events)} events")
                        continue
                    shop = await shop_on(made, client, keys=keys).open(s1=20, s2=20)
                    for each, history in await played(shop, name):
                        corpus.write(corpus.name(each), history)
                        print(f"{each}: {len(history.events)} events")


async def played(shop: Shop, name: str) -> list[tuple[str, WorkflowHistory]]:
    """The histories that a story leaves, by what they are called."""
    if name in ALL:
        return [(name, await (await ALL[name](shop)).history())]
    back = await RETURNS[name](shop)
    own = [(name, await back.history())]
    return own if back.exchange is None else [*own, (f"{name}_order", await back.replacement.history())]


def main() -> None:
    logging.basicConfig(level=logging.ERROR)
    known = [*ALL, *RETURNS, *LENDING_JOURNEYS]
    wanted = sys.argv[1:] or known
    if unknown := set(wanted) - set(known):
        sys.exit(f"There is no journey {', '.join(sorted(unknown))}. There are: {', '.join(known)}.")
    asyncio.run(record(wanted))
    # The SDK's threads may abort the interpreter on its way out, after all work is done: end here.
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
