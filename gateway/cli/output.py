"""Answers as tables for people, or as JSON for scripts."""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from domain.money import Money

# Without a terminal there is no width to keep to: ids stay whole for whoever cuts them out.
out = Console(width=None if sys.stdout.isatty() else 250)

WHOLE = frozenset({"order", "id", "sku", "hold"})
"""Columns that somebody copies from."""


def show_json(answer: Any) -> None:
    if out.is_terminal:
        out.print_json(json.dumps(answer), indent=2)
    else:
        print_plain(json.dumps(answer, ensure_ascii=False))


def print_plain(text: str) -> None:
    out.print(text, markup=False, highlight=False, soft_wrap=True, emoji=False)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], empty: str) -> None:
    shown = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        shown.add_column(column, no_wrap=column in WHOLE, overflow="fold")
    count = 0
    for row in rows:
        shown.add_row(*(escape("" if cell is None else str(cell)) for cell in row))
        count += 1
    out.print(shown if count else f"[dim]{escape(empty)}[/]")


def done(text: str) -> None:
    out.print(f"[green]✓[/] {escape(text)}", highlight=False, soft_wrap=True)


def counted(number: int, one: str) -> str:
    """`1 record`, `2 records`."""
    return f"{number} {one}" if number == 1 else f"{number} {one}s"


def time(value: str | None) -> str:
    """In the reader's own zone, which is named."""
    if not value:
        return ""
    return datetime.fromisoformat(value).astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")


def money(amount: int, currency: str) -> str:
    return str(Money(amount=amount, currency=currency))


def lines(found: Iterable[Mapping[str, Any]]) -> str:
    return ", ".join(
        f"{line['quantity']} x {line.get('sku') or line['line_id']}"
        + (f" ({lines(line['components'])})" if line.get("components") else "")
        for line in found
    )


def where(task: Mapping[str, Any]) -> str:
    """Where the units of a task are, or are to go: a shelf, a car, a compartment of a parcel machine."""
    bay = task["bay"] and f"bay {task['bay']}"
    return " ".join(filter(None, (task["location"], bay, task["vehicle"], _in_locker(task.get("locker")))))


def _in_locker(locker: Mapping[str, Any] | None) -> str | None:
    if locker is None or locker.get("counter"):
        return None
    compartment = locker.get("compartment_id")
    return f"locker {locker['locker_id']}: {locker['status']}" + (f", compartment {compartment}" if compartment else "")


def facts(data: Mapping[str, Any], view: Mapping[str, Any]) -> str:
    """What an event of the order `view` says beyond its name: units by what they are, money as money."""
    skus = {line["line_id"]: line["sku"] for line in view["lines"]}
    shown = []
    for name, value in data.items():
        if name == "lines" and isinstance(value, Mapping):
            shown.append(lines({"line_id": each, "sku": skus.get(each), "quantity": n} for each, n in value.items()))
        elif name == "amount" and isinstance(value, int):
            shown.append(money(value, view["currency"]))
        else:
            said = ", ".join(map(str, value)) if isinstance(value, list) else value
            shown.append(f"{name.replace('_', ' ')}: {said}")
    return "; ".join(shown)


def order(view: Mapping[str, Any]) -> None:
    """One order, its groups, and what it waits for."""
    currency, paid = view["currency"], view["payment"]
    sums = " · ".join(f"{name} {money(amount, currency)}" for name, amount in paid.items() if amount)
    out.print(
        f"[bold]{escape(view['order_id'])}[/]  {escape(view['status'])}, version {view['version']}", highlight=False
    )
    out.print(
        escape(
            f"{view['channel']} {view['external_id']} · {money(view['total'], currency)} · {sums or 'no money moved'}"
        ),
        highlight=False,
    )
    skus = {line["line_id"]: line["sku"] for line in view["lines"]}
    table(
        ("n", "kind", "place", "status", "units", "ready", "until"),
        (
            (
                group["n"],
                group.get("kind", "pickup"),
                group["store_id"] or "none yet",
                group["status"] + (" (locked)" if group["locked"] else ""),
                lines({"sku": skus.get(line["line_id"])} | line for line in group["lines"]) + off(group),
                time(group["ready_at"] or group["promised_ready_at"]),
                time(group["deadline"] or group.get("promised_at")),
            )
            for group in view["groups"]
        ),
        "No groups.",
    )
    for hold in view["holds"]:
        end = f"; {hold['default']} at {time(hold['deadline'])}" if hold["deadline"] else ""
        out.print(escape(f"held ({hold['kind']}, {hold['hold_id']}): {hold['reason']}{end}"), highlight=False)
    for wait in view["waiting_for"]:
        until = f" until {time(wait['deadline'])}" if wait["deadline"] else ""
        default = f", then: {wait['default']}" if wait["default"] else ""
        out.print(escape(f"waits: {wait['what']} ({wait['who']}){until}{default}"), highlight=False)
    if action := view.get("next_action"):
        print_plain(f"customer's next step: {action['kind']} {action['url']}")


def pickup(view: Mapping[str, Any]) -> None:
    """The pickup or shipment after a command, in a line."""
    if "look" in view:
        done(f"Taken. Its fate will show under {view['look']}.")
        return
    again = " (nothing was left to do)" if view["already"] else ""
    parcels = "".join(f"; {each['carrier']} {each['tracking_number']}: {each['status']}" for each in view["parcels"])
    locker = _in_locker(view.get("locker"))
    parcels += f"; {locker}" if locker else ""
    units = lines(view["lines"]) + off(view)
    done(f"{view['kind']} {view['n']} of {view['order_id']} is {view['status']}: {units}{parcels}{again}")


def off(group: Mapping[str, Any]) -> str:
    """Which of the units of a group that has ended are not the customer's, when others are."""
    counts: dict[str, int] = {}
    for states in group.get("units", {}).values():
        for state, units in states.items():
            counts[state] = counts.get(state, 0) + units
    owed = any(counts.get(state) for state in ("open", "allocated", "picked", "ready"))
    gone = [f"{counts[state]} {state}" for state in ("cancelled", "lost") if counts.get(state)]
    return f" ({', '.join(gone)})" if gone and not owed and len(counts) > len(gone) else ""


def routing_in_words(decisions: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Why each part of an order is shipped from where it is, a line at a time."""
    for each in decisions:
        by = f", {each['run']}" if each.get("run") else ""
        yield f"shipment {each['group']}, {time(each['at'])}{by}:"
        for line in each["words"]:
            yield f"  {line}"
