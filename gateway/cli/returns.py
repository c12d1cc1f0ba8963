"""`throughline return …`: what the people at a returns desk do."""

from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from domain.refunds import RefundTarget
from domain.returns.words import ItemCondition, ReturnDisposition, ReturnKind, ReturnReason, ReturnVia
from gateway.cli import output
from gateway.cli.session import DEFAULT_DATA, ApiKey, AsJson, Data, Once, Session, Url, fail, session_of

app = typer.Typer(help="Returns, exchanges and claims: ask, approve, receive, inspect, settle.", no_args_is_help=True)

ReturnArgument = Annotated[str, typer.Argument(help="The return's id.", metavar="RETURN")]
SomeLines = Annotated[list[str], typer.Option("--line", help="Units of a line: 1=2.")]
Lines = Annotated[list[str] | None, typer.Option("--line", help="Units of a line: 1=2. All when left out.")]
Reason = Annotated[ReturnReason, typer.Option(help="Why it comes back.")]


@app.callback()
def return_(
    context: typer.Context,
    store: Annotated[
        str | None, typer.Option("--store", "-s", help="Act as this store.", envvar="THROUGHLINE_STORE")
    ] = None,
    manager: Annotated[bool, typer.Option("--manager", help="Act as the store's manager.")] = False,
    channel: Annotated[str, typer.Option(help="Without a store: act as this channel.")] = "call_centre",
    url: Url = None,
    key: ApiKey = None,
    data: Data = DEFAULT_DATA,
    once: Once = None,
) -> None:
    """Returns, exchanges and claims: ask, approve, receive, inspect, settle."""
    wanted: tuple[str, ...] = (channel,)
    if store is not None:
        group = "warehouses" if store.startswith("W") else "managers" if manager else "stores"
        wanted = (group, store)
    context.obj = Session(url, key, Path(data), wanted, once)
    context.meta["store"] = store


@app.command()
def ask(
    context: typer.Context,
    order: Annotated[
        str, typer.Argument(help="The order's id, its number, the customer's mail address or phone.", metavar="ORDER")
    ],
    line: SomeLines,
    reason: Reason = ReturnReason.NO_LONGER_WANTED,
    kind: Annotated[ReturnKind, typer.Option(help="What the customer wants.")] = ReturnKind.RETURN,
    via: Annotated[ReturnVia, typer.Option(help="How it comes back.")] = ReturnVia.STORE,
    want: Annotated[
        list[str] | None, typer.Option("--want", help="Instead of a line: 1=SHOE-43, or 1=SHOE-43:2.")
    ] = None,
    advance: Annotated[bool, typer.Option("--advance", help="It goes out first, against --card.")] = False,
    card: Annotated[
        str | None, typer.Option(help="The provider's token of a card: pays what is owed on top, or stands for goods.")
    ] = None,
    amount: Annotated[int, typer.Option(help="What --card may be charged at most, in minor units.", min=0)] = 0,
    locker: Annotated[str | None, typer.Option(help="With via locker: the parcel machine that it is put into.")] = None,
    sender: Annotated[
        str | None, typer.Option(help="With via post: where it leaves, as DE-10115; else where it was delivered.")
    ] = None,
    preview: Annotated[bool, typer.Option("--preview", help="Only say what would be decided and paid back.")] = False,
    json: AsJson = False,
) -> None:
    """Ask for a return, an exchange or a claim; the policy decides each line."""
    wanted = _wanted(want or [], _units(line))
    lines = [
        {"line_id": line_id, "quantity": quantity, "reason": reason.value}
        | ({"wanted": wanted[line_id]} if line_id in wanted else {})
        for line_id, quantity in _units(line).items()
    ]
    body: dict[str, Any] = {"lines": lines, "kind": kind.value, "via": via.value, "lookup": _lookup(order)}
    if advance:
        body["advance"] = True
    if card is not None:
        body["tenders"] = [{"type": "card", "token": card, "amount": amount}]
    if locker is not None:
        body["locker_id"] = locker
    if sender is not None:
        country, _, postal_code = sender.partition("-")
        body["sender"] = {"country": country, "postal_code": postal_code}
    answer = session_of(context).post("/v1/returns/preview" if preview else "/v1/returns", body)
    if json:
        output.show_json(answer)
    elif preview:
        _previewed(answer)
    else:
        _shown(answer)


@app.command()
def blind(
    context: typer.Context,
    item: Annotated[list[str], typer.Option("--item", help="Units of an article: SHOE-42=1.")],
    identity: Annotated[str, typer.Option(help="The number of what the person showed; only its hash is kept.")],
    condition: Annotated[ItemCondition, typer.Option(help="In which state it is.")] = ItemCondition.NEW,
    disposition: Annotated[ReturnDisposition, typer.Option(help="Where it goes.")] = ReturnDisposition.RESTOCK,
    currency: Annotated[str, typer.Option(help="ISO 4217.")] = "EUR",
    customer: Annotated[str | None, typer.Option(help="Whose store credit it becomes: the customer's ref.")] = None,
    email: Annotated[str | None, typer.Option(help="Who is told of it; else the customer, where one is named.")] = None,
    locale: Annotated[str | None, typer.Option(help="The language of the mails, such as de-DE.")] = None,
    json: AsJson = False,
) -> None:
    """Take back what nobody finds the order of, for store credit."""
    lines = [
        {"sku": sku, "quantity": quantity, "condition": condition.value, "disposition": disposition.value}
        for sku, quantity in _units(item).items()
    ]
    wanted: dict[str, Any] = {"identity": identity, "currency": currency, "lines": lines}
    more = {"customer": customer, "email": email, "locale": locale}
    wanted |= {name: value for name, value in more.items() if value is not None}
    answer = session_of(context).post("/v1/returns", {"store_id": _here(context), "blind": wanted})
    if json:
        output.show_json(answer)
        return
    output.done(f"return {answer['return_id']} brings {output.money(answer['refund'], currency)} of store credit")
    output.print_plain(f"Number: {answer['number']}")


@app.command()
def show(context: typer.Context, return_id: ReturnArgument, json: AsJson = False) -> None:
    """One return: its units, its money, and what it waits for."""
    answer = session_of(context).get(_path(return_id))
    output.show_json(answer) if json else _shown(answer)


@app.command("list")
def list_(
    context: typer.Context,
    order: Annotated[str | None, typer.Option(help="Of this order.")] = None,
    customer: Annotated[str | None, typer.Option(help="Of this customer.")] = None,
    status: Annotated[str | None, typer.Option(help="With this status.")] = None,
    most: Annotated[int, typer.Option(help="So many at most.", min=1)] = 50,
    json: AsJson = False,
) -> None:
    """Find returns, newest first."""
    found = list(session_of(context).pages("/v1/returns", most, order_id=order, customer=customer, status=status))
    if json:
        output.show_json({"items": found})
        return
    output.table(
        ("id", "order", "kind", "via", "store", "status", "refund", "requested"),
        (
            (each["return_id"], each["order_id"], each["kind"], each["via"], each["store_id"], each["status"],
             output.money(each["refund"], each["currency"]), output.time(each["requested_at"]))
            for each in found
        ),
        "No returns.",
    )  # fmt: skip


@app.command()
def approve(
    context: typer.Context,
    return_id: ReturnArgument,
    line: Lines = None,
    reason: Annotated[str | None, typer.Option(help="Why, when the policy refuses it.")] = None,
    json: AsJson = False,
) -> None:
    """Approve what waits for a person; a manager also what the policy refuses."""
    _send(context, return_id, "approve", {"lines": _line_list(line), "reason": reason}, json)


@app.command()
def reject(
    context: typer.Context,
    return_id: ReturnArgument,
    reason: Annotated[str, typer.Option(help="Why it is not taken back.")],
    line: Lines = None,
    json: AsJson = False,
) -> None:
    """Refuse units that have not come."""
    _send(context, return_id, "reject", {"lines": _line_list(line), "reason": reason}, json)


@app.command()
def receive(
    context: typer.Context,
    return_id: ReturnArgument,
    line: SomeLines,
    condition: Annotated[ItemCondition | None, typer.Option(help="In which state it is.")] = None,
    disposition: Annotated[ReturnDisposition | None, typer.Option(help="Where it goes.")] = None,
    json: AsJson = False,
) -> None:
    """Take in what really came. With condition and disposition it is inspected at once."""
    units = [
        {"line_id": line_id, "quantity": quantity}
        | ({"condition": condition.value} if condition else {})
        | ({"disposition": disposition.value} if disposition else {})
        for line_id, quantity in _units(line).items()
    ]
    _send(context, return_id, "receive", {"store_id": _here(context), "lines": units}, json)


@app.command()
def inspect(
    context: typer.Context,
    return_id: ReturnArgument,
    line: SomeLines,
    condition: Annotated[ItemCondition, typer.Option(help="In which state it is.")],
    disposition: Annotated[ReturnDisposition, typer.Option(help="Where it goes.")],
    declined: Annotated[bool, typer.Option("--declined", help="Not accepted: it goes back to the customer.")] = False,
    json: AsJson = False,
) -> None:
    """Accept what came, or not, and say where it goes."""
    units = [
        {
            "line_id": line_id,
            "quantity": quantity,
            "accepted": not declined,
            "condition": condition.value,
            "disposition": disposition.value,
        }
        for line_id, quantity in _units(line).items()
    ]
    _send(context, return_id, "inspect", {"lines": units}, json)


@app.command()
def label(context: typer.Context, return_id: ReturnArgument, json: AsJson = False) -> None:
    """The label of a posted return, to be printed (ZPL)."""
    answer = session_of(context).get(f"{_path(return_id)}/label")
    output.show_json(answer) if json else output.print_plain(answer["document"])


@app.command("locker-code")
def locker_code(context: typer.Context, return_id: ReturnArgument, json: AsJson = False) -> None:
    """What opens the parcel machine for the store, to fetch what lies in it."""
    answer = session_of(context).get(f"{_path(return_id)}/locker-code")
    if json:
        output.show_json(answer)
    else:
        output.done(f"Locker {answer['locker_id']}, compartment {answer['compartment_id']}: code {answer['code']}")


@app.command()
def settle(
    context: typer.Context,
    return_id: ReturnArgument,
    refund_to: Annotated[RefundTarget | None, typer.Option(help="Where the money goes.")] = None,
    json: AsJson = False,
) -> None:
    """Pay back what was accepted."""
    _send(context, return_id, "settle", {"refund_to": refund_to.value if refund_to else None}, json)


@app.command()
def cancel(
    context: typer.Context,
    return_id: ReturnArgument,
    reason: Annotated[str | None, typer.Option(help="Why.")] = None,
    json: AsJson = False,
) -> None:
    """Call off what has not come."""
    _send(context, return_id, "cancel", {"reason": reason}, json)


# --- what they share --------------------------------------------------------------------------------------------------


def _send(context: typer.Context, return_id: str, command: str, body: dict[str, Any], json: bool) -> None:
    answer = session_of(context).post(f"{_path(return_id)}/{command}", body)
    output.show_json(answer) if json else _shown(answer)


def _path(return_id: str) -> str:
    return f"/v1/returns/{quote(return_id, safe='')}"


def _here(context: typer.Context) -> str:
    store = context.meta["store"]
    if store is None:
        fail("Which store?", "Name it: `throughline return --store S001 …`.")
    return str(store)


def _lookup(order: str) -> dict[str, str]:
    """What the customer has in hand, by how it looks."""
    if "@" in order:
        return {"email": order}
    if order.startswith("+"):
        return {"phone": order}
    return {"code": order}


def _units(lines: list[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for each in lines:
        line_id, _, quantity = each.partition("=")
        if not line_id or not (quantity or "1").isdecimal():
            fail(f"{each} is no line.", "Write it as LINE=UNITS, such as 1=2.")
        found[line_id] = int(quantity or "1")
    return found


def _wanted(wishes: list[str], lines: dict[str, int]) -> dict[str, dict[str, Any]]:
    """What is wanted instead, by line: as many units as come back, unless it says how many."""
    found: dict[str, dict[str, Any]] = {}
    for each in wishes:
        line_id, _, wanted = each.partition("=")
        sku, _, quantity = wanted.partition(":")
        if line_id not in lines or not sku or not (quantity or "1").isdecimal():
            fail(f"{each} is no wish.", "Write it as LINE=SKU or LINE=SKU:UNITS, for a line that comes back.")
        found[line_id] = {"sku": sku, "quantity": int(quantity or lines[line_id])}
    return found


def _line_list(lines: list[str] | None) -> list[dict[str, Any]] | None:
    if lines is None:
        return None
    return [{"line_id": line_id, "quantity": quantity} for line_id, quantity in _units(lines).items()]


def _shown(view: dict[str, Any]) -> None:
    if "look" in view:
        output.done(f"Taken. Its fate will show under {view['look']}.")
        return
    if "blind" in view:
        _blind_shown(view)
        return
    currency = view["currency"]
    output.done(
        f"{view['kind']} {view['return_id']} of order {view['order_id']} is {view['status']}, version {view['version']}"
    )
    output.table(
        ("line", "sku", "reason", "decision", "units", "why"),
        (
            (
                line["line_id"],
                line["sku"],
                line["reason"],
                line["decision"]["outcome"],
                ", ".join(f"{line[place]} {place}" for place in PLACES if line[place]),
                ", ".join(each["why"] for each in line["decision"]["reasons"]),
            )
            for line in view["lines"]
        ),
        "No lines.",
    )
    if parcel := view.get("parcel"):
        said = f", {parcel['status'].replace('_', ' ')}" if parcel.get("status") else ""
        number = f"{parcel['carrier']} {parcel['tracking_number']}" if parcel.get("tracking_number") else "no number"
        output.print_plain(f"label to {parcel['to']}: {parcel['label'].replace('_', ' ')}, {number}{said}")
    if drop := view.get("locker"):
        output.print_plain(f"locker {drop['locker_id']}: {drop['status']}")
    for stranger in view["strangers"]:
        output.print_plain(f"came too: {stranger['quantity']} {stranger['sku']} of no line, at {stranger['store_id']}")
    for settled in view["paid_back"]:
        tenders = ", ".join(f"{output.money(amount, currency)} to {at}" for at, amount in settled["by_tender"].items())
        fees = f", less {output.money(settled['fees'], currency)} of fees" if settled["fees"] else ""
        output.print_plain(f"paid back: {output.money(settled['refund'], currency)}{fees} ({tenders or 'under way'})")
        for target, amount in settled["by_target"].items():
            if target != "original":
                words = f"{target.replace('_', ' ')} {settled.get('balance_id') or ''}".strip()
                output.print_plain(f"  as {words}: {output.money(amount, currency)}")
    if (exchange := view.get("exchange")) is not None:
        _exchange_shown(exchange, currency)
    if (card := view.get("card")) is not None:
        _card_shown(card, currency)
    if view.get("owed"):
        output.print_plain(f"owed by the customer: {output.money(view['owed'], currency)}")
    for wait in view["waiting_for"]:
        until = f" until {output.time(wait['deadline'])}" if wait["deadline"] else ""
        default = f", then: {wait['default']}" if wait["default"] else ""
        output.print_plain(f"waits: {wait['what']} ({wait['who']}){until}{default}")


def _blind_shown(view: dict[str, Any]) -> None:
    blind = view["blind"]
    currency = blind["currency"]
    output.done(f"return {view['return_id']} without an order, taken back at {blind['store_id']}, is {view['status']}")
    output.table(
        ("sku", "units", "condition", "goes to", "each"),
        (
            (line["sku"], line["quantity"], line["condition"], line["disposition"],
             output.money(line["unit_price"], currency))
            for line in blind["lines"]
        ),
        "No lines.",
    )  # fmt: skip
    output.print_plain(f"store credit …{view['last_four']}: {output.money(view['refund'], currency)}")


def _exchange_shown(exchange: dict[str, Any], currency: str) -> None:
    units = ", ".join(f"{line['quantity']} {line['sku']}" for line in exchange["lines"])
    money = [f"paid by what comes back: {output.money(exchange['credit'], currency)}"]
    for name, words in (("owed", "on top"), ("back", "goes back"), ("secured", "held"), ("charged", "charged")):
        if exchange[name]:
            money.append(f"{words}: {output.money(exchange[name], currency)}")
    why = f" ({exchange['reason']})" if exchange["reason"] else ""
    output.print_plain(f"instead: {units}, order {exchange['order_id']}, {exchange['state']}{why}; {', '.join(money)}")


def _card_shown(card: dict[str, Any], currency: str) -> None:
    money = [f"up to {output.money(card['at_most'], currency)}"]
    money += [f"{name}: {output.money(card[name], currency)}" for name in ("secured", "charged") if card[name]]
    why = f" ({card['reason']})" if card["reason"] else ""
    output.print_plain(f"card for what goes back in advance: {card['state']}{why}; {', '.join(money)}")


def _previewed(answer: dict[str, Any]) -> None:
    output.table(
        ("line", "decision", "why"),
        (
            (each["line_id"], each["outcome"], ", ".join(reason["why"] for reason in each["reasons"]))
            for each in answer["reasons"]
        ),
        "No lines.",
    )
    output.print_plain(f"refund {answer['refund']}, owed {answer['owed']}, fees {answer['fees']} (minor units)")
    if answer["advance"]:
        output.print_plain(
            f"{answer['advance']} as soon as it is given away; should it never come: {answer['if_lost']}"
        )


PLACES = ("undecided", "refused", "awaited", "received", "accepted", "declined", "closed", "turned_up")
