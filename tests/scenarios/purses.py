"""Gift cards and store credit as outsiders see them."""

import re
from typing import TYPE_CHECKING

from tests.scenarios.placed import Json
from tests.scenarios.world import taken

if TYPE_CHECKING:
    from tests.scenarios.world import World


async def issued(world: "World", kind: str, amount: int, customer: str | None = None) -> Json:
    """What operations give away; the answer has the number."""
    body = {"amount": amount, "currency": "EUR", "reason": "a story"} | ({"customer_ref": customer} if customer else {})
    return taken(await world.ops("POST", f"/v1/balances/{kind}", body))


async def balance(world: "World", purse: Json, as_: str = "app") -> Json:
    """From another channel than it was issued in."""
    return taken(await world.channel("GET", f"/v1/balances/{purse['kind']}/{purse['id']}", as_=as_))


async def on_it(world: "World", purse: Json) -> tuple[int, int]:
    """What is on it, and what of that is held."""
    found = await balance(world, purse)
    return found["balance"], found["held"]


def paid_with(purse: Json, amount: int) -> Json:
    tender = "store_credit" if purse["kind"] == "credit" else "gift_card"
    return {"type": tender, "number": purse["number"], "amount": amount}


def card(amount: int, token: str = "tok_ok") -> Json:
    return {"type": "card", "token": token, "amount": amount}


NUMBER = re.compile(r"^Number: ([A-Z-]{19})\s*$", re.MULTILINE)


async def number_in_mail(world: "World", mailbox: str) -> str:
    """The number that pays, as the customer reads it."""

    async def look() -> str | None:
        found = [number for mail in await world.mails(mailbox) for number in NUMBER.findall(mail["text"])]
        return found[-1] if found else None

    number: str = await world.until("the mail with the number comes", look)
    return number
