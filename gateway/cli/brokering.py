"""`throughline ops queues …`: who waits for a place, and the runs that find one for many orders at once."""

from typing import Annotated
from urllib.parse import quote

import typer

from gateway.cli import output
from gateway.cli.session import AsJson, session_of

app = typer.Typer(help="See and broker the queues of shipments.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The queue, e.g. standard.", metavar="QUEUE")]
Reason = Annotated[str, typer.Option(help="Why; it stands beside the queue.")]
Most = Annotated[int, typer.Option(help="So many at most.", min=1)]


@app.command("list")
def list_queues(context: typer.Context, json: AsJson = False) -> None:
    """Who waits in which queue, and when it is brokered."""
    found = list(session_of(context).pages("/v1/ops/routing/queues", 200))
    if json:
        output.show_json({"items": found})
        return
    output.table(
        ("queue", "waiting", "since", "next run", "last run", "brokered", "note"),
        (
            (each["queue"], each["waiting"], output.time(each["since"]), _next(each),
             output.time(last["started_at"]) if (last := each["last_run"]) else "",
             last["counts"]["brokered"] if last else "", each["note"] or "")
            for each in found
        ),
        "There are no queues.",
    )  # fmt: skip


@app.command()
def run(context: typer.Context, queue: Name, json: AsJson = False) -> None:
    """Broker a queue now, paused or not."""
    answer = session_of(context).post("/v1/brokering-runs", {"queue": queue})
    output.show_json(answer) if json else output.done(f"{answer['run']} has begun.")


@app.command()
def runs(
    context: typer.Context,
    queue: Annotated[str | None, typer.Argument(help="Only of this queue.", metavar="QUEUE")] = None,
    most: Most = 20,
    json: AsJson = False,
) -> None:
    """Runs and what they did, newest first."""
    found = list(session_of(context).pages("/v1/brokering-runs", most, queue=queue))
    if json:
        output.show_json({"items": found})
        return
    output.table(
        ("started", "queue", "by", "state", "looked at", "brokered", "parcels", "kept", "no place", "changed"),
        (
            (output.time(each["started_at"]), each["queue"], each["by"], each["state"], counts["looked_at"],
             counts["brokered"], counts["parts"], counts["kept"], counts["unfillable"], counts["refused"])
            for each in found
            if (counts := each["counts"]) is not None
        ),
        "There was no run.",
    )  # fmt: skip


@app.command()
def pause(context: typer.Context, queue: Name, reason: Reason, json: AsJson = False) -> None:
    """Have a queue wait: no run comes until it goes on."""
    answer = session_of(context).post(f"/v1/ops/routing/queues/{quote(queue, safe='')}/pause", {"reason": reason})
    output.show_json(answer) if json else output.done(f"{queue} waits, with {_shipments(answer['waiting'])} in it.")


@app.command()
def resume(context: typer.Context, queue: Name, reason: Reason, json: AsJson = False) -> None:
    """Let a queue's runs come again."""
    answer = session_of(context).post(f"/v1/ops/routing/queues/{quote(queue, safe='')}/resume", {"reason": reason})
    output.show_json(answer) if json else output.done(f"{queue} is brokered again; next at {_next(answer)}.")


def _next(queue: dict[str, object]) -> str:
    if queue["paused"]:
        return "paused"
    coming = queue["next_runs"]
    if isinstance(coming, list) and coming:
        return output.time(coming[0])
    return "" if queue["runs"] is None else "soon"


def _shipments(number: int) -> str:
    return output.counted(number, "shipment")
