"""`throughline apply party …`: who takes part in an application beside the applicant."""

from typing import Annotated
from urllib.parse import quote

import typer

from gateway.cli.application import Application, path_of, show_application
from gateway.cli.session import AsJson, session_of

app = typer.Typer(help="Who takes part beside the applicant.", no_args_is_help=True)

Party = Annotated[str, typer.Argument(help="Who, as `show --json` names them.", metavar="PARTY")]


@app.command()
def add(
    context: typer.Context,
    application: Application,
    ref: Annotated[str, typer.Option(help="The customer's reference.")],
    name: Annotated[str, typer.Option(help="The customer's name.")],
    email: Annotated[str | None, typer.Option(help="Where notices go.")] = None,
    role: Annotated[str, typer.Option(help="co_applicant or guarantor")] = "co_applicant",
    json: AsJson = False,
) -> None:
    """Somebody joins; the application waits until they agree."""
    body = {"ref": ref, "name": name, "email": email, "role": role}
    show_application(session_of(context).post(f"{path_of(application)}/parties", body), json)


@app.command()
def consent(
    context: typer.Context,
    application: Application,
    party: Party,
    electronic: Annotated[bool, typer.Option("--electronic", help="And gets notices by mail.")] = False,
    json: AsJson = False,
) -> None:
    """Somebody agrees to take part."""
    body = {"electronic": electronic}
    show_application(session_of(context).post(f"{_path(application, party)}/consent", body), json)


@app.command()
def remove(context: typer.Context, application: Application, party: Party, json: AsJson = False) -> None:
    """Somebody leaves."""
    show_application(session_of(context).delete(_path(application, party)), json)


def _path(application: str, party: str) -> str:
    return f"{path_of(application)}/parties/{quote(party, safe='')}"
