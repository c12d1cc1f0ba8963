"""The `throughline` command: the embedded stack, and the groups of commands that speak to a running one."""

import asyncio
import importlib
import importlib.util
import inspect
import os
import shlex
import shutil
import signal
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape

from workers.settings import Policy, explain
from workers.stack.data import DataFolder
from workers.stack.errors import AlreadyRunning, StackError
from workers.stack.progress import Lines

if TYPE_CHECKING:
    from workers.stack.servers import Servers
    from workers.stack.stack import Stack

GROUPS = {
    "gateway.cli.order": "order",
    "gateway.cli.store": "store",
    "gateway.cli.returns": "return",
    "gateway.cli.ops": "ops",
    "gateway.cli.apply": "apply",
    "gateway.cli.underwrite": "underwrite",
    "gateway.cli.account": "account",
    "gateway.cli.balance": "balance",
}
"""The one place to add a group of commands: the module, which holds a typer `app`, and the group's name."""

app = typer.Typer(
    name="throughline",
    help="Throughline: durable orders across channels.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
out = Console()
errors = Console(stderr=True)

Data = Annotated[Path, typer.Option("--data", help="The stack's data folder.", envvar="THROUGHLINE_DATA")]
DEFAULT_DATA = Path(".throughline")


@app.callback()
def throughline(
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.", envvar="THROUGHLINE_DEBUG")] = False,
) -> None:
    """Throughline: durable orders across channels."""
    if debug:
        os.environ["THROUGHLINE_DEBUG"] = "1"


@app.command()
def up(
    data: Data = DEFAULT_DATA,
    policy: Annotated[Policy, typer.Option(help="Real durations, or days played in seconds.")] = "standard",
    port: Annotated[int | None, typer.Option(help="The API's port; else a free one.", min=1, max=65535)] = None,
    workers: Annotated[int, typer.Option(help="How many worker processes to run.", min=1, max=64)] = 1,
) -> None:
    """Start everything on this machine and keep it running until Ctrl-C."""
    from workers.stack.stack import Stack  # here, so that commands which speak HTTP start fast

    stack = Stack(data, policy=policy, port=port, workers=workers, progress=Lines(out))
    out.print(f"Throughline starts in [bold]{escape(str(stack.data.path))}[/]", highlight=False, soft_wrap=True)
    asyncio.run(_until_told(lambda: _serve(stack)))
    out.print("Stopped. The data is kept; `throughline reset` empties it.", highlight=False)


@app.command()
def down(data: Data = DEFAULT_DATA) -> None:
    """Stop the stack that runs in this folder."""
    pid = DataFolder(data).stop_owner()
    out.print(f"Stopped the stack of process {pid}.", highlight=False)


@app.command()
def demo() -> None:
    """Play sample orders from several channels on a stack of their own, then leave nothing behind."""
    if importlib.util.find_spec("workers.demo") is None:
        raise StackError("The sample orders are not installed.", "Use `throughline up` meanwhile.")
    from workers.stack.stack import Stack

    play: Callable[[Stack], Awaitable[None] | None] = importlib.import_module("workers.demo").play
    folder = Path(tempfile.mkdtemp(prefix="throughline-demo-"))

    async def played() -> None:
        async with Stack(folder / "data", policy="short", fsync=False, progress=Lines(out)) as stack:
            going_on = play(stack)
            if inspect.isawaitable(going_on):
                await going_on

    try:
        if asyncio.run(_until_told(played)):
            raise typer.Exit(130)
    finally:
        DataFolder(folder / "data").discard()
        shutil.rmtree(folder, ignore_errors=True)


@app.command()
def doctor(data: Data = DEFAULT_DATA) -> None:
    """Check what the stack needs on this machine."""
    from workers.doctor import examine

    findings = examine(DataFolder(data))
    for finding in findings:
        mark = "[green]✓[/]" if finding.well else "[red]✗[/]"
        remedy = f" [yellow]{escape(finding.remedy)}[/]" if finding.remedy else ""
        out.print(f" {mark} {finding.name:<12} {escape(finding.found)}{remedy}", highlight=False, soft_wrap=True)
    if not all(finding.well for finding in findings):
        raise typer.Exit(1)


@app.command()
def reset(
    data: Data = DEFAULT_DATA,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete all orders, stock and keys of the stack in this folder."""
    folder = DataFolder(data)
    owner = folder.owner()
    if owner is not None:
        raise AlreadyRunning(
            f"The stack in {folder.path} is running (process {owner}).", "Stop it first: `throughline down`."
        )
    if not folder.lock_file.exists():
        out.print(f"There is nothing in {folder.path}.", highlight=False, soft_wrap=True)
        return
    if not yes and not typer.confirm(f"Delete everything in {folder.path}?"):
        raise typer.Exit(1)
    folder.empty()
    out.print(f"{folder.path} is empty.", highlight=False, soft_wrap=True)


async def _serve(stack: "Stack") -> None:
    async with stack:
        _show(stack)
        await asyncio.Event().wait()


def _show(stack: "Stack") -> None:
    out.print()
    for name, where in (
        ("API", f"{stack.api_url}/v1, described at {stack.api_url}/docs"),
        ("Temporal", stack.servers.temporal_ui or stack.servers.temporal_address),
        ("Mails sent", stack.servers.mail_url),
        ("Provider", stack.servers.payments_url),
        ("Carriers", f"{stack.servers.carriers_url}/"),
        ("Lockers", f"{stack.servers.lockers_url}/"),
        ("Keys", str(stack.data.record_file)),
        ("Search", search_command(stack.servers)),
    ):
        out.print(f"   [bold]{name:<12}[/] {escape(where)}", highlight=False, soft_wrap=True)
    out.print("\nRunning. Ctrl-C stops everything.", highlight=False)


def search_command(servers: "Servers") -> str:
    """How ops search orders on a command line, with `temporal` where it is."""
    cli = servers.temporal_cli or "temporal"
    home = str(Path.home())
    return " ".join(
        (
            f"~{cli.removeprefix(home)}" if cli.startswith(f"{home}/") else shlex.quote(cli),
            "workflow list",
            f"--address {servers.temporal_address} --namespace {shlex.quote(servers.temporal_namespace)}",
            """--query 'OrderStatus = "in_progress"'""",
        )
    )


async def _until_told(work: Callable[[], Awaitable[None]]) -> bool:
    """Do the work; SIGINT, SIGTERM and SIGHUP end it orderly, a second one at once. Whether one of them did."""
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(work())
    told = False

    def tell() -> None:
        nonlocal told
        if told:
            # The children end with their supervisor.
            os._exit(130)
        told = True
        errors.print("\nStopping …", highlight=False)
        task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, tell)
    try:
        await task
    except asyncio.CancelledError:
        if not told:
            raise
    return told


def _mount_groups() -> None:
    for module, name in GROUPS.items():
        if _exists(module):
            app.add_typer(importlib.import_module(module).app, name=name)


def _exists(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def main() -> None:
    """The entry point: known problems become one line that says what to do."""
    try:
        app()
    except StackError as error:
        if os.environ.get("THROUGHLINE_DEBUG"):
            raise
        errors.print(f"[red]✗[/] {escape(str(error))}", highlight=False, soft_wrap=True)
        if error.detail:
            errors.print(f"[dim]{escape(error.detail)}[/]", highlight=False, soft_wrap=True)
        sys.exit(1)
    except ValidationError as error:
        if os.environ.get("THROUGHLINE_DEBUG") or not error.title.endswith("Settings"):
            raise
        errors.print(f"[red]✗[/] {escape(explain(error))}", highlight=False, soft_wrap=True)
        sys.exit(1)


_mount_groups()

if __name__ == "__main__":
    main()
