"""The API keeps its own contract: whatever is made up from `/openapi.json`, the answer is one that it documents."""

import asyncio

import pytest

from tests.contract.generated_calls import play
from tests.scenarios.world import World

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(240)]

SECONDS = 60
EXAMPLES = 10
SEED = 20261122


async def test_no_made_up_call_finds_an_answer_that_the_document_does_not_have(world: World) -> None:
    # Goods of their own: a made-up rejection says that the shelf is empty.
    old, new = await world.shelf(S001=100), await world.shelf(S001=100_000)
    orders = [(await world.place(sku=old.sku)).id for _ in range(12)]
    found = await asyncio.to_thread(
        play, world.record["api"], world.keys, orders, new.sku, seconds=SECONDS, examples=EXAMPLES, seed=SEED
    )
    assert not found.faults, "\n\n".join(f"{kind}\n  {what}" for kind, what in sorted(found.faults.items()))
    assert found.calls > 500
    reached = {label for label, statuses in found.statuses.items() if statuses & {200, 201, 202}}
    assert len(reached) > 25, f"made-up calls must also get through: {sorted(reached)}"
    assert "POST /v1/orders" in reached
