"""A small application with every kind of route, behind the edge; its registers in memory, the clock held still."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, Query, Request, Response
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.access.keys import issue_key
from adapters.access.memory import MemoryPrincipals
from adapters.access.port import Principal, PrincipalKind, Role
from adapters.audit.memory import MemoryAuditLog
from adapters.idempotency.memory import MemoryCommandRecords
from adapters.postgres.engine import make_engine
from adapters.postgres.metadata import Table
from adapters.postgres.tables.access import ApiKeyRow, PrincipalRow
from adapters.postgres.tables.audit import AuditRow
from adapters.postgres.tables.idempotency import CommandRow
from domain.actors import Channel
from gateway.bodies import reads_raw, stream_bounded
from gateway.edge import Edge, install
from gateway.faults import Outage
from gateway.fields import Body, Instant, Quantity, ShortText
from gateway.idempotency import CommandRoute, CurrentCommandId, repeatable
from gateway.paging import CurrentPage, Page
from gateway.principals import Caller, CurrentCaller, require, require_store
from gateway.sealing import seal_with
from tests.conftest import NewDatabase

TABLES = [row.__table__ for row in (PrincipalRow, ApiKeyRow, AuditRow, CommandRow)]
SECRET = b"s" * 32


class ByCounter(Body):
    method: Literal["counter"]
    place: ShortText


class ByCar(Body):
    method: Literal["car"]
    bay: Quantity


class Line(Body):
    sku: ShortText
    quantity: Quantity


class Thing(Body):
    quantity: Quantity
    name: ShortText = "thing"
    at: Instant | None = None
    gift: bool = False
    lines: Annotated[list[Line], Field(max_length=500, default_factory=list)]
    handed: Annotated[ByCounter | ByCar, Field(discriminator="method")] | None = None


class Cancel(Body):
    reason: ShortText
    preview: bool = False


class SystemAway(Exception):
    """Stands for a driver's exception."""


async def nothing() -> Response | None:
    return None


@dataclass
class World:
    """The application, and what a test may hold and look at."""

    now: datetime = datetime(2026, 11, 22, 10, tzinfo=UTC)
    principals: MemoryPrincipals = field(default_factory=MemoryPrincipals)
    records: Any = field(default_factory=MemoryCommandRecords)
    audit: MemoryAuditLog = field(default_factory=MemoryAuditLog)
    a_minute: int = 6000
    issuers: tuple[Any, ...] = ()
    checks: dict[str, Callable[[], Awaitable[object]]] = field(default_factory=dict)
    runs: list[Any] = field(default_factory=list)
    """What reached the handler of `POST /v1/things`."""
    during: Callable[[], Awaitable[Response | None]] = nothing
    """What that handler does meanwhile."""
    app: FastAPI = field(default_factory=lambda: FastAPI(title="Small"))

    def clock(self) -> datetime:
        return self.now

    def pass_time(self, **amount: float) -> None:
        self.now += timedelta(**amount)

    def open(self) -> None:
        self.app.include_router(router(self), prefix="/v1")
        install(
            self.app,
            Edge(
                principals=self.principals,
                records=self.records,
                audit=self.audit,
                seal=seal_with(b"k" * 32),
                secret=SECRET,
                link_secrets=[b"l" * 32],
                clock=self.clock,
                issuers=self.issuers,
                outages=[Outage("test system", lambda error: isinstance(error, SystemAway), retry_after=3)],
                checks=self.checks,
                requests_a_minute=self.a_minute,
            ),
        )

    async def key(self, principal_id: str = "web", **known: Any) -> str:
        given = {"kind": PrincipalKind.CHANNEL, "channel": Channel.WEB} | known
        expires_at = given.pop("expires_at", None)
        principal = Principal(id=principal_id, **given)
        return await issue_key(self.principals, principal, at=self.now, expires_at=expires_at)

    async def store_key(self, store_id: str = "S001", *roles: Role) -> str:
        return await self.key(
            f"store/{store_id}", kind=PrincipalKind.STORE, channel=Channel.STORE, store_id=store_id, roles=set(roles)
        )

    def client(self, key: str | None = None, **headers: str) -> httpx.AsyncClient:
        if key is not None:
            headers["Authorization"] = f"Bearer {key}"
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app), base_url="http://edge", headers=headers, timeout=30
        )

    def system_away(self) -> None:
        raise SystemAway("host db-7.internal refused, password=hunter2")


def router(world: World) -> APIRouter:
    router = APIRouter(route_class=CommandRoute)

    @router.post("/things", status_code=201)
    async def make(body: Thing, caller: CurrentCaller, command_id: CurrentCommandId, response: Response) -> Any:
        world.runs.append((command_id, body))
        answer = await world.during()
        response.headers["Location"] = "/v1/things/1"
        return answer or {"run": len(world.runs), "name": body.name}

    @router.post("/things/{thing_id}/poke")
    async def poke(thing_id: str, command_id: CurrentCommandId) -> dict[str, str]:
        world.runs.append((command_id, thing_id))
        return {"poked": thing_id}

    @router.post("/things/{thing_id}/cancel")
    async def cancel(thing_id: str, body: Cancel, command_id: CurrentCommandId) -> dict[str, bool]:
        world.runs.append((command_id, body))
        return {"preview": body.preview}

    @router.post("/quotes")
    @repeatable
    async def quote(body: Thing) -> dict[str, int]:
        return {"price": body.quantity}

    @router.post("/files")
    @repeatable
    @reads_raw
    async def upload(request: Request) -> dict[str, int]:
        return {"bytes": sum([len(chunk) async for chunk in stream_bounded(request, 2000)])}

    @router.get("/things")
    async def things(page: CurrentPage, sku: Annotated[list[str], Query()] = []) -> Page[int]:  # noqa: B006
        start = 0 if page.after is None else int(page.after[0] or 0)
        items = list(range(start, min(start + page.limit, 5)))
        following = start + len(items)
        return page.page(items, (following,) if following < 5 else None)

    @router.get("/things/{thing_id}")
    async def thing(thing_id: int) -> dict[str, int]:
        return {"id": thing_id}

    @router.get("/me")
    async def me(caller: CurrentCaller) -> Any:
        return caller.actor

    @router.get("/stores/{store_id}/tasks")
    async def tasks(caller: Annotated[Caller, Depends(require_store)]) -> list[str]:
        return []

    @router.post("/stores/{store_id}/unlock")
    async def unlock(
        store_id: str, caller: Annotated[Caller, Depends(require(PrincipalKind.STORE, roles=[Role.MANAGER]))]
    ) -> dict[str, bool]:
        await caller.must_act_at(store_id)
        return {"unlocked": True}

    return router


@pytest.fixture
def world() -> World:
    """Not open yet: a test may still set what the application is made with."""
    return World()


@pytest.fixture
async def web(world: World) -> AsyncIterator[httpx.AsyncClient]:
    """The web shop, at an open world."""
    world.open()
    async with world.client(await world.key()) as client:
        yield client


@pytest.fixture
async def open_things(web: httpx.AsyncClient) -> Callable[..., Awaitable[httpx.Response]]:
    """Posts a raw body to `/v1/things` under a key of its own."""

    async def post(content: Any, content_type: str | None = "application/json") -> httpx.Response:
        headers = {"Idempotency-Key": "one"} | ({"Content-Type": content_type} if content_type else {})
        return await web.post("/v1/things", content=content, headers=headers)

    return post


@pytest.fixture(scope="session")
async def gateway_database(new_database: NewDatabase) -> str:
    return await new_database("registers")


@pytest.fixture
async def engine(gateway_database: str) -> AsyncIterator[AsyncEngine]:
    engine = make_engine(gateway_database, pool_size=20)
    async with engine.begin() as connection:
        await connection.run_sync(Table.metadata.create_all, tables=TABLES)
    yield engine
    async with engine.begin() as connection:
        await connection.run_sync(Table.metadata.drop_all, tables=TABLES)
    await engine.dispose()
