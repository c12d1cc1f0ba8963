"""The whole API over PostgreSQL, with a stand-in for Temporal and a shop of three stores."""

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.access.keys import issue_key
from adapters.access.memory import MemoryPrincipals
from adapters.access.port import Principal, PrincipalKind, Role
from adapters.applications.postgres import PostgresApplications
from adapters.archives.gathered import GatheredArchives
from adapters.archives.sealing import ArchiveKey
from adapters.audit.memory import MemoryAuditLog
from adapters.balances.postgres import PostgresBalances
from adapters.banking.postgres import PostgresBanking
from adapters.documents.disk import DiskFiles
from adapters.documents.sealed import SealedDocuments
from adapters.idempotency.memory import MemoryCommandRecords
from adapters.inventory.port import StockMovement
from adapters.items.port import Item
from adapters.keys.master import MasterKeys
from adapters.keys.postgres import PostgresCustomerKeys
from adapters.letters.writing import MailedLetters
from adapters.locker.memory import MemoryLockers
from adapters.notification.smtp import SmtpMailer
from adapters.payment.by_means import by_means
from adapters.payment.ledgered import LedgeredPayments
from adapters.payment.memory import MemoryPayments
from adapters.places.port import Place, PlaceKind
from adapters.policies.postgres import PostgresPolicyPacks
from adapters.postgres import migrate
from adapters.postgres.engine import make_engine
from adapters.postgres.inbound import PostgresInboundEvents
from adapters.postgres.transaction import PostgresTransactions
from adapters.products.postgres import PostgresProducts
from adapters.reconciling.runs import PostgresReconciler
from adapters.retention.postgres import PostgresRetention
from adapters.shipping.memory import MemoryShipping
from adapters.vault.lookup import Lookup
from adapters.vault.postgres import PostgresVault
from domain.actors import Channel
from domain.ids import OperationKey, Sku, StoreId
from domain.lending.clocks import DAY
from domain.policy_packs import STANDARD
from domain.stock import MovementKind
from domain.store_hours import StoreHours
from domain.terms import ChannelRules
from gateway.app import create_app
from gateway.edge import Edge
from gateway.outages import OUTAGES
from gateway.sealing import seal_with
from gateway.services import Lending, Services
from tests.gateway.api.engine import Engine, offered

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
"""A Monday, 11:00 in Berlin."""
SIGNING = ("payment", "fraud", "carrier", "locker", "partner")
SECRETS = dict.fromkeys(SIGNING, "whsec_" + "c2VjcmV0IHNlY3JldCBzZWNyZXQgISE=")
CODE_KEY = b"c" * 32
HOURS = StoreHours(
    zone="Europe/Berlin",
    weekly=dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat"), (("09:00", "18:00"),)),
    exceptions={"2026-12-24": (("09:00", "14:00"),), "2026-12-25": ()},
)


def a_store(location_id: str, **more: Any) -> Place:
    known: dict[str, Any] = {
        "location_id": StoreId(location_id),
        "kind": PlaceKind.STORE,
        "name": f"Store {location_id}",
        "address": f"Street {location_id}\n10115 Berlin",
        "latitude": 52.5,
        "longitude": 13.4,
        "email": f"{location_id.lower()}@example.org",
        "hours": HOURS,
    }
    return Place(**(known | more))


@dataclass
class Shop:
    """The API with everything behind it, and the callers' clients."""

    services: Services
    engine: Engine
    app: FastAPI
    principals: MemoryPrincipals
    audit: MemoryAuditLog
    provider: MemoryPayments
    times: list[datetime]
    clients: list[httpx.AsyncClient] = field(default_factory=list)

    async def caller(self, principal_id: str, **known: Any) -> httpx.AsyncClient:
        given = {"kind": PrincipalKind.CHANNEL, "channel": Channel.WEB} | known
        key = await issue_key(self.principals, Principal(id=principal_id, **given), at=self.times[0])
        return self.client(Authorization=f"Bearer {key}")

    async def store(self, store_id: str, *roles: Role) -> httpx.AsyncClient:
        name = f"{store_id}-{'-'.join(sorted(roles)) or 'associate'}"
        return await self.caller(
            name, kind=PrincipalKind.STORE, channel=Channel.STORE, store_id=store_id, roles=frozenset(roles)
        )

    async def ops(self, *roles: Role) -> httpx.AsyncClient:
        return await self.caller(
            f"ops-{'-'.join(sorted(roles)) or 'ops'}",
            kind=PrincipalKind.OPS,
            channel=Channel.OPS,
            roles=frozenset(roles or {Role.OPS}),
        )

    def client(self, **headers: str) -> httpx.AsyncClient:
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app), base_url="http://shop", headers=headers, timeout=30
        )
        self.clients.append(client)
        return client

    def pass_time(self, **amount: float) -> None:
        self.times[0] += timedelta(**amount)

    async def stock(self, sku: str, store_id: str, quantity: int) -> None:
        async with self.services.transactions.begin() as books:
            await books.inventory.move(
                StockMovement(
                    key=OperationKey(uuid.uuid4().hex),
                    at=self.times[0],
                    kind=MovementKind.COUNT,
                    sku=Sku(sku),
                    location_id=StoreId(store_id),
                    quantity=quantity,
                )
            )


async def post(client: httpx.AsyncClient, path: str, body: Any = None, key: str | None = None, **headers: str) -> Any:
    """A POST under an Idempotency-Key of its own."""
    return await client.post(path, json=body or {}, headers={"Idempotency-Key": key or uuid.uuid4().hex} | headers)


def an_order(**changes: Any) -> dict[str, Any]:
    """An order body that is fine, with an external id of its own."""
    body: dict[str, Any] = {
        "channel": "web",
        "external_id": f"W-{uuid.uuid4().hex[:10]}",
        "placed_at": "2026-11-23T10:00:00Z",
        "currency": "EUR",
        "locale": "de-DE",
        "customer": {"ref": f"C-{uuid.uuid4().hex[:8]}", "name": "Ann Example", "email": "ann@example.org"},
        "lines": [
            {"line_id": "1", "sku": "SHOE", "quantity": 2, "unit_price": 4999, "fulfilment": "f1"},
        ],
        "fulfilments": [{"id": "f1", "method": "pickup", "store_id": "S1", "mode": "counter"}],
        "total": 9998,
        "tenders": [{"type": "card", "token": "tok_ok", "amount": 9998}],
    }
    return body | changes


async def place(shop: Shop, web: httpx.AsyncClient, **changes: Any) -> str:
    """An order that stands and that its store was asked for; its id."""
    answer = await post(web, "/v1/orders", an_order(**changes))
    assert answer.status_code == 201, answer.text
    order_id: str = answer.json()["order_id"]
    offered(shop.engine.of(order_id).order)
    await shop.engine.write(order_id)
    return order_id


@pytest.fixture(scope="session")
async def shop_database(gateway_database: str) -> AsyncIterator[AsyncEngine]:
    """A database of its own beside that of the registers, with the newest schema."""
    server = gateway_database.replace("postgresql+psycopg", "postgresql")
    async with await psycopg.AsyncConnection.connect(server, autocommit=True) as connection:
        await connection.execute("CREATE DATABASE shop")
    url = f"{gateway_database.rpartition('/')[0]}/shop"
    migrate.upgrade(url)
    engine = make_engine(url, pool_size=20)
    async with engine.connect():
        yield engine
    await engine.dispose()


@pytest.fixture(scope="session")
async def whole_shop(shop_database: AsyncEngine) -> Shop:
    """Made once: an application with all its routes takes longer than a test."""
    times = [NOW]

    def clock() -> datetime:
        return times[0]

    keys = PostgresCustomerKeys(shop_database, MasterKeys(b"m" * 32), seconds=0)
    transactions = PostgresTransactions(shop_database)
    engine = Engine(transactions)
    principals, audit, provider = MemoryPrincipals(), MemoryAuditLog(), MemoryPayments(clock)
    services = Services(
        edge=Edge(
            principals=principals,
            records=MemoryCommandRecords(),
            audit=audit,
            seal=seal_with(b"k" * 32),
            secret=b"s" * 32,
            link_secrets=[b"l" * 32],
            clock=clock,
            outages=OUTAGES,
        ),
        temporal=engine,  # type: ignore[arg-type]
        transactions=transactions,
        keys=keys,
        vault=PostgresVault(shop_database, keys, Lookup(b"h" * 32)),
        payments=by_means(
            LedgeredPayments(shop_database, provider, "simulator", clock=clock),
            shop_database,
            CODE_KEY,
            "http://shop",
            clock,
        ),
        balances=PostgresBalances(shop_database, CODE_KEY, "simulator"),
        events=PostgresInboundEvents(shop_database),
        reconciler=PostgresReconciler(shop_database),
        shipping=MemoryShipping(clock),
        lockers=MemoryLockers(clock),
        policy=STANDARD,
        code_key=CODE_KEY,
        webhook_secrets=SECRETS,
        public_url="http://shop",
        lending=_lending(shop_database, keys),
    )
    return Shop(services, engine, create_app(services), principals, audit, provider, times)


def _lending(database: AsyncEngine, keys: PostgresCustomerKeys) -> Lending:
    """Nothing of it is called by the shop's tests; its routes stand in the same document."""
    documents = SealedDocuments(DiskFiles(Path("/nonexistent")), keys)
    vault = PostgresVault(database, keys, Lookup(b"h" * 32))
    applications, products, banking = (
        PostgresApplications(database),
        PostgresProducts(database),
        PostgresBanking(database),
    )
    key = ArchiveKey(b"a" * 32)
    return Lending(
        applications=applications,
        products=products,
        banking=banking,
        documents=documents,
        letters=MailedLetters(documents, vault, SmtpMailer("127.0.0.1", 1, "lender@example.org")),
        archives=GatheredArchives(applications, products, documents, banking, vault, key),
        archive_key=key.public,
        retention=PostgresRetention(database, keys, documents, banking),
        policies=PostgresPolicyPacks(database, DAY),
    )


@pytest.fixture
async def shop(whole_shop: Shop) -> AsyncIterator[Shop]:
    """As it opens on Monday at ten: three stores, a warehouse, two items, and nothing remembered of other tests."""
    whole_shop.times[0] = NOW
    whole_shop.audit.entries.clear()
    whole_shop.engine.forget()
    whole_shop.services.edge.records.__init__()  # type: ignore[misc]
    async with whole_shop.services.transactions.begin() as books:
        for place in (
            a_store("S1"),
            a_store("S2", latitude=52.6, curbside=False),
            a_store("S3", latitude=53.5),
            a_store("W1", kind=PlaceKind.WAREHOUSE),
        ):
            await books.places.put(place)
        for sku in ("SHOE", "HAT"):
            await books.items.put(Item(sku=Sku(sku), name=f"A {sku.lower()}"))
        await books.channels.put(Channel.CALL_CENTRE, ChannelRules(holds_discrepancies=True))
    yield whole_shop
    while whole_shop.clients:
        await whole_shop.clients.pop().aclose()


@pytest.fixture
async def web(shop: Shop) -> httpx.AsyncClient:
    """The web shop."""
    return await shop.caller("web")


@pytest.fixture
async def s1(shop: Shop) -> httpx.AsyncClient:
    """An associate of store S1."""
    return await shop.store("S1")


@pytest.fixture
async def ops(shop: Shop) -> httpx.AsyncClient:
    return await shop.ops()
