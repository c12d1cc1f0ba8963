"""`throughline account …`: balances, transactions, schedule, payoff and repayments of an account."""

from typing import Annotated
from urllib.parse import quote

import typer

from gateway.cli import output
from gateway.cli.session import AsJson, as_channel_or_office, session_of

app = typer.Typer(help="Read and repay accounts.", no_args_is_help=True)

Account = Annotated[str, typer.Argument(help="The account's id.", metavar="ACCOUNT")]


app.callback(help="Read and repay accounts.")(as_channel_or_office)


@app.command()
def balances(
    context: typer.Context,
    account: Account,
    as_of: Annotated[str | None, typer.Option(help="An RFC 3339 time; else now.")] = None,
    json: AsJson = False,
) -> None:
    """What is owed or held, by type."""
    found = session_of(context).get(f"{_path(account)}/balances", as_of=as_of)
    if json:
        output.show_json(found)
        return
    rows = [
        (name, output.money(found[name], found["currency"]))
        for name in ("principal", "interest", "accrued", "fees", "booked", "pending", "available", "drawn", "undrawn")
    ]
    output.table(("balance", "amount"), rows, "")


@app.command()
def payoff(
    context: typer.Context,
    account: Account,
    on: Annotated[str | None, typer.Option(help="A day, YYYY-MM-DD; else today.")] = None,
    json: AsJson = False,
) -> None:
    """What would settle it on a day."""
    found = session_of(context).get(f"{_path(account)}/payoff", on=on)
    output.show_json(found) if json else output.done(
        f"{output.money(found['total'], found['currency'])} on {found['on']}"
    )


@app.command()
def schedule(context: typer.Context, account: Account, json: AsJson = False) -> None:
    """The instalments as they were agreed."""
    session = session_of(context)
    found = session.get(f"{_path(account)}/schedule")
    if json:
        output.show_json(found)
        return
    currency = session.get(f"{_path(account)}/balances")["currency"]
    parts = ("payment", "interest", "principal", "balance")
    rows = ((each["due"], *(output.money(each[part], currency) for part in parts)) for each in found["items"])
    output.table(("due", *parts), rows, "There are no instalments.")


@app.command()
def transactions(context: typer.Context, account: Account, json: AsJson = False) -> None:
    """What was posted, booked and pending."""
    session = session_of(context)
    found = session.get(f"{_path(account)}/transactions")
    if json:
        output.show_json(found)
        return
    currency = session.get(f"{_path(account)}/balances")["currency"]
    rows = (
        (output.time(each["at"]), each["kind"], output.money(each["amount"], currency), each["state"], each["channel"])
        for each in found["items"]
    )
    output.table(("at", "what", "amount", "state", "channel"), rows, "Nothing was posted yet.")


@app.command()
def repay(
    context: typer.Context,
    account: Account,
    amount: Annotated[int, typer.Argument(help="In minor units: 10000 is 100.00.", min=1)],
    json: AsJson = False,
) -> None:
    """Repay, once (see --once)."""
    session = session_of(context)
    answer = session.post(f"{_path(account)}/repayments", {"amount": amount})
    if json:
        output.show_json(answer)
        return
    left = session.get(f"{_path(account)}/payoff")
    paid, owed = (output.money(each, left["currency"]) for each in (answer["amount"], left["total"]))
    output.done(f"{paid} repaid; {owed} would settle it on {left['on']}.")


def _path(account: str) -> str:
    return f"/v1/accounts/{quote(account, safe='')}"
