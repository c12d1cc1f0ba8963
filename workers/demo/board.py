"""The orders as they go on, in one table: where each stands, what it waits for and until when, who did what last."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rich import box
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from domain.groups import FINAL
from workers.demo.story import Story

COLOURS = {
    "held": "yellow",
    "waiting": "yellow",
    "offered": "blue",
    "accepted": "cyan",
    "picking": "cyan",
    "ready": "magenta",
    "queued": "yellow",
    "packed": "cyan",
    "shipped": "magenta",
    "requested": "blue",
    "in transit to store": "magenta",
    "arrived": "cyan",
    "exception": "bold red",
    "completed": "green",
    "delivered": "green",
    "collected": "green",
    "needs attention": "bold red",
    "differs": "bold red",
}
"""Of a status; what is over without goods is dim."""


WIDE = 92
"""Columns from which the last act is shown too."""


@dataclass
class Row:
    story: Story
    status: str = ""
    waits_for: str = ""
    deadline: datetime | None = None
    note: str = ""
    """The last act; in the end, what happened."""
    over: bool = False

    def take(self, order: dict[str, Any]) -> None:
        """Show what the order's record says now."""
        self.status = status_in_words(order)
        waits = order["waiting_for"]
        first = waits[0] if waits else None
        self.waits_for = _in_short(first["what"]) if first else ""
        self.deadline = datetime.fromisoformat(first["deadline"]) if first and first["deadline"] else None


class Board:
    """A live table of all orders."""

    def __init__(self, stories: tuple[Story, ...]) -> None:
        self.rows = [Row(story) for story in stories]

    def take(self, orders: list[dict[str, Any]]) -> None:
        found = {(order["channel"], order["external_id"]): order for order in orders}
        for row in self.rows:
            order = found.get((row.story.channel, row.story.external_id))
            if order is not None:
                row.take(order)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        now = datetime.now(UTC)
        wide = options.max_width >= WIDE
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True, expand=True, header_style="bold")
        table.add_column("Order", no_wrap=True, width=6)
        table.add_column("Channel → where", no_wrap=True, width=22)
        table.add_column("Status", no_wrap=True, width=14)
        table.add_column("Waits for", no_wrap=True, ratio=1)
        if wide:
            table.add_column("Last act", no_wrap=True, width=23)
        for row in self.rows:
            where = route(row.story.channel, row.story.goes_to)
            cells = [Text(row.story.external_id), Text(where), coloured(row.status), _wait(row, now)]
            act = [Text("" if row.over else row.note)] if wide else []
            table.add_row(*cells, *act, style="" if row.note and not row.over else "dim")
        yield table


def _wait(row: Row, now: datetime) -> Text:
    if row.over:
        good = row.status != "differs"
        return Text.assemble(("✓ ", "green") if good else ("✗ ", "red"), row.note, overflow="ellipsis")
    left = f"{max(0.0, (row.deadline - now).total_seconds()):2.0f} s " if row.deadline else ""
    return Text.assemble((left, "yellow"), row.waits_for, overflow="ellipsis")


def route(channel: str, where: str) -> str:
    return f"{channel.replace('_', ' ')} → {where}"


def coloured(status: str) -> Text:
    first = status.partition(" + ")[0]
    return Text(status, style=COLOURS.get(first, "dim"))


def status_in_words(order: dict[str, Any]) -> str:
    """The order's status, or what its open parts are at while it goes on."""
    if order["status"] != "in_progress":
        return str(order["status"]).replace("_", " ")
    statuses = dict.fromkeys(group["status"] for group in order["groups"])
    still_open = [status for status in statuses if status not in FINAL]
    return " + ".join(still_open or statuses).replace("_", " ")


def _in_short(what: str) -> str:
    """`payment hold: the customer confirms with the bank` is held already; a choice need not be spelled out."""
    words = what.partition(" hold: ")[2] or what
    return words.partition(",")[0].removeprefix("the ")
