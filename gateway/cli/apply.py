"""`throughline apply …`: what applicants and channels do with applications."""

import json as jsons
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from gateway.cli import output
from gateway.cli.session import AsJson, as_channel_or_office, fail, session_of

app = typer.Typer(help="Apply for loans, cards and accounts.", no_args_is_help=True)

Application = Annotated[str, typer.Argument(help="The application's id.", metavar="APPLICATION")]


app.callback(help="Apply for loans, cards and accounts.")(as_channel_or_office)


@app.command()
def products(context: typer.Context, json: AsJson = False) -> None:
    """What can be applied for."""
    answer = session_of(context).get("/v1/products")
    if json:
        output.show_json(answer)
        return
    rows = (
        (each["product"], each["version"], each["title"], ", ".join(step["name"] for step in each["steps"]))
        for each in answer["items"]
    )
    output.table(("product", "version", "title", "steps"), rows, "Nothing can be applied for.")


@app.command()
def start(
    context: typer.Context,
    product: Annotated[str, typer.Argument(help="The product.", metavar="PRODUCT")],
    ref: Annotated[str, typer.Option(help="The customer's reference.")],
    name: Annotated[str, typer.Option(help="The customer's name.")],
    email: Annotated[str | None, typer.Option(help="Where notices go.")] = None,
    json: AsJson = False,
) -> None:
    """Begin an application."""
    session = session_of(context)
    party = {name_: value for name_, value in {"ref": ref, "name": name, "email": email}.items() if value is not None}
    body = {"product": product, "channel": session.wanted[0], "party": party}
    _show(session.post("/v1/applications", body), json)


@app.command()
def show(context: typer.Context, application: Application, json: AsJson = False) -> None:
    """Where it is, what is missing, what it waits for, and which clocks run."""
    _show(session_of(context).get(_path(application)), json)


@app.command()
def step(
    context: typer.Context,
    application: Application,
    name: Annotated[str, typer.Argument(help="The step.", metavar="STEP")],
    answers: Annotated[str, typer.Argument(help="The answers: JSON, or a file that holds it.", metavar="ANSWERS")],
    json: AsJson = False,
) -> None:
    """Answer a step."""
    try:
        body = jsons.loads(answers if answers.lstrip().startswith("{") else Path(answers).read_text())
    except (OSError, ValueError):
        fail("The answers cannot be read.", "Give JSON, e.g. '{\"monthly_income\": 600000}', or a file that holds it.")
    _show(session_of(context).put(f"{_path(application)}/steps/{quote(name, safe='')}", body), json)


@app.command()
def submit(context: typer.Context, application: Application, json: AsJson = False) -> None:
    """Ask for a decision."""
    _show(session_of(context).post(f"{_path(application)}/submit"), json)


@app.command()
def accept(context: typer.Context, application: Application, json: AsJson = False) -> None:
    """Accept the offer."""
    _show(session_of(context).post(f"{_path(application)}/offer/accept"), json)


@app.command()
def decline(context: typer.Context, application: Application, json: AsJson = False) -> None:
    """Decline the offer."""
    _show(session_of(context).post(f"{_path(application)}/offer/decline"), json)


@app.command()
def sign(
    context: typer.Context,
    application: Application,
    party: Annotated[str, typer.Option(help="Who signs.")] = "p1",
    wet: Annotated[bool, typer.Option("--wet", help="With a pen, in a branch.")] = False,
    json: AsJson = False,
) -> None:
    """Sign the agreement."""
    body = {"party": party, "way": "wet" if wet else "electronic"}
    _show(session_of(context).post(f"{_path(application)}/sign", body), json)


@app.command()
def withdraw(context: typer.Context, application: Application, json: AsJson = False) -> None:
    """Go no further."""
    _show(session_of(context).post(f"{_path(application)}/withdraw"), json)


@app.command("judge-hit")
def judge_hit(
    context: typer.Context,
    application: Application,
    verdict: Annotated[str, typer.Argument(help="clear (somebody else) or confirm (the listed person).")],
    reason: Annotated[str, typer.Option(help="What was compared, and what came of it.")],
    json: AsJson = False,
) -> None:
    """Say what a sanctions hit is; to confirm it, and to clear it for much money, a second person says so too."""
    if verdict not in ("clear", "confirm"):
        fail("A hit is cleared or confirmed.", "Say clear or confirm.")
    _show(session_of(context).post(f"{_path(application)}/screening/{verdict}", {"reason": reason}), json)


@app.command("release-part")
def release_part(
    context: typer.Context,
    application: Application,
    number: Annotated[int, typer.Argument(help="Which part of the loan.", metavar="PART", min=1)],
    reason: Annotated[str, typer.Option(help="What has come to be, and who saw it.")],
    json: AsJson = False,
) -> None:
    """A part of the loan may leave: what it pays for has come to be."""
    path = f"{_path(application)}/tranches/{number}/release"
    _show(session_of(context).post(path, {"reason": reason}), json)


@app.command()
def rescind(context: typer.Context, application: Application, json: AsJson = False) -> None:
    """Cancel what was signed, while the law allows it."""
    _show(session_of(context).post(f"{_path(application)}/rescind"), json)


@app.command()
def reasons(context: typer.Context, application: Application, json: AsJson = False) -> None:
    """Ask for the reasons of a denial whose notice did not name them."""
    _show(session_of(context).post(f"{_path(application)}/reasons"), json)


@app.command()
def timeline(context: typer.Context, application: Application, json: AsJson = False) -> None:
    """What happened, in order."""
    answer = session_of(context).get(f"{_path(application)}/timeline")
    if json:
        output.show_json(answer)
        return
    rows = (
        (output.time(each["at"]), each["event"].replace("_", " "), each["actor"], each["channel"], each["reason"] or "")
        for each in answer["items"]
    )
    output.table(("at", "event", "actor", "channel", "reason"), rows, "Nothing happened yet.")


@app.command()
def retention(context: typer.Context, application: Application, json: AsJson = False) -> None:
    """Until when its file is kept, and what holds it."""
    answer = session_of(context).get(f"{_path(application)}/retention")
    if json:
        output.show_json(answer)
        return
    until, gone = output.time(answer["keep_until"]), output.time(answer["purged_at"])
    output.done(
        f"{application}: " + (f"purged {gone}" if gone else f"kept until {until or 'its end and a time after'}")
    )
    rows = (
        (each["hold_id"], each["reason"], each["set_by"], output.time(each["released_at"]) or "holds")
        for each in answer["holds"]
    )
    output.table(("hold", "reason", "by", "released"), rows, "Nothing holds it beyond that.")


@app.command()
def hold(
    context: typer.Context,
    application: Application,
    reason: Annotated[str, typer.Option(help="Why it must be kept.")],
    json: AsJson = False,
) -> None:
    """Keep its file beyond its time."""
    answer = session_of(context).post(f"{_path(application)}/holds", {"reason": reason})
    output.show_json(answer) if json else output.done(f"{application} is held by {answer['hold_id']}.")


@app.command("release-hold")
def release_hold(
    context: typer.Context,
    application: Application,
    hold_id: Annotated[str, typer.Argument(help="The hold's id.", metavar="HOLD")],
    reason: Annotated[str, typer.Option(help="Why it need not be kept any more.")],
    json: AsJson = False,
) -> None:
    """Keep its file for this reason no longer."""
    path = f"{_path(application)}/holds/{quote(hold_id, safe='')}/release"
    answer = session_of(context).post(path, {"reason": reason})
    output.show_json(answer) if json else output.done(f"{application} is held by {hold_id} no more.")


def _path(application: str) -> str:
    return f"/v1/applications/{quote(application, safe='')}"


def _show(view: dict[str, Any], json: bool) -> None:
    if json:
        output.show_json(view)
    else:
        shown(view)


def shown(view: dict[str, Any]) -> None:
    """An application for people."""
    ended = f", {view['outcome'].replace('_', ' ')}" if view["outcome"] else ""
    output.done(f"{view['product']} {view['application_id']}: {view['stage'].replace('_', ' ')}{ended}")
    if view["missing"]:
        output.print_plain("Missing: " + ", ".join(each.get("type") or each["name"] for each in view["missing"]))
    if offer := view["offer"]:
        terms, currency = offer["terms"], view["currency"]
        output.print_plain(
            f"Offer {offer['n']} ({offer['state']}): {output.money(terms['principal'], currency)}, "
            f"{terms['term_months']} months, {output.money(offer['payment'], currency)} each, APR {offer['apr']} %"
        )
    if (due := view["repayment"]) and not due.get("repaid_at"):
        owed, a_day = (output.money(due[part], view["currency"]) for part in ("principal", "daily_interest"))
        output.print_plain(
            f"To repay until {output.time(due['repay_by'])}: {owed} and {a_day} for each day since the payout "
            f"(throughline account payoff {view['account_id']})"
        )
    if view["tranches"]:
        rows = (
            (each["n"], each["title"], output.money(each["amount"], view["currency"]), each["state"])
            for each in view["tranches"]
        )
        output.table(("part", "of", "amount", "state"), rows, "")
    waits = [
        (each["what"], each["who"], output.time(each.get("deadline")), each.get("default", ""))
        for each in view["waiting_for"]
    ]
    output.table(("waits for", "who", "until", "then"), waits, "It waits for nothing.")
    running = [
        (each["name"].replace("_", " "), output.time(each["due_at"]), each["calendar"])
        for each in view["clocks"]
        if each["state"] == "running"
    ]
    output.table(("clock", "due", "calendar"), running, "No clock runs.")
