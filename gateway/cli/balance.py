"""`throughline balance …`: gift cards and store credit, from any channel."""

from typing import Annotated
from urllib.parse import quote

import typer

from domain.balances import BalanceKind
from gateway.cli import output
from gateway.cli.session import DEFAULT_DATA, ApiKey, AsJson, Data, Once, Session, Url, session_of

app = typer.Typer(help="Gift cards and store credit: look, and issue.", no_args_is_help=True)

KindArgument = Annotated[BalanceKind, typer.Argument(help="What it is.", metavar="KIND")]


@app.callback()
def balance(
    context: typer.Context,
    as_: Annotated[str, typer.Option("--as", help="The channel whose key is used.")] = "web",
    person: Annotated[str, typer.Option("--ops", help="Who of operations issues.")] = "ada",
    url: Url = None,
    key: ApiKey = None,
    data: Data = DEFAULT_DATA,
    once: Once = None,
) -> None:
    """Gift cards and store credit: look, and issue."""
    issues = context.invoked_subcommand == "issue"
    context.obj = Session(url, key, data, ("ops", person) if issues else (as_,), once)


@app.command()
def show(
    context: typer.Context,
    kind: KindArgument,
    balance_id: Annotated[str, typer.Argument(help="Its id; of store credit also the customer's ref.", metavar="ID")],
    currency: Annotated[str | None, typer.Option(help="Of a customer's store credit.")] = None,
    json: AsJson = False,
) -> None:
    """What is on it, what orders hold of it, and its history."""
    path = f"/v1/balances/{kind.value}/{quote(balance_id, safe='')}"
    found = session_of(context).get(path, limit=200, currency=currency)
    if json:
        output.show_json(found)
        return
    money, held = output.money(found["balance"], found["currency"]), output.money(found["held"], found["currency"])
    output.done(f"{kind.value} …{found['last_four']} is {found['status']}: {money}, of which {held} is held")
    output.table(
        ("when", "what", "amount", "for", "why"),
        (
            (
                output.time(each["at"]),
                each["movement"],
                output.money(each["amount"], found["currency"]),
                each["reference"],
                each["reason"],
            )
            for each in found["history"]
        ),
        "Nothing has moved yet.",
    )


@app.command()
def issue(
    context: typer.Context,
    kind: KindArgument,
    amount: Annotated[int, typer.Argument(help="Minor units.", min=1)],
    reason: Annotated[str, typer.Option(help="Why it is given.")],
    currency: Annotated[str, typer.Option(help="ISO 4217.")] = "EUR",
    customer: Annotated[str | None, typer.Option(help="Whose store credit it is: the customer's ref.")] = None,
    json: AsJson = False,
) -> None:
    """Give a gift card, or store credit to a customer. Its number is shown this once."""
    body = {"amount": amount, "currency": currency, "reason": reason, "customer_ref": customer}
    made = session_of(context).post(f"/v1/balances/{kind.value}", body)
    if json:
        output.show_json(made)
        return
    output.done(f"{kind.value} {made['id']}: {output.money(made['balance'], made['currency'])}")
    output.print_plain(f"Number: {made['number']}")
