"""`/v1/pickups`: who may do what, what reaches the order, and what its record answers once it has ended."""

import uuid
from datetime import timedelta
from typing import Any

import httpx
import pytest

from adapters.access.port import Role
from adapters.audit.port import AuditOutcome
from adapters.inventory.port import Allocate, Release, Reserve
from adapters.keys.port import KeyErased
from adapters.vault.port import Subject
from domain.actors import ENGINE, Channel
from domain.hand_over_codes import derive_code
from domain.ids import LineId, OperationKey, OrderId, Sku, StoreId, pickup_id
from domain.intake import Relation
from domain.personal import PersonalData
from domain.pickups import ProofKind
from domain.refusals import RefusalKind
from domain.stock import StockLine
from domain.timeline import Event, Fact, TimelineEntry
from gateway.problems import ProblemKind
from tests.gateway.api.conftest import CODE_KEY, Shop, an_order, place, post
from tests.gateway.api.engine import answers_with_group, collected, expired, refused
from workflows import messages


def path(order_id: str, verb: str = "", n: int = 1) -> str:
    return f"/v1/pickups/{order_id}/{n}{verb and '/' + verb}"


def code(order_id: str, serial: int = 1) -> str:
    return derive_code(CODE_KEY, pickup_id(OrderId(order_id), 1), serial)


async def test_a_command_reaches_the_order_with_who_and_what(
    shop: Shop, web: httpx.AsyncClient, s1: httpx.AsyncClient
) -> None:
    order_id = await place(shop, web)
    running = shop.engine.of(order_id)
    running.answers["pick"] = answers_with_group(shop.engine, order_id)
    body = {"lines": [{"line_id": "1", "quantity": 1}], "staged_at": "B2", "version": 2}
    answer = await post(s1, path(order_id, "pick"), body)
    assert answer.status_code == 200, answer.text
    [command] = running.commands
    assert isinstance(command, messages.Pick)
    assert (command.lines, command.staged_at, command.version) == ({"1": 1}, "B2", 2)
    assert (command.actor.id, command.actor.place, command.actor.channel) == ("S1-associate", "S1", Channel.STORE)
    shown = answer.json()
    assert (shown["order_id"], shown["n"], shown["version"]) == (order_id, 1, 3)
    assert shown["lines"] == [{"line_id": "1", "quantity": 2, "sku": "SHOE", "components": []}]


async def test_a_repeated_command_has_one_effect(shop: Shop, web: httpx.AsyncClient, s1: httpx.AsyncClient) -> None:
    order_id = await place(shop, web)
    running = shop.engine.of(order_id)
    running.answers["accept"] = answers_with_group(shop.engine, order_id)
    first = await post(s1, path(order_id, "accept"), key="k")
    again = await post(s1, path(order_id, "accept"), key="k")
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert len(running.commands) == 1


async def test_another_store_does_not_know_of_the_pickup(shop: Shop, web: httpx.AsyncClient) -> None:
    order_id = await place(shop, web)
    other = await shop.store("S2")
    for answer in (await post(other, path(order_id, "accept")), await other.get(path(order_id))):
        assert answer.status_code == 404
    rows = [row for row in shop.audit.entries if row.object.startswith(order_id)]
    assert [row.outcome for row in rows] == [AuditOutcome.HIDDEN] * 2
    assert not shop.engine.of(order_id).commands


async def test_a_channel_does_not_do_the_store_s_work(shop: Shop, web: httpx.AsyncClient) -> None:
    order_id = await place(shop, web)
    for verb in ("accept", "ready", "put-back"):
        assert (await post(web, path(order_id, verb))).status_code == 403
    assert {row.outcome for row in shop.audit.entries} == {AuditOutcome.REFUSED}


async def test_only_a_manager_unlocks(shop: Shop, web: httpx.AsyncClient, s1: httpx.AsyncClient) -> None:
    order_id = await place(shop, web)
    shop.engine.of(order_id).answers["unlock"] = answers_with_group(shop.engine, order_id)
    assert (await post(s1, path(order_id, "unlock"))).status_code == 403
    manager = await shop.store("S1", Role.MANAGER)
    assert (await post(manager, path(order_id, "unlock"))).status_code == 200


async def test_an_auditor_changes_nothing(shop: Shop, web: httpx.AsyncClient) -> None:
    order_id = await place(shop, web)
    auditor = await shop.ops(Role.AUDITOR)
    assert (await auditor.get(path(order_id))).status_code == 200
    assert (await post(auditor, path(order_id, "accept"))).status_code == 403


@pytest.mark.parametrize(
    ("kind", "status", "shows_current"),
    [
        (RefusalKind.NOT_ALLOWED_NOW, 409, True),
        (RefusalKind.STALE_VERSION, 409, True),
        (RefusalKind.HELD, 409, True),
        (RefusalKind.WRONG_CODE, 422, False),
        (RefusalKind.LOCKED, 423, False),
        (RefusalKind.PAYMENT_DUE, 402, False),
        (RefusalKind.PAYMENT_DECLINED, 402, False),
        (RefusalKind.PROOF_NEEDED, 422, False),
        (RefusalKind.CONSENT_NEEDED, 422, False),
        (RefusalKind.TOO_MANY_UNITS, 422, False),
        (RefusalKind.BEYOND_LIMIT, 422, False),
        (RefusalKind.NOT_FOUND, 404, False),
    ],
)
async def test_a_refusal_is_a_problem_of_its_kind(
    kind: RefusalKind, status: int, shows_current: bool, shop: Shop, web: httpx.AsyncClient, s1: httpx.AsyncClient
) -> None:
    order_id = await place(shop, web)
    shop.engine.of(order_id).answers["ready"] = lambda _: refused(kind)
    answer = await post(s1, path(order_id, "ready"))
    assert answer.status_code == status
    assert answer.json()["type"].endswith(f"/{ProblemKind(kind.value)}")
    assert ("current" in answer.json()) is shows_current
    if shows_current:
        assert answer.json()["current"]["status"] == "offered"


async def test_the_code_goes_nowhere_and_its_serial_goes_to_the_order(
    shop: Shop, web: httpx.AsyncClient, s1: httpx.AsyncClient
) -> None:
    order_id = await place(shop, web)
    running = shop.engine.of(order_id)
    running.answers["hand_over"] = answers_with_group(shop.engine, order_id)
    second = code(order_id, 2)
    spaced = f"{second[:4]} {second[4:]}"
    await post(s1, path(order_id, "hand-over"), {"code": spaced, "proof": {"kind": "id_sighted"}})
    await post(s1, path(order_id, "hand-over"), {"code": "none of these"})
    right, wrong = running.commands
    assert isinstance(right, messages.GiveOut)
    assert isinstance(wrong, messages.GiveOut)
    assert (right.code_serials, wrong.code_serials) == ([2], [])
    assert (right.proof, right.relation) == (ProofKind.ID_SIGHTED, Relation.SELF)
    assert second not in right.model_dump_json()


@pytest.mark.parametrize(
    ("name", "is_named"),
    [("Petra  PROXY", True), ("petra proxy", True), ("ann example", True), ("Petra Proxi", False)],
)
async def test_the_person_at_the_counter_is_compared_with_whom_the_buyer_named(
    name: str, is_named: bool, shop: Shop, web: httpx.AsyncClient, s1: httpx.AsyncClient
) -> None:
    order_id = await place(shop, web)
    running = shop.engine.of(order_id)
    running.answers["name_proxy"] = running.answers["hand_over"] = answers_with_group(shop.engine, order_id)
    assert (await post(s1, path(order_id, "proxy"), {"name": "X", "relation": "friend"})).status_code == 403
    await post(web, path(order_id, "proxy"), {"name": "Petra Proxy", "relation": "friend"})
    body = {"code": code(order_id), "person": {"name": name, "relation": "friend"}}
    await post(s1, path(order_id, "hand-over"), body)
    command = running.commands[-1]
    assert isinstance(command, messages.GiveOut)
    assert command.person_is_named is is_named
    assert name not in command.model_dump_json()
    received = await shop.services.vault.get(Subject(f"{order_id}/hand-over/{command.command_id}"))
    assert received == PersonalData(name=name)


async def test_a_car_is_shown_to_the_store_and_kept_from_the_order(
    shop: Shop, web: httpx.AsyncClient, s1: httpx.AsyncClient
) -> None:
    order_id = await place(shop, web)
    running = shop.engine.of(order_id)

    def arrive(order: Any) -> None:
        group = order.group(1)
        group.accepted_at = group.picking_at = group.ready_at = group.arrived_at = shop.services.now()
        group.bay = "3"

    running.answers["arrived"] = answers_with_group(shop.engine, order_id, arrive)
    await post(web, path(order_id, "arrived"), {"bay": "3", "vehicle": "red Fiat"})
    assert "Fiat" not in running.commands[-1].model_dump_json()
    tasks = (await s1.get("/v1/stores/S1/tasks?limit=200")).json()["items"]
    [task] = [task for task in tasks if task["order_id"] == order_id]
    assert (task["task"], task["bay"], task["vehicle"]) == ("arrival", "3", "red Fiat")


async def test_an_offer_says_until_when_it_must_be_accepted(
    shop: Shop, web: httpx.AsyncClient, s1: httpx.AsyncClient
) -> None:
    order_id = await place(shop, web)
    group, now = shop.engine.of(order_id).order.group(1), shop.services.now()
    group.offered_at, group.accept_by = now, now + timedelta(minutes=30)
    await shop.engine.write(order_id)

    async def until() -> tuple[str, str | None]:
        tasks = (await s1.get("/v1/stores/S1/tasks?limit=200")).json()["items"]
        [task] = [task for task in tasks if task["order_id"] == order_id]
        return task["task"], task["deadline"]

    assert await until() == ("accept", "2026-11-23T10:30:00Z")
    group.accepted_at = now
    await shop.engine.write(order_id)
    assert await until() == ("pick", None)
    assert (await s1.get(path(order_id))).json()["accept_by"] is None


async def test_a_store_that_does_not_wait_leaves_its_command_as_a_signal(
    shop: Shop, web: httpx.AsyncClient, s1: httpx.AsyncClient
) -> None:
    order_id = await place(shop, web)
    for _ in range(2):
        answer = await post(s1, path(order_id, "accept"), key="fire", Prefer="respond-async")
        assert answer.status_code == 202
    assert answer.json()["look"] == f"/v1/orders/{order_id}/timeline"
    [(name, command)] = shop.engine.of(order_id).signals
    assert (name, command.kind) == ("store_command", "accept")


async def test_an_answer_that_takes_long_is_202_and_comes_with_the_same_key(
    shop: Shop, web: httpx.AsyncClient, s1: httpx.AsyncClient
) -> None:
    order_id = await place(shop, web)
    shop.engine.of(order_id).answers["accept"] = answers_with_group(shop.engine, order_id)
    shop.engine.slow = True
    answer = await post(s1, path(order_id, "accept"), key="slow")
    assert (answer.status_code, answer.headers["location"]) == (202, path(order_id))
    shop.engine.slow = False
    assert (await post(s1, path(order_id, "accept"), key="slow")).status_code == 200


async def test_a_command_that_nobody_took_is_503(shop: Shop, web: httpx.AsyncClient, s1: httpx.AsyncClient) -> None:
    order_id = await place(shop, web)
    shop.engine.deaf = True
    answer = await post(s1, path(order_id, "accept"))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")


async def test_lines_that_are_named_twice_are_refused(
    shop: Shop, web: httpx.AsyncClient, s1: httpx.AsyncClient
) -> None:
    order_id = await place(shop, web)
    line = {"line_id": "1", "quantity": 1}
    answer = await post(s1, path(order_id, "pick"), {"lines": [line, line]})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/lines/1/line_id"


async def ended(shop: Shop, web: httpx.AsyncClient, how: Any) -> str:
    """An order whose process is over."""
    answer = await post(web, "/v1/orders", an_order())
    order_id: str = answer.json()["order_id"]
    running = shop.engine.of(order_id)
    how(running.order)
    ready = TimelineEntry(
        at=shop.services.now(), event=Event.READY, actor=ENGINE, data=Fact.model_validate({"group": 1})
    )
    await shop.engine.write(order_id, ready)
    running.over = True
    return order_id


async def test_the_code_of_a_collected_order_gets_the_first_answer_again(
    shop: Shop, web: httpx.AsyncClient, s1: httpx.AsyncClient
) -> None:
    order_id = await ended(shop, web, collected)
    answer = await post(s1, path(order_id, "hand-over"), {"code": code(order_id)})
    assert answer.status_code == 200
    assert (answer.json()["already"], answer.json()["status"]) == (True, "collected")
    wrong = await post(s1, path(order_id, "hand-over"), {"code": code(order_id, 2)})
    assert wrong.status_code == 409
    assert wrong.json()["current"]["status"] == "collected"


async def test_a_hand_over_in_time_that_is_told_after_the_end_is_a_case_for_a_person(
    shop: Shop, web: httpx.AsyncClient, s1: httpx.AsyncClient, ops: httpx.AsyncClient
) -> None:
    order_id = await ended(shop, web, expired)
    shop.pass_time(days=40)
    at = {"code": code(order_id), "at": "2026-11-24T10:00:00Z"}
    answer = await post(s1, path(order_id, "hand-over"), at)
    assert (answer.status_code, answer.json()["current"]["status"]) == (409, "expired")
    assert "kept for operations" in answer.json()["detail"]
    assert (await post(s1, path(order_id, "hand-over"), at)).status_code == 409, "told again, it is the same report"
    events = (await web.get(f"/v1/orders/{order_id}/timeline")).json()["items"]
    assert [event["event"] for event in events[-2:]] == ["command_refused", "intervention_needed"]
    assert events[-2]["data"]["at"] == "2026-11-24T10:00:00+00:00"
    late = await post(s1, path(order_id, "hand-over"), {"code": code(order_id), "at": "2026-12-24T10:00:00Z"})
    assert late.status_code == 409
    assert len((await web.get(f"/v1/orders/{order_id}/timeline")).json()["items"]) == len(events)
    assert (await web.get(f"/v1/orders/{order_id}")).json()["status"] == "needs_attention"
    assert (await post(s1, path(order_id, "accept"))).status_code == 409, "it has ended all the same"
    assert (await post(web, f"/v1/orders/{order_id}/cancel")).status_code == 409

    listed = (await ops.get("/v1/ops/interventions?limit=200")).json()["items"]
    [question] = [each for each in listed if each["order_id"] == order_id]
    assert question["choices"] == ["skip"]
    decision = f"/v1/ops/interventions/{question['intervention_id']}"
    again = await post(ops, decision, {"action": "retry", "reason": "is there a way?"})
    assert (again.status_code, "settle it" in again.json()["detail"]) == (409, True)
    settled = await post(ops, decision, {"action": "skip", "reason": "the customer paid by invoice"})
    assert (settled.status_code, settled.json()["order"]["status"]) == (200, "cancelled")
    listed = (await ops.get("/v1/ops/interventions?limit=200")).json()["items"]
    assert order_id not in {each["order_id"] for each in listed}
    assert (await post(ops, decision, {"action": "skip", "reason": "twice"})).status_code == 404
    made = (await web.get(f"/v1/orders/{order_id}/timeline")).json()["items"][-1]
    assert (made["event"], made["reason"]) == ("intervention_made", "the customer paid by invoice")


async def test_units_are_put_back_after_the_order_has_ended(
    shop: Shop, web: httpx.AsyncClient, s1: httpx.AsyncClient
) -> None:
    order_id = await ended(shop, web, expired)
    sku = f"SKU-{uuid.uuid4().hex[:6]}"
    await shop.stock("SHOE", "S1", 100)
    lines = (StockLine(line_id=LineId("1"), sku=Sku("SHOE"), location_id=StoreId("S1"), quantity=2),)
    common: dict[str, Any] = {"at": shop.services.now(), "order_id": OrderId(order_id), "lines": lines}
    async with shop.services.transactions.begin() as books:
        await books.inventory.reserve(Reserve(key=OperationKey(f"{sku}r"), **common))
        await books.inventory.allocate(Allocate(key=OperationKey(f"{sku}a"), **common))
        await books.inventory.set_aside(Release(key=OperationKey(f"{sku}s"), **common))
        before = (await books.inventory.levels([Sku("SHOE")], [StoreId("S1")]))[0]
    one = await post(s1, path(order_id, "put-back"), {"lines": [{"line_id": "1", "quantity": 1}]})
    assert (one.status_code, one.json()["put_back"]) == (200, {"1": 1})
    too_many = await post(s1, path(order_id, "put-back"), {"lines": [{"line_id": "1", "quantity": 2}]})
    assert too_many.json()["type"].endswith("/too-many-units")
    rest = await post(s1, path(order_id, "put-back"))
    assert rest.json()["put_back"] == {}
    async with shop.services.transactions.begin() as books:
        after = (await books.inventory.levels([Sku("SHOE")], [StoreId("S1")]))[0]
    assert (before.set_aside - after.set_aside, after.available - before.available) == (2, 2)
    tasks = (await s1.get("/v1/stores/S1/tasks?limit=200")).json()["items"]
    assert order_id not in {task["order_id"] for task in tasks}


async def test_where_nothing_waits_to_be_put_back_nothing_is_and_a_second_time_is_the_first(
    shop: Shop, web: httpx.AsyncClient, s1: httpx.AsyncClient
) -> None:
    order_id = await place(shop, web)
    running = shop.engine.of(order_id)
    answer = await post(s1, path(order_id, "put-back"))
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (409, "not-allowed-now")
    assert answer.json()["current"]["put_back"] == {}
    assert running.commands == []
    put_back = TimelineEntry(
        at=shop.services.now(), event=Event.PUT_BACK, actor=ENGINE, data=Fact.model_validate({"group": 1})
    )
    await shop.engine.write(order_id, put_back)
    again = await post(s1, path(order_id, "put-back"))
    assert (again.status_code, again.json()["already"]) == (200, True)


async def test_nothing_else_can_be_done_with_an_ended_order(
    shop: Shop, web: httpx.AsyncClient, s1: httpx.AsyncClient
) -> None:
    order_id = await ended(shop, web, collected)
    answer = await post(s1, path(order_id, "accept"))
    assert (answer.status_code, answer.json()["current"]["status"]) == (409, "collected")


async def test_an_order_whose_start_is_late_is_503_and_not_gone(
    shop: Shop, web: httpx.AsyncClient, s1: httpx.AsyncClient
) -> None:
    order_id = await place(shop, web)
    del shop.engine.running[f"order/{order_id}"]
    assert (await post(s1, path(order_id, "accept"))).status_code == 503


async def test_an_erased_customer_s_order_answers_as_the_ended_one_that_it_is(
    shop: Shop, web: httpx.AsyncClient, s1: httpx.AsyncClient
) -> None:
    order_id = await ended(shop, web, collected)
    shop.engine.away = KeyErased("erased")
    for headers in ({}, {"Prefer": "respond-async"}):
        answer = await post(s1, path(order_id, "accept"), **headers)
        assert (answer.status_code, answer.json()["current"]["status"]) == (409, "collected")
    cancelled = await post(web, f"/v1/orders/{order_id}/cancel", {"preview": True})
    assert cancelled.status_code == 409


async def test_a_hand_over_does_not_lie_before_its_order(
    shop: Shop, web: httpx.AsyncClient, s1: httpx.AsyncClient
) -> None:
    order_id = await place(shop, web)
    body = {"code": code(order_id), "at": "2020-01-01T00:00:00Z"}
    answer = await post(s1, path(order_id, "hand-over"), body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/at")
    assert "before the order" in answer.json()["errors"][0]["reason"]


async def test_a_hand_over_does_not_lie_in_the_future(
    shop: Shop, web: httpx.AsyncClient, s1: httpx.AsyncClient
) -> None:
    order_id = await place(shop, web)
    body = {"code": code(order_id), "at": "2026-11-23T10:30:00Z"}
    answer = await post(s1, path(order_id, "hand-over"), body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/at")
