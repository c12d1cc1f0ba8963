"""`throughline order|store|ops`: the same API, from a terminal or a script."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx
from typer import Typer
from typer.testing import CliRunner, Result

from gateway.cli import balance, ops, order, returns, store

API = "http://127.0.0.1:9"
GROUP = {
    "order_id": "o1",
    "n": 1,
    "kind": "pickup",
    "parcels": [],
    "status": "ready",
    "locked": False,
    "already": False,
    "lines": [{"line_id": "1", "sku": "SHOE", "quantity": 2}],
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stack's record, and nothing in the surroundings that names another."""
    for name in ("URL", "KEY", "DATA", "STORE"):
        monkeypatch.delenv(f"THROUGHLINE_{name}", raising=False)
    keys = {
        "web": "tl_web",
        "pos": "tl_pos",
        "call_centre": "tl_call_centre",
        "stores": {"S001": "tl_s1", "S002": "tl_s2"},
        "managers": {"S001": "tl_m1"},
        "ops": {"ada": "tl_ada"},
    }
    (tmp_path / "stack.json").write_text(json.dumps({"api": API, "keys": keys}))
    return tmp_path


def run(app: Typer, folder: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["--data", str(folder), *words], catch_exceptions=False)


def sent(route: respx.Route) -> tuple[Any, httpx.Headers]:
    request = route.calls.last.request
    return json.loads(request.content), request.headers


@respx.mock
def test_an_order_is_placed_from_a_file_under_the_channel_s_key(folder: Path) -> None:
    view = {
        "order_id": "o1",
        "status": "in_progress",
        "version": 2,
        "channel": "web",
        "external_id": "W-1",
        "currency": "EUR",
        "total": 9998,
        "payment": {"authorised": 9998, "captured": 0},
        "lines": [{"line_id": "1", "sku": "SHOE"}],
        "groups": [GROUP | {"store_id": "S001", "ready_at": None, "promised_ready_at": None, "deadline": None}],
        "holds": [],
        "waiting_for": [],
    }
    route = respx.post(f"{API}/v1/orders").respond(201, json=view)
    file = folder / "order.json"
    file.write_text('{"external_id": "W-1"}')
    result = run(order.app, folder, "place", str(file))
    assert result.exit_code == 0, result.output
    body, headers = sent(route)
    assert (body, headers["authorization"]) == ({"external_id": "W-1"}, "Bearer tl_web")
    assert "99.98 EUR" in result.output
    assert json.loads(run(order.app, folder, "place", str(file), "--json").stdout) == view


@respx.mock
def test_units_are_kept_for_who_has_not_paid_yet(folder: Path) -> None:
    made = {
        "promise_id": "p1",
        "store_id": "S001",
        "ready_at": "2026-11-23T12:00:00Z",
        "expires_at": "2026-11-23T10:15:00Z",
    }
    route = respx.post(f"{API}/v1/promises").respond(201, json=made)
    result = run(order.app, folder, "promise", "--store", "S001", "--line", "SHOE-42=2", "--line", "HAT")
    assert sent(route)[0] == {
        "store_id": "S001",
        "lines": [{"sku": "SHOE-42", "quantity": 2}, {"sku": "HAT", "quantity": 1}],
    }
    assert "p1: ready at S001 by 2026-11-23" in result.output


@respx.mock
def test_what_a_cancel_frees_is_told_as_money(folder: Path) -> None:
    plan = {"release": [], "recall": [], "asked": [], "refused": [], "void": 4999, "refund": 120}
    respx.post(f"{API}/v1/orders/o1/cancel").respond(200, json={"plan": plan, "version": 3, "status": "cancelled"})
    respx.get(f"{API}/v1/orders/o1").respond(200, json={"order_id": "o1", "currency": "EUR"})
    result = run(order.app, folder, "cancel", "o1")
    assert "49.99 EUR are voided and 1.20 EUR refunded; order cancelled" in result.output


@respx.mock
def test_a_command_is_sent_once_with_the_same_key(folder: Path) -> None:
    route = respx.post(f"{API}/v1/pickups/o1/1/accept").respond(200, json=GROUP)
    keys = []
    for words in (["accept", "o1"], ["accept", "o1"], ["--once", "mine", "accept", "o1"]):
        assert run(store.app, folder, *words).exit_code == 0
        keys.append(sent(route)[1]["idempotency-key"])
    assert len(set(keys)) == 3
    assert keys[2] == "mine"


@respx.mock
def test_a_store_s_words_become_the_body_of_its_call(folder: Path) -> None:
    route = respx.post(f"{API}/v1/pickups/o1/2/hand-over").respond(200, json=GROUP)
    words = ["hand-over", "o1", "12345678", "--line", "1=1", "--person", "Pat", "--relation", "friend", "-n", "2"]
    result = run(store.app, folder, "--store", "S002", *words)
    assert result.exit_code == 0, result.output
    body, headers = sent(route)
    assert headers["authorization"] == "Bearer tl_s2"
    assert body == {
        "code": "12345678",
        "lines": [{"line_id": "1", "quantity": 1}],
        "person": {"name": "Pat", "relation": "friend"},
    }


@respx.mock
def test_what_is_found_instead_and_what_is_sold_besides_becomes_the_body(folder: Path) -> None:
    route = respx.post(f"{API}/v1/pickups/o1/1/pick").respond(200, json=GROUP)
    assert run(store.app, folder, "pick", "o1", "--line", "1=1", "--instead", "1:BOOT=1").exit_code == 0
    assert sent(route)[0] == {
        "lines": [{"line_id": "1", "quantity": 1}],
        "substitutes": [{"line_id": "1", "sku": "BOOT", "quantity": 1}],
    }
    assert run(store.app, folder, "pick", "o1", "--line", "1=1", "--instead", "BOOT=1").exit_code != 0
    sale = {"order_id": "o1", "n": 1, "charged": 1980, "sale": {"order_id": "o2", "currency": "EUR"}}
    route = respx.post(f"{API}/v1/pickups/o1/1/extras").respond(201, json=sale)
    result = run(store.app, folder, "extras", "o1", "--receipt", "R-1", "--item", "MUG=2@990", "--till", "T-1")
    assert "Sold for 19.80 EUR as o2." in result.output
    assert sent(route)[0] == {
        "external_id": "R-1",
        "lines": [{"sku": "MUG", "quantity": 2, "unit_price": 990}],
        "tender": {"type": "pay_in_store", "reference": "T-1", "amount": 1980},
    }


@respx.mock
def test_picking_all_asks_what_is_owed_first(folder: Path) -> None:
    respx.get(f"{API}/v1/pickups/o1/1").respond(200, json=GROUP)
    route = respx.post(f"{API}/v1/pickups/o1/1/pick").respond(200, json=GROUP)
    assert run(store.app, folder, "pick", "o1").exit_code == 0
    assert sent(route)[0] == {"lines": [{"line_id": "1", "quantity": 2}]}


@respx.mock
def test_what_is_shipped_has_a_path_of_its_own(folder: Path) -> None:
    parcel = {"carrier": "northway", "tracking_number": "NW1", "status": "label_created"}
    shipment = GROUP | {"kind": "shipment", "units": {"1": {"picked": 2, "shipped": 1}}, "packed": {"1": 1}}
    respx.get(f"{API}/v1/shipments/o1/1").respond(200, json=shipment)
    routes = {
        verb: respx.post(f"{API}/v1/shipments/o1/1/{verb}").respond(200, json=shipment | {"parcels": [parcel]})
        for verb in ("accept", "pack", "ship", "cancel-answer")
    }
    assert run(store.app, folder, "accept", "o1", "--ships").exit_code == 0
    assert run(store.app, folder, "pack", "o1", "--boxes", "2").exit_code == 0
    assert sent(routes["pack"])[0] == {"lines": [{"line_id": "1", "quantity": 1}], "boxes": 2}
    respx.get(f"{API}/v1/shipments/o1/1").respond(200, json=shipment | {"packed": {"1": 2}})
    nothing = run(store.app, folder, "pack", "o1")
    assert (nothing.exit_code, len(routes["pack"].calls)) == (1, 1)
    result = run(store.app, folder, "ship", "o1", "--carrier", "Handcart", "--number", "HC-1")
    assert sent(routes["ship"])[0] == {"carrier": "Handcart", "tracking_number": "HC-1"}
    assert "northway NW1: label_created" in " ".join(result.output.split())
    assert run(store.app, folder, "cancel-answer", "o1", "--not-stopped").exit_code == 0
    assert sent(routes["cancel-answer"])[0] == {"stopped": False}


@respx.mock
def test_operations_choose_a_place_and_read_why_another_was_chosen(folder: Path) -> None:
    moved = respx.post(f"{API}/v1/orders/o1/assign").respond(200, json=GROUP | {"kind": "shipment"})
    words = ["assign", "o1", "W001", "--line", "1=2", "--line", "2", "--reason", "closer"]
    assert run(ops.app, folder, *words).exit_code == 0
    lines = [{"line_id": "1", "quantity": 2}, "2"]
    assert sent(moved)[0] == {"lines": lines, "location_id": "W001", "reason": "closer"}
    decision = {"group": 1, "at": "2026-11-23T10:00:00Z", "words": ["S001: line 1 (2 x SHOE), by rule nearest"]}
    respx.get(f"{API}/v1/ops/routing/o1").respond(200, json={"items": [decision], "next_cursor": None})
    assert "by rule nearest" in run(ops.app, folder, "why", "o1").output


@respx.mock
def test_a_manager_unlocks_with_a_key_of_their_own(folder: Path) -> None:
    route = respx.post(f"{API}/v1/pickups/o1/1/unlock").respond(200, json=GROUP)
    assert run(store.app, folder, "--manager", "unlock", "o1").exit_code == 0
    assert sent(route)[1]["authorization"] == "Bearer tl_m1"


@respx.mock
def test_money_at_the_till_is_reported_with_its_receipt(folder: Path) -> None:
    route = respx.post(f"{API}/v1/orders/o1/payments").respond(202, json={"status": "pending", "look": "/v1/orders/o1"})
    result = run(order.app, folder, "--as", "pos", "pay", "o1", "--till", "POS-17", "--amount", "500")
    assert result.exit_code == 0, result.output
    assert "/v1/orders/o1" in result.output
    assert sent(route)[0] == {"tenders": [{"type": "pay_in_store", "reference": "POS-17", "amount": 500}]}


@respx.mock
def test_a_list_follows_its_pages(folder: Path) -> None:
    rows = [
        {"at": "2026-11-23T10:00:00Z", "principal_id": "web", "action": f"a{n}", "object": "o", "outcome": "done"}
        | {"reason": None}
        for n in range(3)
    ]
    route = respx.get(f"{API}/v1/ops/audit")
    route.side_effect = [
        httpx.Response(200, json={"items": rows[:2], "next_cursor": "more"}),
        httpx.Response(200, json={"items": rows[2:], "next_cursor": None}),
    ]
    result = run(ops.app, folder, "audit", "--json")
    assert [row["action"] for row in json.loads(result.stdout)["items"]] == ["a0", "a1", "a2"]
    assert route.calls.last.request.url.params["cursor"] == "more"


@respx.mock
def test_what_is_sold_beyond_stock_is_set_and_who_waits_is_listed(folder: Path) -> None:
    rule = {"sku": "LAMP", "location_id": "*", "cap": 5, "waiting": 1, "left": 4, "expected_at": None}
    put = respx.put(f"{API}/v1/backorders").respond(200, json=rule)
    result = run(ops.app, folder, "supply", "set", "LAMP", "--cap", "5")
    assert json.loads(put.calls.last.request.content) == {
        "sku": "LAMP",
        "location_id": "*",
        "cap": 5,
        "expected_at": None,
    }
    assert "4 more of LAMP may be sold beyond stock; 1 unit waiting." in result.stdout
    respx.get(f"{API}/v1/backorders").respond(200, json={"items": [rule], "next_cursor": None})
    assert "LAMP" in run(ops.app, folder, "supply", "rules").stdout
    party = {"order_id": "o1", "n": 1, "position": 7, "since": "2026-11-23T10:00:00Z", "expected_at": None}
    lines = [{"line_id": "1", "sku": "LAMP", "store_id": "S001", "quantity": 2}]
    listed = respx.get(f"{API}/v1/backorders/queue").respond(
        200, json={"items": [party | {"lines": lines}], "next_cursor": None}
    )
    shown = run(ops.app, folder, "supply", "queue", "LAMP").stdout
    assert ("o1" in shown, "2 x LAMP" in shown) == (True, True)
    assert listed.calls.last.request.url.params["sku"] == "LAMP"


@respx.mock
def test_a_kit_is_picked_by_its_components(folder: Path) -> None:
    route = respx.post(f"{API}/v1/pickups/o1/1/pick").respond(422, json={"title": "No", "status": 422, "detail": "No."})
    run(store.app, folder, "pick", "o1", "--line", "2=1", "--piece", "1:LAMP=2", "--piece", "1:BULB=5")
    assert json.loads(route.calls.last.request.content)["lines"] == [
        {"line_id": "2", "quantity": 1},
        {"line_id": "1", "components": [{"sku": "LAMP", "quantity": 2}, {"sku": "BULB", "quantity": 5}]},
    ]
    wrong = run(store.app, folder, "pick", "o1", "--piece", "LAMP=2")
    assert (wrong.exit_code, "1:BULB=2" in wrong.stderr) == (1, True)


@respx.mock
def test_a_problem_is_one_line_that_says_what_to_do(folder: Path) -> None:
    problem = {
        "title": "The request does not fit the contract",
        "status": 422,
        "detail": "See errors.",
        "errors": [{"pointer": "/until", "reason": "Should be an RFC 3339 time"}],
    }
    respx.post(f"{API}/v1/pickups/o1/1/extend").respond(422, json=problem)
    without = run(store.app, folder, "extend", "o1")
    assert (without.exit_code, "throughline store extend o1 2026-11-30T17:00:00Z" in without.stderr) == (1, True)
    result = run(store.app, folder, "extend", "o1", "tomorrow")
    assert result.exit_code == 1
    assert result.stderr.strip().count("\n") == 0
    assert "contract: /until: Should be an RFC 3339 time." in result.stderr
    assert result.stdout == ""


def test_without_a_stack_or_an_api_it_says_how_to_get_one(tmp_path: Path, folder: Path) -> None:
    missing = run(ops.app, tmp_path / "nowhere", "orders")
    assert (missing.exit_code, "throughline up" in missing.stderr) == (1, True)
    away = run(ops.app, folder, "orders")
    assert (away.exit_code, "There is no API at" in away.stderr) == (1, True)


@pytest.mark.parametrize(
    "words",
    [
        ["pay", "o1", "--amount", "5"],
        ["pay", "o1", "--amount", "5", "--token", "a", "--till", "b"],
        ["cancel", "o1", "--line", "1=x"],
        ["place", "/nowhere/order.json"],
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_sent(words: list[str], folder: Path) -> None:
    result = run(order.app, folder, *words)
    assert result.exit_code == 1
    assert result.stderr.startswith("✗")


def test_the_key_is_never_printed(folder: Path) -> None:
    result = run(ops.app, folder, "orders")
    assert "tl_ada" not in result.output + result.stderr


@respx.mock
def test_an_order_names_the_units_of_its_pickups_by_sku(folder: Path) -> None:
    group = GROUP | {"store_id": "S001", "lines": [{"line_id": "1", "quantity": 2}]}
    times = dict.fromkeys(("ready_at", "promised_ready_at", "deadline"))
    shown = {
        "order_id": "o1",
        "status": "in_progress",
        "version": 2,
        "channel": "web",
        "external_id": "W-1",
        "currency": "EUR",
        "total": 200,
        "payment": {},
        "lines": [{"line_id": "1", "sku": "SHOE"}],
        "groups": [group | times],
        "holds": [],
        "waiting_for": [],
    }
    respx.get(f"{API}/v1/orders/o1").respond(200, json=shown)
    result = run(order.app, folder, "show", "o1")
    assert result.exit_code == 0, result.output
    assert "2 x SHOE" in result.output


@respx.mock
@pytest.mark.parametrize(("records", "said"), [(1, "1 record can"), (2, "2 records can")])
def test_one_record_is_no_records(folder: Path, records: int, said: str) -> None:
    respx.post(f"{API}/v1/ops/erasures").respond(201, json={"customer_ref": "C-1", "keys": 1, "records": records})
    assert said in run(ops.app, folder, "erase", "C-1", "--reason", "asked for it").stdout


@respx.mock
def test_an_order_is_changed_with_its_totals_shown_before_and_after(folder: Path) -> None:
    before = {"lines": 4999, "shipping": 0, "tax": 798, "total": 4999}
    shown = {
        "before": before,
        "after": before | {"lines": 9998, "total": 9998},
        "owed": 4999,
        "due": 0,
        "applied": True,
        "status": "in_progress",
        "plan": {},
    }
    changed = respx.post(f"{API}/v1/orders/o1/changes").respond(200, json=shown)
    words = ["change", "o1", "--quantity", "1=2", "--remove", "3", "--token", "tok_ok", "--amount", "4999"]
    result = run(order.app, folder, *words)
    assert result.exit_code == 0, result.output
    tenders = [{"type": "card", "token": "tok_ok", "amount": 4999}]
    assert sent(changed)[0] == {"quantity": {"1": 2}, "remove": ["3"], "tenders": tenders}
    assert "4999 owed, 0 due; the change is made" in result.output
    told = ["--contact", "new@example.org", "--contact", "+49301234567"]
    assert run(order.app, folder, "change", "o1", *told).exit_code == 0
    assert sent(changed)[0] == {"contact": {"email": "new@example.org", "phone": "+49301234567"}}
    there = ["--address", '{"line1": "There 1"}', "--prices", '{"shipping": 250}']
    assert run(order.app, folder, "change", "o1", *there).exit_code == 0
    assert sent(changed)[0] == {"address": {"line1": "There 1"}, "prices": {"shipping": 250}}
    assert run(order.app, folder, "change", "o1", "--contact", "a@b.example", "--contact", "c@d.example").exit_code != 0
    assert run(order.app, folder, "change", "o1", "--quantity", "1").exit_code != 0
    assert run(order.app, folder, "change", "o1", "--add", "[").exit_code != 0
    assert changed.call_count == 3, "what cannot be read is not sent"


@respx.mock
def test_what_a_store_could_not_give_out_is_sent_home(folder: Path) -> None:
    chosen = respx.post(f"{API}/v1/orders/o1/choice").respond(200, json=GROUP | {"kind": "shipment", "n": 2})
    home = {"name": "A", "line1": "Street 1", "postal_code": "10115", "city": "Berlin", "country": "DE"}
    result = run(order.app, folder, "choose", "o1", "ship", "--address", json.dumps(home), "--service", "express")
    assert result.exit_code == 0, result.output
    assert sent(chosen)[0] == {"option": "ship", "address": home, "service": "express"}
    assert "shipment 2 of o1" in result.output


GOODWILL = {
    "appeasement_id": "a1",
    "order_id": "o1",
    "amount": 500,
    "currency": "EUR",
    "reason": "torn",
    "to": "original",
    "status": "awaiting_approval",
    "requested_by": "tom",
}


@respx.mock
def test_goodwill_is_given_and_a_second_person_approves_it(folder: Path) -> None:
    given = respx.post(f"{API}/v1/orders/o1/appeasements").respond(201, json=GOODWILL)
    result = run(order.app, folder, "appease", "o1", "500", "--reason", "torn", "--to", "store_credit")
    assert (result.exit_code, sent(given)[0]) == (0, {"amount": 500, "reason": "torn", "to": "store_credit"})
    assert "5.00 EUR is awaiting approval" in result.output
    respx.get(f"{API}/v1/approvals").respond(200, json={"items": [GOODWILL], "next_cursor": None})
    assert "5.00 EUR" in run(ops.app, folder, "approvals").output
    approved = respx.post(f"{API}/v1/approvals/a1/approve").respond(200, json=GOODWILL | {"status": "paid"})
    assert "a1 is paid" in run(ops.app, folder, "approve", "a1").output
    assert sent(approved)[0] == {}
    respx.post(f"{API}/v1/approvals/a1/refuse").respond(200, json=GOODWILL | {"status": "refused"})
    assert "a1 is refused" in run(ops.app, folder, "refuse", "a1", "--reason", "no").output


@respx.mock
def test_a_balance_is_shown_with_its_history_and_issued_with_its_number(folder: Path) -> None:
    card = {"kind": "gift_card", "id": "b1", "currency": "EUR", "status": "active", "balance": 5000, "held": 1000}
    entry = {"at": "2026-11-22T10:00:00Z", "movement": "hold", "amount": 1000, "reference": "o1", "reason": None}
    shown = card | {"last_four": "QRST", "history": [entry], "next_cursor": None}
    respx.get(f"{API}/v1/balances/gift_card/b1").respond(200, json=shown)
    result = run(balance.app, folder, "show", "gift_card", "b1")
    assert "QRST is active: 50.00 EUR, of which 10.00 EUR is held" in result.output
    issued = respx.post(f"{API}/v1/balances/credit").respond(201, json=card | {"number": "BCDF-GHJK-LMNP-QRST"})
    result = run(balance.app, folder, "issue", "credit", "5000", "--reason", "moving", "--customer", "C-1")
    body, headers = sent(issued)
    assert (body["customer_ref"], headers["authorization"]) == ("C-1", "Bearer tl_ada")
    assert "Number: BCDF-GHJK-LMNP-QRST" in result.output


@respx.mock
def test_what_nobody_finds_the_order_of_brings_a_number(folder: Path) -> None:
    answer = {"return_id": "r1", "refund": 3000, "number": "BCDF-GHJK-LMNP-QRST", "balance_id": "b1"}
    route = respx.post(f"{API}/v1/returns").respond(201, json=answer)
    words = ("--store", "S001", "blind", "--item", "SHOE=2", "--identity", "ID-77", "--email", "a@example.org")
    result = run(returns.app, folder, *words, "--locale", "de-DE")
    body, headers = sent(route)
    assert (body["store_id"], headers["authorization"]) == ("S001", "Bearer tl_s1")
    assert body["blind"]["lines"] == [{"sku": "SHOE", "quantity": 2, "condition": "new", "disposition": "restock"}]
    assert (body["blind"]["email"], body["blind"]["locale"]) == ("a@example.org", "de-DE")
    assert "30.00 EUR of store credit" in result.output
    assert "Number: BCDF-GHJK-LMNP-QRST" in result.output
    line = body["blind"]["lines"][0] | {"unit_price": 1500}
    taken = {"store_id": "S001", "currency": "EUR", "lines": [line]}
    seen = {"return_id": "r1", "status": "settled", "refund": 3000, "last_four": "QRST", "blind": taken}
    respx.get(f"{API}/v1/returns/r1").respond(200, json=seen)
    result = run(returns.app, folder, "--store", "S001", "show", "r1")
    assert "taken back at S001, is settled" in result.output
    assert "store credit …QRST: 30.00 EUR" in result.output


LINE = {
    "line_id": "1",
    "sku": "SHOE-42",
    "reason": "wrong_size",
    "decision": {"outcome": "allowed", "reasons": [{"why": "in_window"}]},
    "undecided": 0,
    "refused": 0,
    "awaited": 2,
    "received": 0,
    "accepted": 0,
    "declined": 0,
    "closed": 0,
    "turned_up": 0,
}
RETURN = {
    "return_id": "r1",
    "order_id": "o1",
    "kind": "exchange",
    "status": "awaiting_payment",
    "version": 2,
    "currency": "EUR",
    "lines": [LINE],
    "paid_back": [],
    "strangers": [],
    "waiting_for": [{"what": "customer pays", "who": "customer", "deadline": None, "default": "plain return"}],
}
EXCHANGE = {
    "order_id": "x1",
    "state": "placed",
    "reason": None,
    "lines": [{"sku": "SHOE-43", "quantity": 2}],
    "credit": 9998,
    "owed": 500,
    "back": 0,
    "secured": 9998,
    "charged": 0,
}


@respx.mock
def test_an_exchange_names_what_is_wanted_for_each_line_and_the_card_that_stands_for_it(folder: Path) -> None:
    route = respx.post(f"{API}/v1/returns").respond(201, json=RETURN | {"exchange": EXCHANGE})
    words = ["ask", "W-1", "--line", "1=2", "--line", "2=1", "--kind", "exchange", "--reason", "wrong_size"]
    result = run(returns.app, folder, *words, "--want", "1=SHOE-43", "--want", "2=CAP-1:3")
    assert result.exit_code == 0, result.output
    body, headers = sent(route)
    assert (body["kind"], body["lookup"], headers["authorization"]) == (
        "exchange",
        {"code": "W-1"},
        "Bearer tl_call_centre",
    )
    assert [each["wanted"] for each in body["lines"]] == [
        {"sku": "SHOE-43", "quantity": 2},
        {"sku": "CAP-1", "quantity": 3},
    ]
    assert not {"advance", "tenders"} & set(body), "nothing is sent or charged in advance unless it is asked for"
    shown = (
        "instead: 2 SHOE-43, order x1, placed; paid by what comes back: 99.98 EUR, on top: 5.00 EUR, held: 99.98 EUR"
    )
    assert shown in " ".join(result.output.split())
    first = ["--want", "1=SHOE-43", "--advance", "--card", "tok_ok", "--amount", "9998"]
    assert run(returns.app, folder, *words, *first).exit_code == 0
    body, _ = sent(route)
    assert (body["advance"], body["tenders"]) == (True, [{"type": "card", "token": "tok_ok", "amount": 9998}])
    for wrong in ("3=SHOE-43", "1", "1=", "1=SHOE-43:x"):
        assert run(returns.app, folder, *words, "--want", wrong).exit_code != 0
    assert route.call_count == 2, "what cannot be read is not sent"


@respx.mock
def test_an_exchange_is_previewed_and_a_card_stands_for_what_goes_back_in_advance(folder: Path) -> None:
    reasons = [{"line_id": "1", "outcome": "allowed", "reasons": []}]
    answer = {"refund": 0, "owed": 500, "fees": 0, "advance": 0, "if_lost": None, "reasons": reasons}
    seen = respx.post(f"{API}/v1/returns/preview").respond(200, json=answer)
    words = ["ask", "a@example.org", "--line", "1", "--kind", "exchange", "--want", "1=SHOE-43", "--preview"]
    result = run(returns.app, folder, *words)
    assert (result.exit_code, sent(seen)[0]["lookup"]) == (0, {"email": "a@example.org"})
    assert "refund 0, owed 500, fees 0" in result.output
    assert "as soon as it is given away" not in result.output
    seen.respond(200, json=answer | {"refund": 4999, "owed": 0, "advance": 4999, "if_lost": "charge"})
    posted = ["ask", "W-1", "--line", "1=1", "--via", "post"]
    result = run(returns.app, folder, *posted, "--preview")
    assert "4999 as soon as it is given away; should it never come: charge" in " ".join(result.output.split())
    card = {"state": "held", "at_most": 5000, "secured": 4999, "charged": 0, "reason": None}
    route = respx.post(f"{API}/v1/returns").respond(201, json=RETURN | {"kind": "return", "card": card, "owed": 100})
    result = run(returns.app, folder, *posted, "--card", "tok_ok", "--amount", "5000")
    assert sent(route)[0]["tenders"] == [{"type": "card", "token": "tok_ok", "amount": 5000}]
    assert "card for what goes back in advance: held; up to 50.00 EUR, secured: 49.99 EUR" in result.output
    assert "owed by the customer: 1.00 EUR" in result.output
