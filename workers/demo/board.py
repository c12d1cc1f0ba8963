"""The orders as they go on, in one table: where each stands, what it waits for and until when, who did what last."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rich import box
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from workers.demo.stories import Story

COLOURS = {
    "held": "yellow",
    "waiting": "yellow",
    "offered": "blue",
    "accepted": "cyan",
    "picking": "cyan",
    "ready": "magenta",
    "completed": "green",
    "collected": "green",
    "needs attention": "bold red",
    "differs": "bold red",
}
"""Of a status; what is over without goods is dim."""


@dataclass
class Row:
    story: Story
    status: str = ""
    waits_for: str = ""
    deadline: datetime | None = None
    note: str = ""
    over: bool = False

    def take(self, order: dict[str, Any]) -> None:
        """Show what the order's record says now."""
        self.status = status_in_words(order)
        waits = order["waiting_for"]
        first = waits[0] if waits else None
        self.waits_for = first["what"] if first else ""
        self.deadline = datetime.fromisoformat(first["deadline"]) if first and first["deadline"] else None


class Board:
    """A live table of all orders. Lines are printed instead where there is no terminal."""

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
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, expand=True, header_style="bold")
        table.add_column("Order", no_wrap=True, width=6)
        table.add_column("Channel → store", no_wrap=True, width=18)
        table.add_column("Status", no_wrap=True, width=17)
        table.add_column("Waits for", no_wrap=True, ratio=3)
        table.add_column("Last act", no_wrap=True, ratio=2)
        for row in self.rows:
            table.add_row(
                row.story.external_id,
                route(row.story.channel, row.story.store_id),
                coloured(row.status),
                _wait(row, now),
                Text(row.note, style="dim" if row.over else ""),
                style="" if row.note else "dim",
            )
        yield table


def _wait(row: Row, now: datetime) -> Text:
    if not row.waits_for or row.over:
        return Text("✓", style="green") if row.over else Text("")
    left = f"{max(0.0, (row.deadline - now).total_seconds()):.0f} s: " if row.deadline else ""
    return Text.assemble((left, "yellow"), row.waits_for, overflow="ellipsis")


def route(channel: str, store_id: str) -> str:
    return f"{channel.replace('_', ' ')} → {store_id}"


def coloured(status: str) -> Text:
    first = status.partition(" + ")[0]
    return Text(status, style=COLOURS.get(first, "dim"))


def status_in_words(order: dict[str, Any]) -> str:
    """The order's status, or what its open pickups are at while it goes on."""
    if order["status"] != "in_progress":
        return str(order["status"]).replace("_", " ")
    statuses = [group["status"] for group in order["groups"]]
    return " + ".join(dict.fromkeys(statuses)).replace("_", " ")
