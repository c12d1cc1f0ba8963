"""`throughline ops supply …`: what may be sold beyond stock, and who waits for it."""

from typing import Annotated

import typer

from domain.supply import ANYWHERE
from gateway.cli import output
from gateway.cli.session import AsJson, session_of

app = typer.Typer(help="Sell beyond stock, and see who waits.", no_args_is_help=True)

Item = Annotated[str, typer.Argument(help="The item's SKU.", metavar="SKU")]
Most = Annotated[int, typer.Option(help="So many at most.", min=1)]


@app.command()
def rules(context: typer.Context, most: Most = 200, json: AsJson = False) -> None:
    """How much may be sold beyond stock, by item and place."""
    found = list(session_of(context).pages("/v1/backorders", most))
    if json:
        output.show_json({"items": found})
        return
    output.table(
        ("sku", "place", "cap", "waiting", "left", "expected"),
        (
            (each["sku"], each["location_id"], each["cap"], each["waiting"], each["left"],
             output.time(each["expected_at"]))
            for each in found
        ),
        "Nothing is sold beyond stock.",
    )  # fmt: skip


@app.command("set")
def set_rule(
    context: typer.Context,
    sku: Item,
    cap: Annotated[int, typer.Option(help="So many units beyond stock; 0 ends it.", min=0)],
    at: Annotated[str, typer.Option("--at", help="The place; else all without a rule of their own.")] = ANYWHERE,
    expected: Annotated[str | None, typer.Option(help="When supply is expected, an RFC 3339 time.")] = None,
    json: AsJson = False,
) -> None:
    """Let an item be sold beyond stock. A new date is told to everybody who waits."""
    body = {"sku": sku, "location_id": at, "cap": cap, "expected_at": expected}
    answer = session_of(context).put("/v1/backorders", body)
    output.show_json(answer) if json else output.done(
        f"{answer['left']} more of {sku} may be sold beyond stock; {output.counted(answer['waiting'], 'unit')} waiting."
    )


@app.command()
def queue(
    context: typer.Context,
    sku: Annotated[str | None, typer.Argument(help="The item's SKU; else everything.", metavar="SKU")] = None,
    store: Annotated[str | None, typer.Option(help="At this place.")] = None,
    most: Most = 200,
    json: AsJson = False,
) -> None:
    """Who waits for supply, first come first."""
    found = list(session_of(context).pages("/v1/backorders/queue", most, sku=sku, store=store))
    if json:
        output.show_json({"items": found})
        return
    output.table(
        ("order", "group", "since", "waits for", "expected"),
        (
            (each["order_id"], each["n"], output.time(each["since"]), output.lines(each["lines"]),
             output.time(each["expected_at"]))
            for each in found
        ),
        "Nobody waits.",
    )  # fmt: skip
