"""`throughline ops …`: search, decide, look after holds, erase."""

from typing import Annotated, Any
from urllib.parse import quote

import typer

from domain.holds import HoldKind, HoldOutcome
from gateway.cli import brokering, output, reconciling, supply
from gateway.cli.application import shown
from gateway.cli.order import OrderArgument, show_orders
from gateway.cli.session import DEFAULT_DATA, ApiKey, AsJson, Data, Once, Session, Url, session_of
from workflows.messages import InterventionAction

app = typer.Typer(help="Search, decide, repair.", no_args_is_help=True)
app.add_typer(supply.app, name="supply")
app.add_typer(brokering.app, name="queues")
app.add_typer(reconciling.app, name="difference")

Reason = Annotated[str, typer.Option(help="Why; it lands in the timeline.")]
Most = Annotated[int, typer.Option(help="So many at most.", min=1)]


def _in_words(codes: list[str]) -> str:
    return ", ".join(each.replace("_", " ") for each in codes)


@app.callback()
def office(
    context: typer.Context,
    url: Url = None,
    key: ApiKey = None,
    as_: Annotated[str | None, typer.Option("--as", help="Whose key of the stack; else the first.")] = None,
    data: Data = DEFAULT_DATA,
    once: Once = None,
) -> None:
    """Search, decide, repair."""
    context.obj = Session(url, key, data, ("ops", as_) if as_ else ("ops",), once)


@app.command()
def orders(
    context: typer.Context,
    text: Annotated[str | None, typer.Argument(help="The beginning of an order id or external id.")] = None,
    status: Annotated[
        str | None, typer.Option(help="held, in_progress, needs_attention, completed, cancelled.")
    ] = None,
    store: Annotated[str | None, typer.Option(help="With work at this store.")] = None,
    customer: Annotated[str | None, typer.Option(help="A customer's reference.")] = None,
    channel: Annotated[str | None, typer.Option(help="Of this channel.")] = None,
    most: Most = 20,
    json: AsJson = False,
) -> None:
    """Orders of every channel, newest first."""
    filters = {"text": text, "status": status, "store": store, "customer": customer, "channel": channel}
    show_orders(list(session_of(context).pages("/v1/ops/orders", most, **filters)), json)


@app.command()
def approvals(context: typer.Context, most: Most = 50, json: AsJson = False) -> None:
    """What waits for a second person: goodwill above somebody's limit."""
    found = list(session_of(context).pages("/v1/approvals", most))
    if json:
        output.show_json({"items": found})
        return
    output.table(
        ("id", "order", "amount", "to", "asked by", "why"),
        (
            (each["appeasement_id"], each["order_id"], output.money(each["amount"], each["currency"]), each["to"],
             each["requested_by"], each["reason"])
            for each in found
        ),
        "Nothing waits for a second person.",
    )  # fmt: skip


@app.command()
def approve(
    context: typer.Context,
    approval: Annotated[str, typer.Argument(help="What waits: its id.")],
    reason: Annotated[str | None, typer.Option(help="Why.")] = None,
    json: AsJson = False,
) -> None:
    """Approve what is above somebody's limit."""
    _decided(session_of(context).post(f"/v1/approvals/{quote(approval, safe='')}/approve", {"reason": reason}), json)


@app.command()
def refuse(
    context: typer.Context,
    approval: Annotated[str, typer.Argument(help="What waits: its id.")],
    reason: Reason,
    json: AsJson = False,
) -> None:
    """Refuse what is above somebody's limit."""
    _decided(session_of(context).post(f"/v1/approvals/{quote(approval, safe='')}/refuse", {"reason": reason}), json)


def _decided(answer: dict[str, Any], json: bool) -> None:
    if json or "appeasement_id" not in answer:
        output.show_json(answer)
        return
    output.done(f"goodwill {answer['appeasement_id']} is {answer['status'].replace('_', ' ')}")


@app.command()
def interventions(context: typer.Context, json: AsJson = False) -> None:
    """What waits for a person."""
    found = list(session_of(context).pages("/v1/ops/interventions", 2000))
    if json:
        output.show_json({"items": found})
        return
    output.table(
        ("id", "of", "since", "step", "what is wrong", "choices"),
        (
            (each["intervention_id"], each.get("order_id") or each.get("application_id"),
             output.time(each["since"]), each["step"], each["error"], " ".join(each["choices"]))
            for each in found
        ),
        "Nothing waits for a person.",
    )  # fmt: skip


@app.command()
def intervene(
    context: typer.Context,
    intervention: Annotated[str, typer.Argument(help="The intervention's id.")],
    action: Annotated[InterventionAction, typer.Argument(help="What to do.")],
    reason: Reason,
    value: Annotated[str | None, typer.Option(help="With supply: what the step should have given.")] = None,
    json: AsJson = False,
) -> None:
    """Decide what waits for a person."""
    body = {"action": action.value, "reason": reason, "value": value}
    answer = session_of(context).post(f"/v1/ops/interventions/{quote(intervention, safe='')}", body)
    if not json and answer.get("application"):
        shown(answer["application"])
    elif json or not answer.get("order"):
        output.show_json(answer)
    else:
        output.order(answer["order"])


@app.command()
def applications(
    context: typer.Context,
    kind: Annotated[str | None, typer.Option(help="Of the wait: review, screening_hold, intervention, …")] = None,
    late: Annotated[bool, typer.Option("--late", help="Only what is over its time, or has missed a duty.")] = False,
    most: Most = 50,
    json: AsJson = False,
) -> None:
    """What applications wait for, the first deadline first."""
    filters = {"kind": kind, "late": "true" if late else None}
    found = list(session_of(context).pages("/v1/ops/applications", most, **filters))
    if json:
        output.show_json({"items": found})
        return
    output.table(
        ("application", "product", "stage", "waits for", "who", "until", "then", "missed"),
        (
            (each["application_id"], each["product"], each["stage"].replace("_", " "), each["what"], each["who"],
             output.time(each.get("deadline")), each.get("default") or "", _in_words(each["breached"]))
            for each in found
        ),
        "No application waits.",
    )  # fmt: skip


@app.command()
def holds(context: typer.Context, most: Most = 50, json: AsJson = False) -> None:
    """Held orders, with what holds them."""
    found = list(session_of(context).pages("/v1/ops/orders", most, status="held"))
    if json:
        output.show_json({"items": found})
        return
    output.table(
        ("order", "hold", "kind", "why", "who", "until", "then"),
        (
            (each["order_id"], hold["hold_id"], hold["kind"], hold["reason"], hold["owner"],
             output.time(hold["deadline"]), hold["default"] if hold["deadline"] else "")
            for each in found
            for hold in each["holds"]
        ),
        "No order is held.",
    )  # fmt: skip


@app.command()
def hold(
    context: typer.Context,
    order: OrderArgument,
    reason: Reason,
    kind: Annotated[HoldKind, typer.Option(help="What kind of hold.")] = HoldKind.MANUAL,
    deadline: Annotated[str | None, typer.Option(help="An RFC 3339 time; else until someone clears it.")] = None,
    default: Annotated[HoldOutcome, typer.Option(help="What happens at the deadline.")] = HoldOutcome.CANCEL,
    json: AsJson = False,
) -> None:
    """Stop an order until somebody clears the hold."""
    body = {"kind": kind.value, "reason": reason, "deadline": deadline, "default": default.value}
    answer = session_of(context).post(f"/v1/orders/{quote(order, safe='')}/holds", body)
    output.show_json(answer) if json else output.done(f"{answer.get('hold_id', 'The hold')} stands on {order}.")


@app.command()
def resolve(
    context: typer.Context,
    order: OrderArgument,
    hold_id: Annotated[str, typer.Argument(help="The hold's id.", metavar="HOLD")],
    outcome: Annotated[HoldOutcome, typer.Argument(help="Let the order go on, or cancel it.")],
    reason: Reason,
    json: AsJson = False,
) -> None:
    """Clear a hold."""
    path = f"/v1/orders/{quote(order, safe='')}/holds/{quote(hold_id, safe='')}/resolve"
    answer = session_of(context).post(path, {"outcome": outcome.value, "reason": reason})
    output.show_json(answer) if json else output.done(f"{hold_id} is cleared; the order is {answer.get('status', '')}.")


@app.command()
def why(context: typer.Context, order: OrderArgument, json: AsJson = False) -> None:
    """Why each part of an order is shipped from where it is, and why not from elsewhere."""
    found = list(session_of(context).pages(f"/v1/ops/routing/{quote(order, safe='')}", 2000))
    if json:
        output.show_json({"items": found})
        return
    for line in output.routing_in_words(found):
        output.print_plain(line)
    if not found:
        output.print_plain("Nothing of this order was sourced.")


@app.command()
def assign(
    context: typer.Context,
    order: OrderArgument,
    place: Annotated[str, typer.Argument(help="The store or warehouse that is to ship.", metavar="PLACE")],
    reason: Reason,
    line: Annotated[list[str], typer.Option("--line", help="A line, or units of it: 1 or 1=2.")],
    json: AsJson = False,
) -> None:
    """Have a place ship what nobody has picked yet, whatever the rules say."""
    asked = [each.partition("=") for each in line]
    lines = [{"line_id": name, "quantity": int(units)} if units.isdecimal() else name for name, _, units in asked]
    body = {"lines": lines, "location_id": place, "reason": reason}
    answer = session_of(context).post(f"/v1/orders/{quote(order, safe='')}/assign", body)
    output.show_json(answer) if json else output.pickup(answer)


@app.command()
def audit(
    context: typer.Context,
    principal: Annotated[str | None, typer.Option(help="Only of this account.")] = None,
    most: Most = 50,
    json: AsJson = False,
) -> None:
    """Who did, or tried, what; newest first."""
    rows = list(session_of(context).pages("/v1/ops/audit", most, principal=principal))
    if json:
        output.show_json({"items": rows})
        return
    output.table(
        ("when", "who", "what", "on", "outcome", "why"),
        (
            (output.time(row["at"]), row["principal_id"], row["action"], row["object"], row["outcome"], row["reason"])
            for row in rows
        ),
        "Nothing yet.",
    )


@app.command()
def erase(
    context: typer.Context,
    customer: Annotated[str, typer.Argument(help="The customer's reference.")],
    reason: Reason,
    json: AsJson = False,
) -> None:
    """Erase a customer for ever; totals stay."""
    answer = session_of(context).post("/v1/ops/erasures", {"customer_ref": customer, "reason": reason})
    if json:
        output.show_json(answer)
    else:
        output.done(f"{customer} is erased: {output.counted(answer['records'], 'record')} can be read no more.")


@app.command()
def reconcile(
    context: typer.Context,
    order: Annotated[list[str] | None, typer.Option("--order", help="Only these orders, at once.")] = None,
    json: AsJson = False,
) -> None:
    """Compare orders, our ledger, the provider and the stock; exit code 1 when something differs."""
    reconciling.reconcile(session_of(context), order, json=json)
