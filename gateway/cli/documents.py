"""`throughline apply document …`: what an application asks for on paper, and what was thought of it."""

from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer

from gateway.cli.application import Application, path_of, show_application
from gateway.cli.session import AsJson, fail, session_of

app = typer.Typer(help="Send documents, and say whether they are good.", no_args_is_help=True)

Document = Annotated[str, typer.Argument(help="Which document, as `show` names it.", metavar="DOCUMENT")]
Sighted = Annotated[bool, typer.Option("--sighted", help="Seen as paper, in a branch.")]


@app.command()
def upload(
    context: typer.Context,
    application: Application,
    document: Document,
    file: Annotated[Path, typer.Argument(help="A PDF, PNG or JPEG.", metavar="FILE")],
    json: AsJson = False,
) -> None:
    """Send a document."""
    try:
        content = file.read_bytes()
    except OSError as fault:
        fail(f"{file} cannot be read: {fault.strerror}.", "Name a file of yours.")
    session = session_of(context)
    show_application(session.upload(f"{_path(application, document)}/content", content), json)


@app.command()
def received(context: typer.Context, application: Application, document: Document, json: AsJson = False) -> None:
    """It came on paper."""
    show_application(session_of(context).post(f"{_path(application, document)}/received"), json)


@app.command()
def accept(
    context: typer.Context, application: Application, document: Document, sighted: Sighted = False, json: AsJson = False
) -> None:
    """It is good."""
    body = {"sighted": sighted}
    show_application(session_of(context).post(f"{_path(application, document)}/accept", body), json)


@app.command()
def reject(
    context: typer.Context,
    application: Application,
    document: Document,
    reason: Annotated[str, typer.Option(help="What is wrong with it; the customer reads it.")],
    json: AsJson = False,
) -> None:
    """It is not good, and is asked for again."""
    body = {"reason": reason}
    show_application(session_of(context).post(f"{_path(application, document)}/reject", body), json)


@app.command()
def waive(
    context: typer.Context,
    application: Application,
    document: Document,
    reason: Annotated[str, typer.Option(help="Why it is not needed.")],
    json: AsJson = False,
) -> None:
    """It is not needed."""
    body = {"reason": reason}
    show_application(session_of(context).post(f"{_path(application, document)}/waive", body), json)


def _path(application: str, document: str) -> str:
    return f"{path_of(application)}/documents/{quote(document, safe='')}"
