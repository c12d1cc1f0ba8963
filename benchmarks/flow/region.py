"""A region of stores that hand over and ship two units of one of many articles, which all of them or some have."""

import secrets
from random import Random

import psycopg

from adapters.places.port import Place, PlaceKind
from adapters.transaction.port import Transactions
from benchmarks.flow.orders import ARTICLES, UNITS, terms_for
from domain.ids import Sku, StoreId
from domain.intake import Service
from domain.store_hours import always_open
from domain.terms import OrderTerms


class Region:
    """The same stores for all turns of a bench, with articles of their own for one turn."""

    def __init__(self, dsn: str, stores: int, *, every: int = 1) -> None:
        """`every`: which store has an article; 5 for every fifth."""
        self._dsn = dsn
        self._every = every
        self.name = secrets.token_hex(4).upper()
        self.stores = [StoreId(f"R-{number:04d}") for number in range(stores)]
        self.units = 0
        """What all stores had at first, together."""

    def sku(self, number: int) -> Sku:
        return Sku(f"{self.name}-{number:04d}")

    async def open(self, transactions: Transactions, orders: int) -> None:
        """The stores are there, and so are units for so many orders, wherever these are sent from."""
        dice = Random(len(self.stores))
        async with transactions.begin() as books:
            for store in self.stores:
                await books.places.put(_place(store, dice))
        each = UNITS * (-(-orders // ARTICLES))
        await self._stock(each)

    async def _stock(self, each: int) -> None:
        rows = [
            (self.sku(number), store)
            for number in range(ARTICLES)
            for at, store in enumerate(self.stores)
            if (number + at) % self._every == 0
        ]
        self.units = each * len(rows)
        async with await psycopg.AsyncConnection.connect(self._dsn) as connection, connection.cursor() as cursor:
            async with cursor.copy(
                "COPY stock_levels (sku, location_id, on_hand, allocated, reserved, set_aside, withheld) FROM STDIN"
            ) as copy:
                for sku, store in rows:
                    await copy.write_row((sku, store, each, 0, 0, 0, 0))
            await cursor.execute(
                "INSERT INTO stock_movements (key, kind, sku, location_id, reason, at, on_hand, allocated, reserved,"
                " set_aside, withheld) SELECT 'receipt:' || sku || ':' || location_id, 'receipt', sku, location_id, '',"
                " now(), on_hand, 0, 0, 0, 0 FROM stock_levels WHERE sku LIKE %s",
                [f"{self.name}-%"],
            )

    def collected(self, number: int) -> OrderTerms:
        """Order `number`, which its customer collects; of a region whose stores all have everything."""
        store = self.stores[number % len(self.stores)]
        return self._terms(number, {"method": "pickup", "store_id": store})

    def shipped(self, number: int, service: Service = Service.STANDARD) -> OrderTerms:
        """Order `number`, which is sent to one of ten areas."""
        address = {
            "name": "Test Customer",
            "line1": "Example street 1",
            "postal_code": f"{number % 10}0115",
            "city": "Example",
            "country": "DE",
        }
        return self._terms(number, {"method": "ship", "address": address, "service": service})

    def _terms(self, number: int, fulfilment: dict[str, object]) -> OrderTerms:
        return terms_for(f"{self.name}-{number}", self.sku(number % ARTICLES), fulfilment)


def _place(store: StoreId, dice: Random) -> Place:
    return Place(
        location_id=store,
        kind=PlaceKind.STORE,
        name=store,
        address="Example street 1",
        latitude=dice.uniform(47.5, 54.5),
        longitude=dice.uniform(6, 15),
        country="DE",
        postal_code="10115",
        email="store@stores.example",
        hours=always_open("Europe/Berlin"),
    )
