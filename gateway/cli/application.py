"""What the groups of commands about applications share: the argument, the path, and an application for people."""

from typing import Annotated, Any
from urllib.parse import quote

import typer

from gateway.cli import output

Application = Annotated[str, typer.Argument(help="The application's id.", metavar="APPLICATION")]

HASHES = ("sha256", "terms_hash", "proof")
TIMES = ("until", "due")
SUMS = ("amount", "drawn", "undrawn", "limit")
NAMES = ("step", "doc", "party", "type", "intervention_id", "product", "account_id", "to")


def path_of(application: str) -> str:
    return f"/v1/applications/{quote(application, safe='')}"


def show_application(view: dict[str, Any], json: bool) -> None:
    if json:
        output.show_json(view)
    else:
        shown(view)


def shown(view: dict[str, Any]) -> None:
    """An application for people."""
    ended = f", {view['outcome'].replace('_', ' ')}" if view["outcome"] else ""
    output.done(f"{view['product']} {view['application_id']}: {view['stage'].replace('_', ' ')}{ended}")
    if view["missing"]:
        output.print_plain("Missing: " + ", ".join(map(_missing, view["missing"])))
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
    if view["account_id"]:
        output.print_plain(f"Account: {view['account_id']} (throughline account balances {view['account_id']})")
    if view["tranches"]:
        rows = (
            (each["n"], each["title"], output.money(each["amount"], view["currency"]), each["state"])
            for each in view["tranches"]
        )
        output.table(("part", "of", "amount", "state"), rows, "")
    waits = [
        (each["what"], each["who"].replace("_", "-"), output.time(each.get("deadline")), each.get("default", ""))
        for each in view["waiting_for"]
    ]
    output.table(("waits for", "who", "until", "then"), waits, "It waits for nothing.")
    running = [
        (each["name"].replace("_", " "), output.time(each["due_at"]), each["calendar"].replace("_", " "))
        for each in view["clocks"]
        if each["state"] == "running"
    ]
    output.table(("clock", "due", "calendar"), running, "No clock runs.")
    if view["notices"]:
        notices = (
            (each["n"], each["kind"].replace("_", " "), each["party"], each["state"]) for each in view["notices"]
        )
        output.table(("notice", "of", "to", "state"), notices, "")


def asked(schema: dict[str, Any]) -> str:
    """The fields of a step's answers; what need not be given stands in brackets."""
    fields = []
    for name, field in schema["properties"].items():
        said = f"{name}: {' or '.join(field['enum'])}" if "enum" in field else name
        fields.append(said if name in schema.get("required", ()) else f"[{said}]")
    return ", ".join(fields)


def facts(data: dict[str, Any], currency: str) -> str:
    """What an event says beyond its name. Hashes are for scripts; what a command takes stays as it is."""
    shown = []
    for name, value in data.items():
        if name in HASHES or not value:
            continue
        if name in TIMES:
            said = output.time(value)
        elif name in SUMS:
            said = output.money(value, currency)
        elif isinstance(value, list):
            said = ", ".join(map(str, value))
        else:
            said = str(value) if name in NAMES else str(value).replace("_", " ")
        shown.append(f"{name.replace('_', ' ')}: {said}")
    return "; ".join(shown)


def _missing(item: dict[str, Any]) -> str:
    """With what a command names it by: a document's number, and whose it is."""
    whose = f" of {item['party']}" if item.get("party") else ""
    return f"{item['type']} ({item['name']}{whose})" if item.get("type") else f"{item['name']}{whose}"
