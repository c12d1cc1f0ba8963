"""`throughline underwrite …`: the queue, and decisions with their reasons."""

from typing import Annotated, Any
from urllib.parse import quote

import typer

from domain.lending.reasons import DenialReason
from gateway.cli import output
from gateway.cli.application import Application, path_of, show_application
from gateway.cli.session import DEFAULT_DATA, ApiKey, AsJson, Data, Once, Session, Url, fail, session_of

REASONS = ", ".join(each.name.lower() for each in DenialReason if each is not DenialReason.NOT_APPLICABLE)

app = typer.Typer(help="Decide about applications.", no_args_is_help=True)


@app.callback()
def underwriter(
    context: typer.Context,
    url: Url = None,
    key: ApiKey = None,
    as_: Annotated[str, typer.Option("--as", help="The underwriter whose key is used.")] = "una",
    data: Data = DEFAULT_DATA,
    once: Once = None,
) -> None:
    """Decide about applications."""
    context.obj = Session(url, key, data, ("underwriters", as_), once)


@app.command()
def queue(context: typer.Context, json: AsJson = False) -> None:
    """What waits for an underwriter, the next due first."""
    answer = session_of(context).get("/v1/underwriting/queue")
    if json:
        output.show_json(answer)
        return
    output.table(("application", "product", "due", "claimed by", "approvals missing"), map(_row, answer["items"]),
                 "Nothing waits.")  # fmt: skip


@app.command()
def show(context: typer.Context, application: Application, json: AsJson = False) -> None:
    """Where it is, what it waits for, and which clocks run."""
    show_application(session_of(context).get(path_of(application)), json)


@app.command()
def claim(context: typer.Context, application: Application, json: AsJson = False) -> None:
    """Take one."""
    _do(context, application, "claim", {}, json)


@app.command()
def release(context: typer.Context, application: Application, json: AsJson = False) -> None:
    """Give one back."""
    _do(context, application, "release", {}, json)


@app.command()
def reassign(
    context: typer.Context,
    application: Application,
    to: Annotated[str, typer.Option(help="The login of another underwriter.")],
    json: AsJson = False,
) -> None:
    """Give it to somebody else; a senior underwriter may."""
    _do(context, application, "reassign", {"to": to}, json)


@app.command()
def decide(
    context: typer.Context,
    application: Application,
    decision: Annotated[str, typer.Argument(help="approve, refer or decline", metavar="DECISION")],
    reason: Annotated[list[str] | None, typer.Option(help=f"Of a denial, up to four: {REASONS}.")] = None,
    condition: Annotated[
        list[str] | None,
        typer.Option(help="Of an approval, with its kind: clear_title=closing, appraisal=underwriting, …"),
    ] = None,
    json: AsJson = False,
) -> None:
    """Approve, refer or decline."""
    named = [each.partition("=") for each in condition or []]
    if any(not kind for _, _, kind in named):
        fail("A condition needs its kind.", "Say e.g. --condition clear_title=closing.")
    conditions = [{"code": code, "kind": kind} for code, _, kind in named]
    body = {"decision": decision, "reasons": _codes(reason or []), "conditions": conditions}
    _do(context, application, "decide", body, json)


@app.command()
def counteroffer(
    context: typer.Context,
    application: Application,
    principal: Annotated[int, typer.Option(help="The amount, in minor units: 10000 is 100.00.")],
    reason: Annotated[list[str], typer.Option(help=f"Why not what was asked for, up to four: {REASONS}.")],
    json: AsJson = False,
) -> None:
    """Offer another amount."""
    _do(context, application, "counteroffer", {"terms": {"principal": principal}, "reasons": _codes(reason)}, json)


@app.command()
def approve(context: typer.Context, application: Application, json: AsJson = False) -> None:
    """Agree as another pair of eyes."""
    _do(context, application, "approve", {}, json)


@app.command()
def recuse(
    context: typer.Context,
    application: Application,
    reason: Annotated[str, typer.Option(help="Why you step aside.")],
    json: AsJson = False,
) -> None:
    """Step aside."""
    _do(context, application, "recuse", {"reason": reason}, json)


def _do(context: typer.Context, application: str, command: str, body: dict[str, Any], json: bool) -> None:
    path = f"/v1/underwriting/applications/{quote(application, safe='')}/{command}"
    show_application(session_of(context).post(path, body), json)


def _codes(reasons: list[str]) -> list[str]:
    """As they are said: `credit history` is `credit_history`."""
    return ["_".join(each.lower().replace("-", " ").split()) for each in reasons]


def _row(view: dict[str, Any]) -> tuple[object, ...]:
    due = next((each["due_at"] for each in view["clocks"] if each["name"] == "review"), None)
    claimed = view["claim"]["login"] if view["claim"] else ""
    return view["application_id"], view["product"], output.time(due), claimed, view["approvals_left"] or 0
