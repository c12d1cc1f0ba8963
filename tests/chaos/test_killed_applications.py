"""Whatever step a worker dies at: the application comes to the same record, the same letters and the same ledgers."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.chaos.killing import killer
from tests.scenarios.applied import Applied
from tests.scenarios.world import World
from workers.stack.stack import Stack

pytestmark = [pytest.mark.stack, pytest.mark.slow]

Step = Callable[[Applied], Awaitable[Any]]


async def _submits(loan: Applied) -> None:
    await loan.done("POST", "/submit", {})


async def _answers_for_much(loan: Applied) -> None:
    await loan.answers(amount={"amount": 2_000_000})


async def _decides(loan: Applied) -> None:
    await loan.comes_to(lambda view: "referred" in view["overlays"])
    await loan.review("decide", {"decision": "approve"})


async def _approves(loan: Applied) -> None:
    await loan.review("approve", by="ben")


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
REFERRED: dict[str, Step] = {
    "answers": _answers_for_much,
    "submit": _submits,
    "documents": Applied.documents,
    "decide": _decides,
    "approve": _approves,
    "accept": _accepts,
    "sign": _signs,
}


async def played(
    world: World, at: str | None, kill: Callable[[], None], steps: dict[str, Step] = STEPS, behaviour: str = "GOOD"
) -> dict[str, Any]:
    loan = await Applied.begun(world, behaviour)
    for name, step in steps.items():
        taken = asyncio.create_task(step(loan))  # type: ignore[arg-type]
        if name == at:
            await asyncio.sleep(0.1)
            kill()
        await taken
    end = await loan.ends()
    timeline = await loan.closed()
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


@pytest.fixture
def kill(sturdy_stack: Stack) -> Callable[[], None]:
    return killer(sturdy_stack, "workers")


@pytest.mark.timeout(600)
async def test_a_worker_killed_at_any_step_changes_nothing(world: World, kill: Callable[[], None]) -> None:
    quiet = await played(world, None, kill)
    assert quiet["provider"] == [("payout", 990_000, "succeeded")]
    for step in STEPS:
        assert await played(world, step, kill) == quiet, f"a worker killed at {step}"


@pytest.mark.timeout(600)
async def test_a_worker_killed_while_people_decide_changes_nothing(world: World, kill: Callable[[], None]) -> None:
    quiet = await played(world, None, kill, REFERRED, "THIN")
    assert quiet["provider"] == [("payout", 1_980_000, "succeeded")]
    for step in ("submit", "decide", "approve", "accept"):
        assert await played(world, step, kill, REFERRED, "THIN") == quiet, f"a worker killed at {step}"
