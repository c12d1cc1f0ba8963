"""Making right what a reconciliation found: by whom, above which limit with whom, and once."""

from datetime import timedelta

import httpx
import pytest

from adapters.access.port import Role
from adapters.reconciling.port import Reconciliation, RunCounts, RunState
from domain.ids import OperationKey
from domain.money import Money
from domain.payments import Authorisation
from domain.reconciling import ALONE_UP_TO, Difference, stray
from tests.gateway.api.conftest import Shop, post

RUNS = "/v1/ops/reconciliations/runs"


async def planted(shop: Shop, amount: int, name: str) -> tuple[str, Authorisation]:
    """A run that has found money at the provider of which nobody here knows."""
    held = await shop.provider.authorise(
        reference=f"nobody-{name}",
        token="tok_ok",
        amount=Money(amount=amount, currency="EUR"),
        key=OperationKey(f"planted-{name}"),
    )
    found = stray(held)
    assert found is not None
    run = f"reconciliation-by-hand-{name}"
    begun = Reconciliation(run=run, state=RunState.RUNNING, requested_by="ada", started_at=shop.services.now())
    await shop.services.reconciler.open(begun)
    await shop.services.reconciler.add(run, [found, found])
    await shop.services.reconciler.close(run, shop.services.now() + timedelta(seconds=1), RunCounts(orders=7))
    return f"{RUNS}/{run}", held


async def test_a_small_sum_is_made_right_by_one_person_once(shop: Shop, ops: httpx.AsyncClient) -> None:
    path, held = await planted(shop, ALONE_UP_TO, "small")
    run = (await ops.get(path)).json()
    assert (run["state"], run["counts"]["orders"], run["counts"]["differences"]) == ("ended", 7, 1)
    [found] = (await ops.get(f"{path}/differences")).json()["items"]
    assert (found["state"], found["difference"]["kind"], found["difference"]["remedy"]) == (
        "open",
        "stray",
        "free_money",
    )
    done = await post(ops, f"{path}/differences/1/apply", {"reason": "nobody knows it"})
    assert (done.status_code, done.json()["state"], done.json()["outcome"]) == (
        200,
        "applied",
        f"freed at the provider: {ALONE_UP_TO}",
    )
    assert (await shop.provider.authorisation(held.id)).voided == ALONE_UP_TO
    again = await post(ops, f"{path}/differences/1/apply", {"reason": "once more"})
    assert (again.status_code, again.json()["current"]["state"]) == (409, "applied")
    assert run["run"] in {each["run"] for each in (await ops.get(RUNS)).json()["items"]}


async def test_more_needs_a_second_person(shop: Shop, ops: httpx.AsyncClient) -> None:
    path, held = await planted(shop, ALONE_UP_TO + 1, "large")
    waits = await post(ops, f"{path}/differences/1/apply", {"reason": "nobody knows it"})
    assert (waits.json()["state"], (await shop.provider.authorisation(held.id)).voided) == ("waits_for_approval", 0)
    alone = await post(ops, f"{path}/differences/1/approve", {"reason": "I am sure"})
    assert alone.status_code == 403
    bob = await shop.ops(Role.OPS_MANAGER)
    done = await post(bob, f"{path}/differences/1/approve", {"reason": "agreed"})
    assert (done.json()["state"], done.json()["approved_by"]) == ("applied", "ops-ops_manager")
    assert (await shop.provider.authorisation(held.id)).voided == ALONE_UP_TO + 1


async def test_what_cannot_be_done_by_itself_fails_with_the_reason_and_may_be_dismissed(
    shop: Shop, ops: httpx.AsyncClient, web: httpx.AsyncClient
) -> None:
    path, _ = await planted(shop, 500, "left")
    look = Difference.model_validate(
        {
            "kind": "units",
            "subject": "line 1",
            "what": "returned",
            "ours": 3,
            "theirs": 2,
            "cause": "booked_wrong",
            "remedy": "look",
            "amount": 1,
        }
    )
    await shop.services.reconciler.add(path.rpartition("/")[2], [look])
    failed = (await post(ops, f"{path}/differences/2/apply", {"reason": "try"})).json()
    assert (failed["state"], "find out" in failed["outcome"]) == ("failed", True)
    left = (await post(ops, f"{path}/differences/2/dismiss", {"reason": "counted twice"})).json()
    assert (left["state"], left["reason"]) == ("dismissed", "counted twice")
    for refused in (
        await web.get(path),
        await post(web, f"{path}/differences/1/apply", {"reason": "mine"}),
    ):
        assert refused.status_code == 403
    assert (await ops.get(f"{RUNS}/unknown")).status_code == 404


@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": "x", "amount": 1}])
async def test_a_decision_has_a_reason_and_nothing_else(
    shop: Shop, ops: httpx.AsyncClient, body: dict[str, object]
) -> None:
    assert (await post(ops, f"{RUNS}/any/differences/1/apply", body)).status_code == 422
