"""`throughline store …`: what the people in a store do."""

from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from domain.intake import Relation
from domain.pickups import ProofKind
from domain.stock import MovementKind, RejectReason
from gateway.cli import output
from gateway.cli.session import DEFAULT_DATA, ApiKey, AsJson, Data, Once, Session, Url, fail, session_of
from workflows.messages import Disposition, ShortageResolution

A_TIME = "2026-11-30T17:00:00Z"
app = typer.Typer(help="A store's work: accept, pick, make ready, hand over, pack, ship.", no_args_is_help=True)

OrderArgument = Annotated[str, typer.Argument(help="The order's id.", metavar="ORDER")]
Pickup = Annotated[int, typer.Option("--pickup", "-n", help="Which group of the order.", min=1)]
Shipment = Annotated[int, typer.Option("--shipment", "-n", help="Which shipment of the order.", min=1)]
Ships = Annotated[bool, typer.Option("--ships", help="It is a shipment, not a pickup.")]
Lines = Annotated[list[str] | None, typer.Option("--line", help="Units of a line: 1=2. All when left out.")]
SomeLines = Annotated[list[str], typer.Option("--line", help="Units of a line: 1=2.")]


@app.callback()
def store(
    context: typer.Context,
    store: Annotated[str, typer.Option("--store", "-s", help="The store.", envvar="THROUGHLINE_STORE")] = "S001",
    manager: Annotated[bool, typer.Option("--manager", help="Act as the store's manager.")] = False,
    url: Url = None,
    key: ApiKey = None,
    data: Data = DEFAULT_DATA,
    once: Once = None,
) -> None:
    """A store's work: accept, pick, make ready, hand over, pack, ship."""
    context.obj = Session(url, key, Path(data), (_keys_of(store, manager), store), once)
    context.meta["store"] = store


@app.command("tasks")
def tasks_(context: typer.Context, json: AsJson = False) -> None:
    """The work queue, by promise time."""
    tasks = list(session_of(context).pages(f"/v1/stores/{_here(context)}/tasks", 2000))
    if json:
        output.show_json({"items": tasks})
        return
    output.table(
        ("task", "order", "kind", "n", "number", "units", "promised", "until", "where"),
        (
            (
                task["task"].replace("_", " ") + (" (overdue)" if task["overdue"] else ""),
                task["order_id"],
                task["kind"],
                task["n"],
                task["external_id"],
                output.lines(task["lines"]),
                output.time(task["promised_ready_at"]),
                output.time(task["deadline"]),
                output.where(task),
            )
            for task in tasks
        ),
        "Nothing to do.",
    )


@app.command()
def show(
    context: typer.Context, order: OrderArgument, n: Pickup = 1, ships: Ships = False, json: AsJson = False
) -> None:
    """One pickup or shipment."""
    answer = session_of(context).get(_path(order, n, ships))
    output.show_json(answer) if json else output.pickup(answer)


@app.command()
def accept(
    context: typer.Context, order: OrderArgument, n: Pickup = 1, ships: Ships = False, json: AsJson = False
) -> None:
    """Take it on."""
    _send(context, order, n, "accept", {}, json, ships)


@app.command()
def reject(
    context: typer.Context,
    order: OrderArgument,
    reason: Annotated[RejectReason, typer.Option(help="Why the store cannot serve it.")],
    line: Lines = None,
    n: Pickup = 1,
    ships: Ships = False,
    json: AsJson = False,
) -> None:
    """Say that the store cannot serve some or all units."""
    _send(context, order, n, "reject", {"reason": reason.value, "lines": _lines(line)}, json, ships)


@app.command()
def pick(
    context: typer.Context,
    order: OrderArgument,
    line: Lines = None,
    piece: Annotated[
        list[str] | None,
        typer.Option("--piece", help="Of a kit that is short: pieces found of a component, 1:SKU=2."),
    ] = None,
    instead: Annotated[
        list[str] | None,
        typer.Option("--instead", help="Found instead of missing units of a line: 1:SKU=2."),
    ] = None,
    staged_at: Annotated[str | None, typer.Option(help="Where the units stand.")] = None,
    n: Pickup = 1,
    ships: Ships = False,
    json: AsJson = False,
) -> None:
    """Say what was found; all of it when no line is named."""
    lines = _lines(line)
    if piece:
        lines = [*(lines or []), *_pieces(piece)]
    if lines is None:
        owed = session_of(context).get(_path(order, n, ships))["lines"]
        lines = [{"line_id": each["line_id"], "quantity": each["quantity"]} for each in owed]
    body = {"lines": lines, "staged_at": staged_at, "substitutes": _instead(instead)}
    _send(context, order, n, "pick", body, json, ships)


@app.command("deposit-code")
def deposit_code(context: typer.Context, order: OrderArgument, n: Pickup = 1, json: AsJson = False) -> None:
    """What opens the locker's compartment once; put the goods in and close the door, then it is ready."""
    answer = session_of(context).get(f"{_path(order, n)}/deposit-code")
    if json:
        output.show_json(answer)
        return
    held = f", held until {output.time(answer['until'])}" if answer["until"] else ""
    output.done(f"Locker {answer['locker_id']}, compartment {answer['compartment_id']}{held}: code {answer['code']}")


@app.command()
def ready(
    context: typer.Context,
    order: OrderArgument,
    location: Annotated[str | None, typer.Option(help="Where the units wait.")] = None,
    n: Pickup = 1,
    json: AsJson = False,
) -> None:
    """Staged, or put into its locker: the customer is told."""
    _send(context, order, n, "ready", {"location": location}, json)


@app.command()
def arrived(
    context: typer.Context,
    order: OrderArgument,
    bay: Annotated[str | None, typer.Option(help="The parking bay.")] = None,
    vehicle: Annotated[str | None, typer.Option(help="The car.")] = None,
    n: Pickup = 1,
    json: AsJson = False,
) -> None:
    """The customer is outside."""
    _send(context, order, n, "arrived", {"bay": bay, "vehicle": vehicle}, json)


@app.command()
def arrive(
    context: typer.Context,
    order: OrderArgument,
    line: Lines = None,
    damaged: Annotated[list[str] | None, typer.Option("--damaged", help="Units that came broken: 1=2.")] = None,
    n: Pickup = 1,
    json: AsJson = False,
) -> None:
    """Say what came of goods that another place sent; all of it when no line is named."""
    body = {"lines": _lines(line), "damaged": _lines(damaged) or []}
    answer = session_of(context).post(f"/v1/shipments/{quote(order, safe='')}/{n}/arrive", body)
    output.show_json(answer) if json else output.pickup(answer)


@app.command("hand-over")
def hand_over(
    context: typer.Context,
    order: OrderArgument,
    code: Annotated[str, typer.Argument(help="The customer's code.")],
    line: Lines = None,
    person: Annotated[str | None, typer.Option(help="Who collects, if not the buyer.")] = None,
    relation: Annotated[Relation, typer.Option(help="Who that is to the buyer.")] = Relation.OTHER,
    proof: Annotated[ProofKind | None, typer.Option(help="What was seen besides the code.")] = None,
    n: Pickup = 1,
    json: AsJson = False,
) -> None:
    """Give units to the customer; exactly these are charged."""
    body = {
        "code": code,
        "lines": _lines(line),
        "person": {"name": person, "relation": relation.value} if person else None,
        "proof": {"kind": proof.value} if proof else None,
    }
    _send(context, order, n, "hand-over", body, json)


@app.command()
def refuse(
    context: typer.Context,
    order: OrderArgument,
    line: SomeLines,
    reason: Annotated[str, typer.Option(help="The customer's reason.")],
    disposition: Annotated[Disposition, typer.Option(help="What becomes of the units.")] = Disposition.RESTOCK,
    n: Pickup = 1,
    json: AsJson = False,
) -> None:
    """The customer does not want units after all."""
    body = {"lines": _lines(line), "reason": reason, "disposition": disposition.value}
    _send(context, order, n, "refuse", body, json)


@app.command()
def shortage(
    context: typer.Context,
    order: OrderArgument,
    line: SomeLines,
    resolution: Annotated[ShortageResolution, typer.Option(help="How to go on.")],
    n: Pickup = 1,
    json: AsJson = False,
) -> None:
    """A staged unit is missing at the counter."""
    _send(context, order, n, "shortage", {"lines": _lines(line), "resolution": resolution.value}, json)


@app.command()
def extend(
    context: typer.Context,
    order: OrderArgument,
    until: Annotated[str | None, typer.Argument(help=f"An RFC 3339 time, e.g. {A_TIME}.", show_default=False)] = None,
    n: Pickup = 1,
    json: AsJson = False,
) -> None:
    """Keep it longer for the customer."""
    if until is None:
        fail("Until when?", f"Name a time with its offset: throughline store extend {order} {A_TIME}")
    _send(context, order, n, "extend", {"until": until}, json)


@app.command("resend-code")
def resend_code(context: typer.Context, order: OrderArgument, n: Pickup = 1, json: AsJson = False) -> None:
    """Send a new code; the old one is void."""
    _send(context, order, n, "resend-code", {}, json)


@app.command()
def unlock(context: typer.Context, order: OrderArgument, n: Pickup = 1, json: AsJson = False) -> None:
    """After too many wrong codes (`--manager`)."""
    _send(context, order, n, "unlock", {}, json)


@app.command()
def extras(
    context: typer.Context,
    order: OrderArgument,
    receipt: Annotated[str, typer.Option(help="The till's own number of the sale.")],
    item: Annotated[list[str], typer.Option("--item", help="What is sold, and for how much a unit: MUG=1@990.")],
    till: Annotated[str | None, typer.Option(help="The till's receipt, when it was paid there.")] = None,
    n: Pickup = 1,
    json: AsJson = False,
) -> None:
    """Sell more to who collects: by the order's card, unless it was paid at the till."""
    lines = _sold(item)
    total = sum(int(str(each["quantity"])) * int(str(each["unit_price"])) for each in lines)
    tender = {"type": "pay_in_store", "reference": till, "amount": total} if till else None
    body = {"external_id": receipt, "lines": lines, "tender": tender}
    answer = session_of(context).post(f"{_path(order, n, False)}/extras", body)
    if json or "sale" not in answer:
        output.show_json(answer)
        return
    sale = answer["sale"]
    output.done(f"Sold for {output.money(answer['charged'], sale['currency'])} as {sale['order_id']}.")


@app.command("put-back")
def put_back(
    context: typer.Context,
    order: OrderArgument,
    line: Lines = None,
    n: Pickup = 1,
    ships: Ships = False,
    json: AsJson = False,
) -> None:
    """Units that nobody collected, or that came back, are on the shelf again."""
    _send(context, order, n, "put-back", {"lines": _lines(line)}, json, ships)


@app.command()
def pack(
    context: typer.Context,
    order: OrderArgument,
    line: Lines = None,
    boxes: Annotated[int, typer.Option(help="How many boxes.", min=1)] = 1,
    n: Shipment = 1,
    json: AsJson = False,
) -> None:
    """Picked units are checked and in a box; all of them when no line is named."""
    lines = _lines(line)
    if lines is None:
        units = session_of(context).get(_path(order, n, ships=True))
        packed = units["packed"]
        lines = [
            {"line_id": each, "quantity": left}
            for each, states in units["units"].items()
            if (left := states.get("picked", 0) - packed.get(each, 0)) > 0
        ]
        if not lines:
            fail(
                "Nothing of this shipment waits to be packed.", f"Pick it first: throughline store pick {order} --ships"
            )
    _send(context, order, n, "pack", {"lines": lines, "boxes": boxes}, json, ships=True)


@app.command()
def unpack(
    context: typer.Context, order: OrderArgument, line: Lines = None, n: Shipment = 1, json: AsJson = False
) -> None:
    """Units are out of their box again."""
    _send(context, order, n, "unpack", {"lines": _lines(line)}, json, ships=True)


@app.command()
def ship(
    context: typer.Context,
    order: OrderArgument,
    line: Lines = None,
    carrier: Annotated[str | None, typer.Option(help="Who takes it; a label is bought when left out.")] = None,
    tracking_number: Annotated[str | None, typer.Option("--number", help="The carrier's number of the parcel.")] = None,
    n: Shipment = 1,
    json: AsJson = False,
) -> None:
    """A carrier takes packed units away; exactly these are charged."""
    body = {"lines": _lines(line), "carrier": carrier, "tracking_number": tracking_number}
    _send(context, order, n, "ship", body, json, ships=True)


@app.command("cancel-answer")
def cancel_answer(
    context: typer.Context,
    order: OrderArgument,
    stopped: Annotated[bool, typer.Option("--stopped/--not-stopped", help="Whether it could be stopped.")],
    n: Shipment = 1,
    json: AsJson = False,
) -> None:
    """Say whether a shipment that the customer cancelled could be stopped."""
    _send(context, order, n, "cancel-answer", {"stopped": stopped}, json, ships=True)


@app.command()
def pause(
    context: typer.Context,
    reason: Annotated[str, typer.Option(help="Why.")] = "",
    until: Annotated[str | None, typer.Option(help="An RFC 3339 time; else until further notice.")] = None,
) -> None:
    """Take no new pickups on."""
    session_of(context).put(f"/v1/stores/{_here(context)}/pause", {"until": until, "reason": reason})
    output.done(f"{_here(context)} takes nothing on{' until ' + until if until else ''}.")


@app.command()
def resume(context: typer.Context) -> None:
    """Take pickups on again."""
    session_of(context).delete(f"/v1/stores/{_here(context)}/pause")
    output.done(f"{_here(context)} takes pickups on again.")


@app.command()
def stock(
    context: typer.Context,
    sku: Annotated[str | None, typer.Argument(help="One SKU; else all.")] = None,
    most: Annotated[int, typer.Option(help="So many at most.", min=1)] = 100,
    json: AsJson = False,
) -> None:
    """What is on the shelves."""
    levels = list(session_of(context).pages("/v1/stock", most, sku=sku, store=_here(context)))
    if json:
        output.show_json({"items": levels})
        return
    columns = ("sku", "on_hand", "allocated", "reserved", "set_aside", "withheld", "available")
    output.table(columns, ([level[name] for name in columns] for level in levels), "No stock is kept here.")


@app.command()
def count(
    context: typer.Context,
    sku: Annotated[str, typer.Argument(help="What was counted.")],
    quantity: Annotated[int, typer.Argument(help="How many there are.", min=0)],
    reason: Annotated[str, typer.Option(help="Why.")] = "",
    json: AsJson = False,
) -> None:
    """Record a count: the newest truth about the shelf."""
    _move(context, MovementKind.COUNT, sku, quantity, reason, json)


@app.command()
def receive(
    context: typer.Context,
    sku: Annotated[str, typer.Argument(help="What came.")],
    quantity: Annotated[int, typer.Argument(help="How many.", min=1)],
    reason: Annotated[str, typer.Option(help="A delivery's number.")] = "",
    json: AsJson = False,
) -> None:
    """Record a delivery; orders that wait for it go on."""
    _move(context, MovementKind.RECEIPT, sku, quantity, reason, json)


def _move(context: typer.Context, kind: MovementKind, sku: str, quantity: int, reason: str, json: bool) -> None:
    body = {"kind": kind.value, "sku": sku, "store_id": _here(context), "quantity": quantity, "reason": reason}
    answer = session_of(context).post("/v1/stock/movements", body)
    if json:
        output.show_json(answer)
    else:
        output.done(f"{sku} at {_here(context)}: {answer['on_hand']} on hand, {answer['available']} available.")


def _send(
    context: typer.Context, order: str, n: int, verb: str, body: dict[str, Any], json: bool, ships: bool = False
) -> None:
    answer = session_of(context).post(f"{_path(order, n, ships)}/{verb}", body)
    output.show_json(answer) if json else output.pickup(answer)


def _here(context: typer.Context) -> str:
    return quote(str(context.meta["store"]), safe="")


def _keys_of(store: str, manager: bool) -> str:
    """Warehouses are named W…, as the sample data does."""
    if store.startswith("W"):
        return "warehouses"
    return "managers" if manager else "stores"


def _path(order: str, n: int, ships: bool = False) -> str:
    return f"/v1/{'shipments' if ships else 'pickups'}/{quote(order, safe='')}/{n}"


def _pieces(given: list[str]) -> list[dict[str, object]]:
    """Kit lines by what was found of each component."""
    found: dict[str, list[dict[str, object]]] = {}
    for each in given:
        name, _, quantity = each.rpartition("=")
        line, _, sku = name.partition(":")
        if not line or not sku or not quantity.isdecimal():
            fail(f"{each} names no pieces.", "Write two pieces of BULB found for line 1 as 1:BULB=2.")
        found.setdefault(line, []).append({"sku": sku, "quantity": int(quantity)})
    return [{"line_id": line, "components": pieces} for line, pieces in found.items()]


def _instead(given: list[str] | None) -> list[dict[str, object]] | None:
    """`1:BOOT-7=2`: two of these instead of units of line 1."""
    found: list[dict[str, object]] = []
    for each in given or []:
        line, _, article = each.partition(":")
        sku, _, quantity = article.rpartition("=")
        if not line or not sku or not quantity.isdecimal():
            fail(f"{each} names no substitute.", "Write two of BOOT-7 instead of line 1 as 1:BOOT-7=2.")
        found.append({"line_id": line, "sku": sku, "quantity": int(quantity)})
    return found or None


def _sold(given: list[str]) -> list[dict[str, object]]:
    """`MUG=1@990`: one of these, for 9.90."""
    found: list[dict[str, object]] = []
    for each in given:
        sku, _, rest = each.partition("=")
        quantity, _, price = rest.partition("@")
        if not sku or not quantity.isdecimal() or not price.isdecimal():
            fail(f"{each} names no sale.", "Write one MUG for 9.90 as MUG=1@990.")
        found.append({"sku": sku, "quantity": int(quantity), "unit_price": int(price)})
    return found


def _lines(given: list[str] | None) -> list[dict[str, object]] | None:
    if not given:
        return None
    found: list[dict[str, object]] = []
    for each in given:
        line, _, quantity = each.partition("=")
        if not line or not quantity.isdecimal():
            fail(f"{each} names no units.", "Write two units of line 1 as 1=2.")
        found.append({"line_id": line, "quantity": int(quantity)})
    return found
