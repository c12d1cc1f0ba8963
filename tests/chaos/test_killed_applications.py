"""Whatever step a worker dies at: the application comes to the same record, the same letters and the same ledgers."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.scenarios.applied import Applied
from tests.scenarios.world import World
from workers.stack.stack import Stack

pytestmark = [pytest.mark.stack, pytest.mark.slow]

Step = Callable[[Applied], Awaitable[Any]]


async def _submits(loan: Applied) -> None:
    await loan.done("POST", "/submit", {})


async def _accepts(loan: Applied) -> None:
    await loan.stage("offered")
    await loan.done("POST", "/offer/accept", {})


async def _signs(loan: Applied) -> None:
    await loan.stage("signing")
    await loan.done("POST", "/sign", {})


STEPS: dict[str, Step] = {
    "answers": Applied.answers,
    "submit": _submits,
    "documents": Applied.documents,
    "accept": _accepts,
    "sign": _signs,
}


async def played(world: World, at: str | None, kill: Callable[[], None]) -> dict[str, Any]:
    loan = await Applied.begun(world)
    for name, step in STEPS.items():
        taken = asyncio.create_task(step(loan))  # type: ignore[arg-type]
        if name == at:
            await asyncio.sleep(0.1)
            kill()
        await taken
    end = await loan.ends()
    timeline = (await loan.done("GET", "/timeline", by="ada"))["items"]
    account = f"/v1/accounts/{end['account_id']}"
    mails = {(each["subject"], each["message_id"]) for each in await loan.mails()}
    balances = await loan.done("GET", f"{account}/balances")
    return {
        "record": (end["outcome"], end["outcome_code"], end["stage"], end["missing"]),
        # A PUT that was sent again is another answer to the same step.
        "events": {
            name: n for name, n in Counter(each["event"] for each in timeline).items() if "answered" not in name
        },
        "letters": sorted(each["kind"] for each in end["notices"]),
        "mails": sorted(subject for subject, _ in mails),
        "provider": [(each["operation"], each["amount"], each["status"]) for each in await loan.payouts()],
        "ledger": [each["state"] for each in (await loan.done("GET", f"{account}/transactions"))["items"]],
        "owed": balances["principal"],
    }


@pytest.mark.timeout(600)
async def test_a_worker_killed_at_any_step_changes_nothing(world: World, sturdy_stack: Stack) -> None:
    def kill() -> None:
        for pid in sturdy_stack.record()["pids"]["workers"]:
            os.kill(pid, signal.SIGKILL)

    quiet = await played(world, None, kill)
    assert quiet["provider"] == [("payout", 990_000, "succeeded")]
    for step in STEPS:
        assert await played(world, step, kill) == quiet, f"a worker killed at {step}"
