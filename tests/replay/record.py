"""Record the histories anew, by playing every journey on real servers:  python -m tests.replay.record [journey …]

Writes recordings of the present release only. Once that release runs somewhere, they are not made again: a recording
that is replaced proves nothing for the orders that run (`docs/decisions/changing-workflows.md`).
"""

import asyncio
import logging
import os
import sys
import tempfile
from pathlib import Path

from temporalio.client import Client

from tests.replay import corpus
from tests.servers import composed, running_servers
from tests.workflows.changing_journeys import CHANGING_JOURNEYS
from tests.workflows.journeys import JOURNEYS
from tests.workflows.shipping_journeys import SHIPPING_JOURNEYS
from tests.workflows.shop import shop_on
from tests.workflows.supply_journeys import SUPPLY_JOURNEYS
from tests.workflows.working import working
from workers.plugin import throughline_plugin

ALL = JOURNEYS | SHIPPING_JOURNEYS | SUPPLY_JOURNEYS | CHANGING_JOURNEYS


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
            async with working(client, made):
                for name in wanted:
                    shop = await shop_on(made, client, keys=keys).open(s1=20, s2=20)
                    history = await (await ALL[name](shop)).history()
                    corpus.write(corpus.name(name), history)
                    print(f"{name}: {len(history.events)} events")


def main() -> None:
    logging.basicConfig(level=logging.ERROR)
    wanted = sys.argv[1:] or list(ALL)
    if unknown := set(wanted) - set(ALL):
        sys.exit(f"There is no journey {', '.join(sorted(unknown))}. There are: {', '.join(ALL)}.")
    asyncio.run(record(wanted))
    # The SDK's threads may abort the interpreter on its way out, after all work is done: end here.
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
