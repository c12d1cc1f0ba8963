"""The orders that flow: two units of one of many articles, paid by one card, to be collected at one store."""

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from adapters.places.port import Place, PlaceKind
from adapters.transaction.port import Transactions
from benchmarks.stock.shelf import Shelf
from domain.actors import Actor, ActorKind, Channel
from domain.ids import Sku, order_id
from domain.intake import OrderBody
from domain.policy_packs import STANDARD
from domain.store_hours import always_open
from domain.terms import ChannelRules, OrderTerms, terms_of

PRICE = 4999
UNITS = 2
ARTICLES = 100
"""Enough that orders in flight seldom meet on one level."""
CUSTOMER = "C-BENCH"
WEB = Actor(kind=ActorKind.CHANNEL, id="web", channel=Channel.WEB)


class Seller:
    """One store with stock of its own, for one turn."""

    def __init__(self, dsn: str) -> None:
        self.shelf = Shelf(dsn)

    async def open(self, transactions: Transactions, orders: int) -> None:
        async with transactions.begin() as books:
            await books.places.put(
                Place(
                    location_id=self.shelf.place,
                    kind=PlaceKind.STORE,
                    name="Store",
                    address="Example street 1",
                    latitude=52.0,
                    longitude=13.0,
                    email="store@stores.example",
                    hours=always_open("Europe/Berlin"),
                )
            )
        each = UNITS * (-(-orders // ARTICLES))
        await self.shelf.stock({self.shelf.sku(number): each for number in range(ARTICLES)})

    def terms(self, number: int) -> OrderTerms:
        """What order `number` asks for."""
        to_collect = {"method": "pickup", "store_id": self.shelf.place}
        return terms_for(f"{self.shelf.name}-{number}", self.shelf.sku(number % ARTICLES), to_collect)


def terms_for(external_id: str, sku: Sku, fulfilment: Mapping[str, Any]) -> OrderTerms:
    """An order of two units. Fraud screening is off: no peer has it."""
    now = datetime.now(UTC)
    body = OrderBody.model_validate(
        {
            "channel": "web",
            "external_id": external_id,
            "placed_at": now,
            "currency": "EUR",
            "locale": "de-DE",
            "customer": {"ref": CUSTOMER},
            "lines": [{"line_id": "1", "sku": sku, "quantity": UNITS, "unit_price": PRICE, "fulfilment": "f1"}],
            "fulfilments": [{"id": "f1", **fulfilment}],
            "total": PRICE * UNITS,
            "tenders": [{"type": "card", "amount": PRICE * UNITS, "token": "tok_ok"}],
        }
    )
    return terms_of(
        body,
        order_id=order_id(now, secrets.token_bytes(10)),
        received_at=now,
        actor=WEB,
        policy=STANDARD,
        rules=ChannelRules(screening=False),
        discrepancy=None,
    )
