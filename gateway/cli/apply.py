"""`throughline apply …`: what applicants and channels do with applications."""

import json as jsons
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer

from gateway.cli import documents, output, parties
from gateway.cli.application import Application, asked, facts, path_of, show_application
from gateway.cli.session import AsJson, as_channel_or_office, fail, session_of

app = typer.Typer(help="Apply for loans, cards and accounts.", no_args_is_help=True)

app.callback(help="Apply for loans, cards and accounts.")(as_channel_or_office)
app.add_typer(documents.app, name="document")
app.add_typer(parties.app, name="party")


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
def steps(
    context: typer.Context,
    product: Annotated[str, typer.Argument(help="Which product, as `products` names it.", metavar="PRODUCT")],
    json: AsJson = False,
) -> None:
    """What each step of a product asks."""
    answer = session_of(context).get(f"/v1/products/{quote(product, safe='')}")
    if json:
        output.show_json(answer["steps"])
        return
    rows = (
        (each["name"], each["title"], asked(each["schema"]), ", ".join(each["requires"]), ", ".join(each["evidence"]))
        for each in answer["steps"]
    )
    output.table(("step", "title", "answers", "after", "documents"), rows, "It asks nothing.")


@app.command()
def start(
    context: typer.Context,
    product: Annotated[str, typer.Argument(help="Which product, as `products` names it.", metavar="PRODUCT")],
    ref: Annotated[str, typer.Option(help="The customer's reference.")],
    name: Annotated[str, typer.Option(help="The customer's name.")],
    email: Annotated[str | None, typer.Option(help="Where notices go.")] = None,
    json: AsJson = False,
) -> None:
    """Begin an application."""
    session = session_of(context)
    party = {name_: value for name_, value in {"ref": ref, "name": name, "email": email}.items() if value is not None}
    body = {"product": product, "channel": session.wanted[0], "party": party}
    show_application(session.post("/v1/applications", body), json)


@app.command("list")
def listed(
    context: typer.Context,
    customer: Annotated[str | None, typer.Option(help="Of this customer's reference only.")] = None,
    most: Annotated[int, typer.Option(help="How many at most.", min=1)] = 20,
    json: AsJson = False,
) -> None:
    """Applications, the newest first."""
    found = list(session_of(context).pages("/v1/applications", most, customer=customer))
    if json:
        output.show_json({"items": found})
        return
    rows = (
        (
            each["application_id"],
            each["product"],
            (each["outcome"] or each["stage"]).replace("_", " "),
            ", ".join(dict.fromkeys(wait["what"] for wait in each["waiting_for"])),
        )
        for each in found
    )
    output.table(("application", "product", "is", "waits for"), rows, "There is none.")


@app.command()
def show(context: typer.Context, application: Application, json: AsJson = False) -> None:
    """Where it is, what is missing, what it waits for, and which clocks run."""
    show_application(session_of(context).get(path_of(application)), json)


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
    show_application(session_of(context).put(f"{path_of(application)}/steps/{quote(name, safe='')}", body), json)


@app.command()
def submit(context: typer.Context, application: Application, json: AsJson = False) -> None:
    """Ask for a decision."""
    show_application(session_of(context).post(f"{path_of(application)}/submit"), json)


@app.command()
def accept(context: typer.Context, application: Application, json: AsJson = False) -> None:
    """Accept the offer."""
    show_application(session_of(context).post(f"{path_of(application)}/offer/accept"), json)


@app.command()
def decline(context: typer.Context, application: Application, json: AsJson = False) -> None:
    """Decline the offer."""
    show_application(session_of(context).post(f"{path_of(application)}/offer/decline"), json)


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
    show_application(session_of(context).post(f"{path_of(application)}/sign", body), json)


@app.command()
def withdraw(context: typer.Context, application: Application, json: AsJson = False) -> None:
    """Go no further."""
    show_application(session_of(context).post(f"{path_of(application)}/withdraw"), json)


@app.command("judge-hit")
def judge_hit(
    context: typer.Context,
    application: Application,
    verdict: Annotated[
        str, typer.Argument(help="clear (somebody else) or confirm (the listed person).", metavar="VERDICT")
    ],
    reason: Annotated[str, typer.Option(help="What was compared, and what came of it.")],
    json: AsJson = False,
) -> None:
    """Say what a sanctions hit is; to confirm it, and to clear it for much money, a second person says so too."""
    if verdict not in ("clear", "confirm"):
        fail("A hit is cleared or confirmed.", "Say clear or confirm.")
    show_application(session_of(context).post(f"{path_of(application)}/screening/{verdict}", {"reason": reason}), json)


@app.command("release-part")
def release_part(
    context: typer.Context,
    application: Application,
    number: Annotated[int, typer.Argument(help="Which part of the loan.", metavar="PART", min=1)],
    reason: Annotated[str, typer.Option(help="What has come to be, and who saw it.")],
    json: AsJson = False,
) -> None:
    """A part of the loan may leave: what it pays for has come to be."""
    path = f"{path_of(application)}/tranches/{number}/release"
    show_application(session_of(context).post(path, {"reason": reason}), json)


@app.command()
def rescind(context: typer.Context, application: Application, json: AsJson = False) -> None:
    """Cancel what was signed, while the law allows it."""
    show_application(session_of(context).post(f"{path_of(application)}/rescind"), json)


@app.command()
def reasons(context: typer.Context, application: Application, json: AsJson = False) -> None:
    """Ask for the reasons of a denial whose notice did not name them."""
    show_application(session_of(context).post(f"{path_of(application)}/reasons"), json)


@app.command()
def notice(
    context: typer.Context,
    application: Application,
    number: Annotated[int, typer.Argument(help="Which notice.", metavar="NOTICE", min=1)],
    pdf: Annotated[Path | None, typer.Option(help="Write it there as PDF, instead of showing its text.")] = None,
) -> None:
    """A notice as it was sent, written again from the record."""
    wanted = None if pdf is None else "pdf"
    content = session_of(context).file(f"{path_of(application)}/notices/{number}", format=wanted)
    if pdf is None:
        output.print_plain(content.decode())
    else:
        written(pdf, content)


@app.command()
def export(
    context: typer.Context,
    application: Application,
    file: Annotated[Path, typer.Argument(help="Where the archive goes.", metavar="FILE")],
) -> None:
    """The whole file as one signed archive."""
    session = session_of(context)
    made = session.post(f"{path_of(application)}/export")
    written(file, session.file(made["url"]))
    output.print_plain(f"Its signature is checked with the key {made['public_key']}.")


def written(file: Path, content: bytes) -> None:
    try:
        file.write_bytes(content)
    except OSError as fault:
        fail(f"{file} cannot be written: {fault.strerror}.", "Name another file.")
    output.done(f"{file}: {len(content)} bytes.")


@app.command()
def timeline(context: typer.Context, application: Application, json: AsJson = False) -> None:
    """What happened, in order."""
    answer = session_of(context).get(f"{path_of(application)}/timeline")
    if json:
        output.show_json(answer)
        return
    currency = session_of(context).get(path_of(application))["currency"]
    rows = (
        (
            output.time(each["at"]),
            each["event"].replace("_", " "),
            each["on_behalf_of"] or each["actor"],
            each["channel"],
            each["reason"],
            facts(each["data"], currency),
        )
        for each in answer["items"]
    )
    output.table(("when", "what", "who", "where", "why", "details"), rows, "Nothing happened yet.")


@app.command()
def retention(context: typer.Context, application: Application, json: AsJson = False) -> None:
    """Until when its file is kept, and what holds it."""
    answer = session_of(context).get(f"{path_of(application)}/retention")
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
    answer = session_of(context).post(f"{path_of(application)}/holds", {"reason": reason})
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
    path = f"{path_of(application)}/holds/{quote(hold_id, safe='')}/release"
    answer = session_of(context).post(path, {"reason": reason})
    output.show_json(answer) if json else output.done(f"{application} is held by {hold_id} no more.")
