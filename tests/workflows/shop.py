"""A seller of a test's own: stores, one article and one customer that no other test knows, on shared servers."""

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from temporalio.client import Client

from adapters.inventory.port import StockMovement
from adapters.keys.port import CustomerKeys, CustomerRef
from adapters.locker.port import Lockers
from adapters.payment.port import Payments
from adapters.places.port import Place, PlaceKind
from adapters.transaction.port import Transactions
from adapters.vault.port import Vault
from domain.actors import Actor, ActorKind, Channel
from domain.destinations import Destination
from domain.ids import OperationKey, OrderId, Sku, StoreId, order_id, order_workflow_id
from domain.intake import Address, OrderBody, TenderType
from domain.payments import TenderId
from domain.policy_packs import STANDARD, PolicyPack
from domain.stock import MovementKind, StockLevel
from domain.store_hours import StoreHours, always_open
from domain.terms import ChannelRules, OrderTerms, TenderTerms, terms_of
from gateway.channels.placing import printed
from gateway.showing import address_subject
from gateway.starting import start_order
from tests.workflows.machine import Door, Machine, door_of
from tests.workflows.watched import ProviderLedger, WatchedOrder
from workers.composition import Parts

PRICE = 4999
ADDRESS = {"name": "Ann Example", "line1": "Street 1", "postal_code": "01067", "city": "Dresden", "country": "DE"}
WEB = Actor(kind=ActorKind.CHANNEL, id="web", channel=Channel.WEB)
OPS = Actor(kind=ActorKind.OPS, id="ops", channel=Channel.OPS)

Clock = Callable[[], Awaitable[datetime]]


async def real_time() -> datetime:
    return datetime.now(UTC)


@dataclass
class Shop:
    """Places orders as the gateway does. `policy` is what its orders run under."""

    client: Client
    transactions: Transactions
    keys: CustomerKeys
    payments: Payments
    ledger: ProviderLedger
    vault: Vault
    vault_keys: CustomerKeys
    lockers: Lockers
    door: Door
    clock: Clock = real_time
    policy: PolicyPack = STANDARD
    hours: StoreHours = field(default_factory=lambda: always_open("Europe/Berlin"))
    partners_url: str = ""
    """Where the partners' simulator is asked what it did, and told what to do."""
    name: str = field(default_factory=lambda: secrets.token_hex(4).upper())
    locker_id: str = field(default_factory=lambda: f"L{100 + secrets.randbelow(900)}")
    """The parcel machine at its first store."""

    @property
    def sku(self) -> Sku:
        return Sku(f"SHOE-{self.name}")

    def store(self, number: int = 1) -> StoreId:
        return StoreId(f"S{number}-{self.name}")

    async def open(self, **stock: int) -> "Shop":
        """Open one store for each `s1=20`, farther away with each number, with so many units of the article."""
        now = await self.clock()
        async with self.transactions.begin() as books:
            for store in stock:
                number = int(store.removeprefix("s"))
                place = Place(
                    location_id=self.store(number),
                    kind=PlaceKind.STORE,
                    name=f"Store {number}",
                    address="Example street 1",
                    latitude=52.0 + number / 10,
                    longitude=13.0,
                    email=f"s{number}@stores.example",
                    country="DE",
                    postal_code=f"1011{number}",
                    hours=self.hours,
                )
                await books.places.put(place)
        for store, quantity in stock.items():
            if quantity:
                await self.receive(quantity, int(store.removeprefix("s")), at=now)
        return self

    async def receive(self, quantity: int, store: int = 1, at: datetime | None = None) -> None:
        """Goods arrive at a store."""
        movement = StockMovement(
            key=OperationKey(f"receipt:{secrets.token_hex(8)}"),
            at=at or await self.clock(),
            kind=MovementKind.RECEIPT,
            sku=self.sku,
            location_id=self.store(store),
            quantity=quantity,
        )
        async with self.transactions.begin() as books:
            await books.inventory.move(movement)

    async def levels(self) -> dict[int, StockLevel]:
        """The stock of the article, by the stores' numbers; nothing of it may be on the road between them."""
        async with self.transactions.begin() as books:
            everywhere = await books.inventory.levels([self.sku], None)
        levels = [level for level in everywhere if level.store_id.startswith("S")]
        assert not [level for level in everywhere if level.on_hand and level not in levels], "stock is on the road"
        return {int(level.store_id[1 : level.store_id.index("-")]): level for level in levels}

    async def on_hand(self) -> dict[int, int]:
        """What is on hand by store; nothing of it may be promised to anybody any more."""
        levels = await self.levels()
        assert {number: (level.allocated, level.reserved) for number, level in levels.items()} == dict.fromkeys(
            levels, (0, 0)
        ), "stock is still promised"
        return {number: level.on_hand for number, level in levels.items()}

    # --- orders ------------------------------------------------------------------------------------------------------

    async def terms(self, quantity: int = 2, *, rules: ChannelRules | None = None, **body: Any) -> OrderTerms:
        """The terms of an order for the first store. `token`, `tender`, `customer`, `approved` vary it."""
        now = await self.clock()
        token, tender = body.pop("token", "tok_ok"), body.pop("tender", "card")
        payment = {"type": tender, "amount": PRICE * quantity} | ({"token": token} if tender == "card" else {})
        order = OrderBody.model_validate(
            {
                "channel": "web",
                "external_id": f"W-{secrets.token_hex(6)}",
                "placed_at": now,
                "currency": "EUR",
                "locale": "de-DE",
                "customer": {"ref": body.pop("customer", f"C-{self.name}"), "email": "customer@example.org"},
                "lines": [
                    {
                        "line_id": "1",
                        "sku": self.sku,
                        "quantity": quantity,
                        "unit_price": PRICE,
                        "tax": 798,
                        "fulfilment": "f1",
                    }
                ],
                "fulfilments": [{"id": "f1", "method": "pickup", "store_id": self.store()}],
                "total": PRICE * quantity,
                "tenders": [payment],
            }
            | body
        )
        return terms_of(
            order,
            order_id=order_id(now, secrets.token_bytes(10)),
            received_at=now,
            actor=WEB,
            policy=self.policy,
            rules=rules or ChannelRules(),
            discrepancy=None,
            stores={self.store(): Destination(country="DE", latitude=52.1, longitude=13.0)},
        )

    async def place(self, quantity: int = 2, *, terms: OrderTerms | None = None, **varied: Any) -> WatchedOrder:
        """Place an order and wait for its fate."""
        terms = terms or await self.terms(quantity, **varied)
        await self.bind(terms)
        placed = await start_order(self.client, terms)
        return self.watch(terms, placed)

    async def place_to_ship(self, quantity: int = 2, **varied: Any) -> WatchedOrder:
        """Place an order that goes to Dresden, next to the first store, and wait for its fate."""
        fulfilment = {"id": "f1", "method": "ship", "address": ADDRESS}
        terms = await self.terms(quantity, fulfilments=[fulfilment], **varied)
        await self.bind(terms)
        key = await self.vault_keys.key_for_customer(CustomerRef(terms.customer_ref), terms.received_at)
        kept = printed(Address.model_validate(ADDRESS))
        await self.vault.put(address_subject(terms.order_id, 1), key.id, kept, terms.received_at)
        return self.watch(terms, await start_order(self.client, terms))

    async def place_for_locker(self, quantity: int = 2, **varied: Any) -> tuple[WatchedOrder, Machine]:
        """Place an order that is collected from the parcel machine at the first store, and wait for its fate."""
        by_locker = {"mode": "locker", "locker_id": self.locker_id}
        fulfilment = {"id": "f1", "method": "pickup", "store_id": self.store()} | by_locker
        order = await self.place(quantity, fulfilments=[fulfilment], **varied)
        return order, Machine(order, self.lockers, self.door)

    async def bind(self, terms: OrderTerms) -> None:
        """Give the order's history its customer's key, as must be done before its start."""
        key = await self.keys.key_for_customer(CustomerRef(terms.customer_ref), terms.received_at)
        await self.keys.bind(order_workflow_id(terms.order_id), key.id)

    def watch(self, terms: OrderTerms, placed: Any = None) -> WatchedOrder:
        return WatchedOrder(
            client=self.client,
            transactions=self.transactions,
            payments=self.payments,
            ledger=self.ledger,
            terms=terms,
            placed=placed,
        )


def card(amount: int, token: str = "tok_ok") -> TenderTerms:
    """Another card for an order that lacks money."""
    return TenderTerms(tender_id=TenderId("new"), type=TenderType.CARD, amount=amount, token=token)


def at_the_till(amount: int) -> TenderTerms:
    return TenderTerms(tender_id=TenderId("new"), type=TenderType.PAY_IN_STORE, amount=amount, token="POS-1")


def shop_on(made: Parts, client: Client, **varied: Any) -> Shop:
    """A shop on the shared servers, whose money is held by the payment simulator."""

    async def ledger(order: OrderId) -> list[dict[str, Any]]:
        answer = await made.http.get(f"{made.settings.payments_url}/ledger", params={"reference": order})
        entries: list[dict[str, Any]] = answer.json()["entries"]
        return entries

    keys: CustomerKeys = varied.pop("keys", made.keys)
    return Shop(
        client=client,
        transactions=made.transactions,
        keys=keys,
        payments=made.payments,
        ledger=ledger,
        vault=made.vault,
        vault_keys=made.keys,
        lockers=made.lockers,
        door=varied.pop("door", None) or door_of(made.http, made.settings.lockers_url),
        partners_url=made.settings.partners_url,
        **varied,
    )
