"""The last look of the demo: a reconciliation of everything that was played must find nothing."""

import asyncio
import time

from workers.demo.callers import LOOK_AGAIN, PATIENCE, Callers, Unexpected
from workers.demo.proofs import Proof

RUNS = "/v1/ops/reconciliations/runs"


async def reconciled(callers: Callers) -> Proof:
    ops = callers.ops()
    run = (await ops.post(RUNS, {}))["run"]
    ends = time.monotonic() + PATIENCE
    while (found := await ops.get(f"{RUNS}/{run}"))["state"] != "ended":
        if time.monotonic() > ends:
            raise Unexpected(f"The reconciliation {run} does not end.")
        await asyncio.sleep(LOOK_AGAIN)
    counts = found["counts"]
    listed = (await ops.get(f"{RUNS}/{run}/differences", limit=200))["items"]
    differs = tuple(
        f"{each['kind']} {each['subject']} ({each.get('order_id', 'no order')}): "
        f"{each['what']} {each['ours']}, should be {each['theirs']}"
        for each in (one["difference"] for one in listed)
    )
    says = (
        f"Reconciliation: {counts['orders']} orders, {counts['authorisations']} authorisations at the provider, "
        f"{counts['levels']} levels; {len(listed) or 'nothing'} to make right"
    )
    return Proof(says, differs)
