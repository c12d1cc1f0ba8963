"""What a person reads when the demo is over: the orders, the proofs, the mails, and where to look for oneself."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from babel.numbers import format_currency
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from temporalio.client import Client

from domain.money import digits
from gateway.cli.output import routing_in_words
from workers.demo.board import coloured, route
from workers.demo.callers import Callers
from workers.demo.proofs import Played, Proof
from workers.stack.ports import LOOPBACK, PREFERRED

WIDE = 96
"""Columns from which an order fits on one line."""

EXPLAINED = "M-5101"
"""The order whose way is explained."""
READERS = ("W-1001", "W-1006", "W-2001")
"""Those whose mails are listed: one collects, one opens a locker, one has it shipped."""

QUERIES = (
    ("what customers have", 'OrderStatus = "completed"'),
    ("what came to nothing, without the refused", 'OrderStatus = "cancelled"'),
    ("what the marketplace has sent", 'OrderChannel = "marketplace"'),
    ("everything that store S001 is part of", 'OrderStores = "S001"'),
    ("the same of a warehouse", 'OrderStores = "W001"'),
    ("one order by the shop's own number", 'OrderExternalId = "W-1001"'),
)
"""Searches that work in the Temporal UI, and after `temporal workflow list --query` (`throughline up` says how)."""


PLACES = (
    ("Console", "api", "/console"),
    ("API", "api", "/docs"),
    ("API contract", "api", "/openapi.json"),
    ("Temporal UI", "temporal_ui", "/"),
    ("Mails", "mail", "/"),
    ("Payments", "payments", "/"),
    ("Carriers", "carriers", "/"),
    ("Lockers", "lockers", "/"),
)
"""What a person can open in a browser, by the server's name in `stack.json` and its path."""
SHARED_PORTS = {"carriers": "carriage", "lockers": "carriage"}
"""Servers that are one program, by the name of its port."""


def show_orders(console: Console, all_played: Sequence[Played]) -> None:
    """One line an order; on a narrow terminal what happened stands under it."""
    wide = console.width >= WIDE
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True, header_style="bold")
    table.add_column("Order", no_wrap=True)
    table.add_column("Channel → where" if wide else "Channel → where, what happened", no_wrap=wide)
    table.add_column("Status", no_wrap=True)
    for name in ("Captured", "Voided", "Refunded"):
        table.add_column(name, justify="right", no_wrap=True)
    if wide:
        table.add_column("What happened")
    for played in all_played:
        story, order = played.story, played.order
        where = Text(route(story.channel, ", ".join(_places(order)) if order else story.goes_to))
        status = coloured("differs" if played.differs else story.ending.fate.value)
        money = [_amount(order, name) for name in ("captured", "voided", "refunded")]
        words = Text(played.differs[0], style="red") if played.differs else Text(story.words)
        if wide:
            table.add_row(story.external_id, where, status, *money, words)
        else:
            words.stylize("dim")
            table.add_row(story.external_id, Text.assemble(where, "\n", words), status, *money)
    console.print(table)
    if any(_was_renewed(played.order) for played in all_played if played.order):
        console.print(
            "[dim]Where more is voided than was ordered, the bank's promise was renewed in time, "
            "and the old one given back.[/]\n",
            highlight=False,
        )


def _places(order: dict[str, Any]) -> list[str]:
    """The places of its parts, each once; of what was sent to a store, both ends."""
    return list(
        dict.fromkeys(
            " → ".join(place for place in (group["from_store"], group["store_id"]) if place)
            for group in order["groups"]
        )
    )


def _was_renewed(order: dict[str, Any]) -> bool:
    """More than was ever ordered: what a change took off counts, though the total is without it."""
    money = order["payment"]
    ordered = sum(line["ordered"] * line["unit_price"] for line in order["lines"])
    return bool(money["captured"] + money["voided"] > ordered)


def show_proofs(console: Console, proofs: Sequence[Proof]) -> None:
    for proof in proofs:
        _mark(console, proof.says, well=not proof.against)
        for case in proof.against:
            console.print(Padding(Text(case, style="red"), (0, 0, 0, 5)))


async def show_why(console: Console, callers: Callers, all_played: Sequence[Played]) -> None:
    """Why the parcel of one order left from where it did, after others had not sent it."""
    for played in all_played:
        if played.story.external_id == EXPLAINED and played.order:
            order_id = played.order["order_id"]
            found = (await callers.ops().get(f"/v1/ops/routing/{order_id}"))["items"]
            console.print(f"\n[bold]throughline ops why {order_id}[/]  [dim]the last of {len(found)} decisions[/]")
            for line in routing_in_words(found[-1:]):
                console.print(Padding(Text(line), (0, 0, 0, 3)))
            console.print()


def show_mails(console: Console, mails: Sequence[dict[str, Any]]) -> None:
    to_stores = sum(mail["to"].endswith("@stores.example") for mail in mails)
    counted = f"Mails: {len(mails) - to_stores} to customers, {to_stores} to stores and warehouses"
    _mark(console, f"{counted}. Three customers got:", well=bool(mails))
    for number in READERS:
        for mail in mails:
            if mail["to"].startswith(f"{number.lower()}@"):
                console.print(Padding(Text.assemble(("· ", "dim"), mail["subject"]), (0, 0, 0, 5)))


def _mark(console: Console, words: str, *, well: bool) -> None:
    """A line with its mark, whose further lines stand under its words."""
    line = Table.grid(padding=(0, 1, 0, 0))
    line.add_row(" ", Text("✓", "green") if well else Text("✗", "red"), Text(words))
    console.print(line)


async def show_where_to_look(console: Console, callers: Callers, record: dict[str, Any]) -> None:
    """The way to look for oneself. Each page and each search is tried here, on the orders just played."""
    found = await _counts(record)
    console.print("\nThis stack ends now and leaves nothing behind.", highlight=False)
    console.print("[bold]make up POLICY=short[/] keeps one running, to look around:", highlight=False)
    for name, server, path in PLACES:
        if await callers.finds(record[server] + path):
            port = PREFERRED[SHARED_PORTS.get(server, server)]
            where = f"http://{LOOPBACK}:{port}{urlsplit(record[server]).path}{path}"
            console.print(f"   [bold]{name:<12}[/] {escape(where)}", highlight=False, soft_wrap=True)
    console.print("   [bold]Keys[/]         .throughline/stack.json", highlight=False)
    console.print(
        "\nThere, search orders in the Temporal UI as ops do (in grey, what each search found of the orders above):",
        highlight=False,
        soft_wrap=True,
    )
    for (words, query), count in zip(QUERIES, found, strict=True):
        console.print(f"   {escape(query)}  [dim]{words}: {count}[/]", highlight=False, soft_wrap=True)
    console.print()


async def _counts(record: dict[str, Any]) -> list[int]:
    client = await Client.connect(record["temporal"], namespace=record["temporal_namespace"])
    return [(await client.count_workflows(query)).count for _, query in QUERIES]


def _amount(order: dict[str, Any] | None, name: str) -> str:
    amount = order["payment"][name] if order else 0
    if not amount or order is None:
        return "[dim]–[/]"
    return str(format_currency(amount / 10 ** digits(order["currency"]), order["currency"], locale="en"))
