"""`throughline order …`: what channels and customer service do with orders."""

import json as jsons
import sys
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from domain.intake import Service, TenderType
from domain.refunds import RefundTarget
from gateway.cli import output
from gateway.cli.session import AsJson, as_channel, fail, session_of
from workflows.messages import CancelReason, ChoiceOption

app = typer.Typer(help="Place, find and change orders.", no_args_is_help=True)

OrderArgument = Annotated[str, typer.Argument(help="The order's id.", metavar="ORDER")]
LineOption = Annotated[list[str] | None, typer.Option("--line", help="A line, or some units of it: 1 or 1=2.")]


app.callback(help="Place, find and change orders.")(as_channel)


@app.command()
def place(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The order as JSON; - for standard input.")],
    json: AsJson = False,
) -> None:
    """Place the order in FILE; the answer is its fate."""
    try:
        body = jsons.loads(sys.stdin.read() if str(file) == "-" else file.read_text())
    except OSError:
        fail(f"{file} cannot be read.", "Name a file with the order as JSON, or - for standard input.")
    except ValueError:
        fail(f"{file} is not JSON.", "See `POST /v1/orders` under /docs.")
    if not isinstance(body, dict):
        fail(f"{file} holds no order.", "See `POST /v1/orders` under /docs.")
    _show(session_of(context).post("/v1/orders", body), json)


@app.command()
def show(context: typer.Context, order: OrderArgument, json: AsJson = False) -> None:
    """One order: its pickups, its money, and what it waits for."""
    _show(session_of(context).get(f"/v1/orders/{_safe(order)}"), json)


@app.command("list")
def list_(
    context: typer.Context,
    status: Annotated[
        str | None, typer.Option(help="held, in_progress, needs_attention, completed, cancelled.")
    ] = None,
    store: Annotated[str | None, typer.Option(help="With work at this store.")] = None,
    customer: Annotated[str | None, typer.Option(help="A customer's reference.")] = None,
    channel: Annotated[str | None, typer.Option(help="Of this channel.")] = None,
    external_id: Annotated[str | None, typer.Option(help="The channel's own order id.")] = None,
    most: Annotated[int, typer.Option(help="So many at most.", min=1)] = 20,
    json: AsJson = False,
) -> None:
    """Orders, newest first."""
    filters = {"status": status, "store": store, "customer": customer, "channel": channel, "external_id": external_id}
    show_orders(list(session_of(context).pages("/v1/orders", most, **filters)), json)


@app.command()
def timeline(context: typer.Context, order: OrderArgument, json: AsJson = False) -> None:
    """What happened, in order."""
    events = list(session_of(context).pages(f"/v1/orders/{_safe(order)}/timeline", 10_000))
    if json:
        output.show_json({"items": events})
        return
    view = session_of(context).get(f"/v1/orders/{_safe(order)}")
    output.table(
        ("when", "what", "who", "where", "why", "details"),
        (
            (
                output.time(event["at"]),
                event["event"].replace("_", " "),
                event["on_behalf_of"] or event["actor"],
                event["place"] or event["channel"],
                event["reason"],
                output.facts(event["data"], view),
            )
            for event in events
        ),
        "Nothing yet.",
    )


@app.command()
def promise(
    context: typer.Context,
    line: Annotated[list[str], typer.Option("--line", help="Units of an article: SHOE-42=2.")],
    store: Annotated[str, typer.Option(help="Where they are collected.")],
    at: Annotated[
        str | None, typer.Option(help="When, e.g. 2026-11-30T17:00:00Z; as soon as can be when left out.")
    ] = None,
    json: AsJson = False,
) -> None:
    """Keep units for a customer who has not paid yet; an order names the promise and has them."""
    units = [{"sku": sku, "quantity": int(quantity or "1")} for sku, quantity in _units(line)]
    answer = session_of(context).post("/v1/promises", {"store_id": store, "lines": units, "requested_pickup_at": at})
    if json:
        output.show_json(answer)
        return
    output.done(
        f"{answer['promise_id']}: ready at {answer['store_id']} by {output.time(answer['ready_at'])}, "
        f"kept until {output.time(answer['expires_at'])}."
    )


@app.command()
def cancel(
    context: typer.Context,
    order: OrderArgument,
    line: LineOption = None,
    reason: Annotated[CancelReason, typer.Option(help="Why.")] = CancelReason.CUSTOMER,
    preview: Annotated[bool, typer.Option(help="Only say what would be done.")] = False,
    json: AsJson = False,
) -> None:
    """Cancel all that can be, or some lines."""
    body = {"reason": reason.value, "lines": _lines(line), "preview": preview or None}
    answer = session_of(context).post(f"/v1/orders/{_safe(order)}/cancel", body)
    if json or "plan" not in answer:
        output.show_json(answer)
        return
    plan = answer["plan"]
    rows = [(what, part["n"], part["line_id"], part["quantity"]) for what in _PARTS for part in plan[what]]
    output.table(("what", "pickup", "line", "units"), rows, "No units.")
    would = "would be" if preview else "are"
    currency = session_of(context).get(f"/v1/orders/{_safe(order)}")["currency"]
    void, refund = (output.money(plan[what], currency) for what in ("void", "refund"))
    output.done(f"{void} {would} voided and {refund} refunded; order {answer['status']}")


_PARTS = ("release", "recall", "asked", "refused")


@app.command()
def choose(
    context: typer.Context,
    order: OrderArgument,
    option: Annotated[ChoiceOption, typer.Argument(help="The customer's answer.")],
    store: Annotated[str | None, typer.Option(help="With other_store: which; else the best.")] = None,
    pickup: Annotated[int | None, typer.Option("--pickup", help="Which pickup, if several wait.")] = None,
    address: Annotated[str | None, typer.Option(help="With ship: where to, as JSON.")] = None,
    service: Annotated[Service | None, typer.Option(help="With ship: how fast.")] = None,
    json: AsJson = False,
) -> None:
    """Give the customer's answer after a rejection."""
    body = {
        "option": option.value,
        "store_id": store,
        "n": pickup,
        "address": _json(address),
        "service": service.value if service else None,
    }
    answer = session_of(context).post(f"/v1/orders/{_safe(order)}/choice", body)
    output.show_json(answer) if json else output.pickup(answer)


@app.command()
def change(
    context: typer.Context,
    order: OrderArgument,
    quantity: Annotated[list[str] | None, typer.Option(help="LINE=UNITS that the customer wants to have.")] = None,
    remove: Annotated[list[str] | None, typer.Option(help="A line to take off.")] = None,
    add: Annotated[str | None, typer.Option(help="Lines to add, as a JSON list.")] = None,
    address: Annotated[str | None, typer.Option(help="The new address of what is shipped, as JSON.")] = None,
    prices: Annotated[str | None, typer.Option(help="With --address: what it costs there, as JSON.")] = None,
    method: Annotated[str | None, typer.Option(help="Lines and their new fulfilment, as JSON.")] = None,
    contact: Annotated[
        list[str] | None, typer.Option(help="Where the customer is told from now on: a mail address or a phone number.")
    ] = None,
    token: Annotated[str | None, typer.Option(help="A card's token, for what is owed.")] = None,
    amount: Annotated[int | None, typer.Option(help="With --token: minor units.", min=1)] = None,
    preview: Annotated[bool, typer.Option(help="Only say what would be done.")] = False,
    drop: Annotated[bool, typer.Option(help="Give up the change that waits for its payment.")] = False,
    json: AsJson = False,
) -> None:
    """Change lines, quantities, the address, the way or the contact of a placed order."""
    body = {
        "quantity": _quantities(quantity),
        "remove": remove or None,
        "add": _json(add),
        "address": _json(address),
        "prices": _json(prices),
        "method": _json(method),
        "contact": _contact(contact),
        "tenders": [{"type": TenderType.CARD.value, "token": token, "amount": amount}] if token else None,
        "preview": preview or None,
        "drop": drop or None,
    }
    answer = session_of(context).post(f"/v1/orders/{_safe(order)}/changes", body)
    if json or "plan" not in answer:
        output.show_json(answer)
        return
    rows = [(name, answer["before"][name], answer["after"][name]) for name in ("lines", "shipping", "tax", "total")]
    output.table(("minor units", "before", "after"), rows, "")
    made = "made" if answer["applied"] else "not made"
    output.done(f"{answer['owed']} owed, {answer['due']} due; the change is {made}; order {answer['status']}")


def _quantities(given: list[str] | None) -> dict[str, int] | None:
    found: dict[str, int] = {}
    for each in given or ():
        line, _, units = each.partition("=")
        if not units.isdecimal():
            fail(f"{each} names no units.", "Write two units of line 1 as 1=2.")
        found[line] = int(units)
    return found or None


def _contact(given: list[str] | None) -> dict[str, str] | None:
    """A mail address has an at sign; anything else is a phone number."""
    found: dict[str, str] = {}
    for each in given or ():
        kind = "email" if "@" in each else "phone"
        if kind in found:
            fail(f"{each} is another {kind}.", "Name one mail address, one phone number, or both.")
        found[kind] = each
    return found or None


def _json(given: str | None) -> object:
    if given is None:
        return None
    try:
        return jsons.loads(given)
    except ValueError:
        return fail(f"{given} is no JSON.", "See `POST /v1/orders/{order_id}/changes` under /docs.")


@app.command()
def pay(
    context: typer.Context,
    order: OrderArgument,
    amount: Annotated[int, typer.Option(help="Minor units.", min=1)],
    token: Annotated[str | None, typer.Option(help="A card's token of the payment provider.")] = None,
    till: Annotated[str | None, typer.Option(help="The till's receipt: it was paid in the store.")] = None,
    json: AsJson = False,
) -> None:
    """Pay what is due, by card or at the till (`--as pos`)."""
    if (token is None) == (till is None):
        fail("Give either --token or --till.")
    by_card = {"type": TenderType.CARD.value, "token": token, "amount": amount}
    at_till = {"type": TenderType.PAY_IN_STORE.value, "reference": till, "amount": amount}
    answer = session_of(context).post(
        f"/v1/orders/{_safe(order)}/payments", {"tenders": [by_card if token else at_till]}
    )
    _show(answer, json)


@app.command()
def appease(
    context: typer.Context,
    order: OrderArgument,
    amount: Annotated[int, typer.Argument(help="Minor units.", min=1)],
    reason: Annotated[str, typer.Option(help="What went wrong.")],
    to: Annotated[RefundTarget, typer.Option(help="original or store_credit.")] = RefundTarget.ORIGINAL,
    json: AsJson = False,
) -> None:
    """Give goodwill: money, and nothing has to come back."""
    body = {"amount": amount, "reason": reason, "to": to.value}
    answer = session_of(context).post(f"/v1/orders/{_safe(order)}/appeasements", body)
    if json or "appeasement_id" not in answer:
        output.show_json(answer)
        return
    money = output.money(answer["amount"], answer["currency"])
    output.done(f"goodwill {answer['appeasement_id']} of {money} is {answer['status'].replace('_', ' ')}")


@app.command()
def messages(context: typer.Context, order: OrderArgument, json: AsJson = False) -> None:
    """What was told to whom about the order."""
    found = list(session_of(context).pages(f"/v1/orders/{_safe(order)}/messages", 2000))
    if json:
        output.show_json({"items": found})
        return
    output.table(
        ("when", "what", "to", "state", "id"),
        (
            (output.time(each["at"]), each["kind"], each["store_id"] if each["audience"] == "store" else "customer",
             each["state"], each["id"])
            for each in found
        ),
        "Nothing was sent.",
    )  # fmt: skip


@app.command()
def resend(
    context: typer.Context,
    order: OrderArgument,
    message: Annotated[str, typer.Argument(help="The message's id.")],
    json: AsJson = False,
) -> None:
    """Send a message once more."""
    answer = session_of(context).post(f"/v1/orders/{_safe(order)}/messages/{_safe(message)}/resend")
    output.show_json(answer) if json else output.done(f"A copy goes out as {answer['id']}.")


@app.command()
def ledger(context: typer.Context, order: OrderArgument, json: AsJson = False) -> None:
    """The order's money as our books have it."""
    answer = session_of(context).get(f"/v1/orders/{_safe(order)}/ledger")
    if json:
        output.show_json(answer)
        return
    output.table(
        ("when", "what", "status", "amount", "for"),
        (
            (output.time(each["requested_at"]), each["kind"], each["status"],
             output.money(each["booked"], each["currency"]), each["purpose"] or each["reason"])
            for each in answer["operations"]
        ),
        "No money moved.",
    )  # fmt: skip
    for violation in answer["violations"]:
        output.print_plain(
            f"wrong: {violation['rule']} {violation['subject']}: {violation['left']} > {violation['right']}"
        )


def show_orders(orders: list[dict[str, Any]], json: bool) -> None:
    if json:
        output.show_json({"items": orders})
        return
    output.table(
        ("order", "channel", "external id", "status", "total", "stores", "placed"),
        (
            (
                each["order_id"],
                each["channel"],
                each["external_id"],
                each["status"],
                output.money(each["total"], each["currency"]),
                " ".join(dict.fromkeys(group["store_id"] for group in each["groups"] if group["store_id"])),
                output.time(each["placed_at"]),
            )
            for each in orders
        ),
        "No orders.",
    )


def _show(answer: dict[str, Any], json: bool) -> None:
    if json:
        output.show_json(answer)
    elif "look" in answer:
        output.done(f"Taken. Its fate will show under {answer['look']}.")
    else:
        output.order(answer)


def _lines(given: list[str] | None) -> list[object] | None:
    """`1` is the whole line, `1=2` two units of it."""
    if not given:
        return None
    found: list[object] = []
    for each in given:
        line, _, quantity = each.partition("=")
        if quantity and not quantity.isdecimal():
            fail(f"{each} names no units.", "Write a line as 1, or two units of it as 1=2.")
        found.append({"line_id": line, "quantity": int(quantity)} if quantity else line)
    return found


def _units(given: list[str]) -> list[tuple[str, str]]:
    """`SHOE-42=2`; one unit where no number is given."""
    pairs = [(sku, quantity) for sku, _, quantity in (each.partition("=") for each in given)]
    for sku, quantity in pairs:
        if not sku or (quantity and not quantity.isdecimal()):
            fail(f"{sku}={quantity} names no units.", "Write two units of SHOE-42 as SHOE-42=2.")
    return pairs


def _safe(part: str) -> str:
    return quote(part, safe="")
