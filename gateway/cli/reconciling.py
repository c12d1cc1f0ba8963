"""`throughline ops reconcile`, and `throughline ops difference …`: what differs, and making it right."""

import time
from typing import Annotated, Any
from urllib.parse import quote

import typer

from gateway.cli import output
from gateway.cli.session import AsJson, Session, session_of

app = typer.Typer(help="Make right what a reconciliation found.", no_args_is_help=True)

RUNS = "/v1/ops/reconciliations/runs"
LOOK_AGAIN = 0.5

Run = Annotated[str, typer.Argument(help="The reconciliation.", metavar="RUN")]
Number = Annotated[int, typer.Argument(help="The number of the difference.", metavar="N")]
Reason = Annotated[str, typer.Option(help="Why.")]


def reconcile(session: Session, orders: list[str] | None, *, json: bool) -> None:
    """Everything, by a run of its own; or some orders at once. Ends with exit code 1 when something differs."""
    if orders:
        page = session.post("/v1/ops/reconciliations", {"order_ids": orders})
        shown = {"orders": page["orders"], "differences": page["differences"]}
        rows = [("", each) for each in page["differences"]]
    else:
        run = _ended(session, session.post(RUNS, {})["run"])
        path = f"{RUNS}/{quote(run['run'], safe='')}/differences"
        found = list(session.pages(path, 100_000))
        shown = {"run": run["run"], **run["counts"], "differences": found}
        rows = [(str(each["n"]), each["difference"]) for each in found]
    if json:
        output.show_json(shown)
    else:
        if not orders:
            output.print_plain(f"reconciliation {shown['run']}")
        _table(rows, shown)
    if rows:
        raise typer.Exit(1)


def _table(rows: list[tuple[str, dict[str, Any]]], shown: dict[str, Any]) -> None:
    output.table(
        ("n", "what", "order", "subject", "ours", "should be", "likely", "remedy", "moves"),
        (
            (n, f"{each['kind']}: {each['what']}", each.get("order_id", ""), each["subject"], each["ours"],
             each["theirs"], each["cause"].replace("_", " "), each["remedy"].replace("_", " "), each["amount"])
            for n, each in rows
        ),
        f"Nothing differs in {output.counted(shown['orders'], 'order')} and all of the stock.",
    )  # fmt: skip


def _ended(session: Session, run: str) -> dict[str, Any]:
    while True:
        found: dict[str, Any] = session.get(f"{RUNS}/{quote(run, safe='')}")
        if found["state"] == "ended":
            return found
        time.sleep(LOOK_AGAIN)


@app.command()
def apply(context: typer.Context, run: Run, n: Number, reason: Reason, json: AsJson = False) -> None:
    """Have it made right, as proposed; above a limit it waits for a second person."""
    _decide(context, run, n, "apply", reason, json)


@app.command()
def approve(context: typer.Context, run: Run, n: Number, reason: Reason, json: AsJson = False) -> None:
    """Agree, as the second person: it is made right."""
    _decide(context, run, n, "approve", reason, json)


@app.command()
def dismiss(context: typer.Context, run: Run, n: Number, reason: Reason, json: AsJson = False) -> None:
    """Leave it as it is."""
    _decide(context, run, n, "dismiss", reason, json)


def _decide(context: typer.Context, run: str, n: int, what: str, reason: str, json: bool) -> None:
    answer = session_of(context).post(f"{RUNS}/{quote(run, safe='')}/differences/{n}/{what}", {"reason": reason})
    if json:
        output.show_json(answer)
    else:
        words = f": {answer['outcome']}" if answer.get("outcome") else ""
        output.done(f"{n} is {answer['state'].replace('_', ' ')}{words}.")
