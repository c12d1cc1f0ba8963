"""The sample data on a real PostgreSQL, and the keys that come with it."""

import asyncio
import json
import os
import shutil
import stat
import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.access.port import Role
from adapters.access.postgres import PostgresPrincipals
from adapters.backorders.postgres import PostgresBackorders
from adapters.channels.postgres import PostgresChannels
from adapters.clock import system_clock
from adapters.inventory.port import StockMovement
from adapters.inventory.postgres import PostgresInventory
from adapters.items.postgres import PostgresItems
from adapters.places.port import Pause, PlaceKind
from adapters.postgres import migrate
from adapters.postgres.engine import make_engine
from adapters.postgres.metadata import Table
from adapters.postgres.places import PostgresPlaces
from domain.actors import Channel
from domain.ids import OperationKey, Sku, StoreId
from domain.stock import MovementKind
from domain.store_hours import next_opening
from domain.supply import ANYWHERE
from domain.terms import ChannelRules
from gateway.principals import Authenticator
from workers.process import python
from workers.seed import CONNECTIONS, KEYS_FILE, seed
from workers.settings import Settings, WebhookSecrets
from workers.stack.data import Secrets
from workers.stack.ports import Ports
from workers.stack.postgres import Postgres, remove_files

AT = datetime(2026, 11, 22, 10, tzinfo=UTC)


@contextmanager
def copy_of(server: Postgres, template: str, name: str) -> Iterator[str]:
    """A new database like another one; its address."""
    home = server.dsn.rpartition("/")[0]
    with psycopg.connect(f"{home}/postgres", autocommit=True) as connection:
        create = sql.SQL("create database {} template {}")
        connection.execute(create.format(sql.Identifier(name), sql.Identifier(template)))
        try:
            yield f"{home}/{name}"
        finally:
            connection.execute(sql.SQL("drop database {}").format(sql.Identifier(name)))


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Postgres]:
    """A server whose own database has the schema and nothing in it."""
    folder: Path = tmp_path_factory.mktemp("seed")
    ports = Ports()
    port = ports.pick("database", preferred=False)
    server = Postgres(folder / "postgres", port=port, password="test", log=folder / "postgres.log", fsync=False)
    await server.start()
    try:
        await asyncio.to_thread(migrate.upgrade, server.url)
        yield server
    finally:
        await server.stop()
        ports.close()
        remove_files(folder / "postgres")


@pytest.fixture(scope="module")
async def sample(server: Postgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Path]:
    """The data folder of the first run, whose database is `sample`."""
    data: Path = tmp_path_factory.mktemp("sample")
    with copy_of(server, "throughline", "sample") as url:
        engine = make_engine(url, pool_size=4)
        await seed(engine, data, AT)
        await engine.dispose()
        yield data


@pytest.fixture
def empty(server: Postgres) -> Iterator[str]:
    """A database with the schema and nothing in it."""
    with copy_of(server, "throughline", "empty") as url:
        yield url


@pytest.fixture
def database(server: Postgres, sample: Path) -> Iterator[str]:
    """A database after the first run."""
    with copy_of(server, "sample", "seeded") as url:
        yield url


@pytest.fixture
async def engine(database: str) -> AsyncIterator[AsyncEngine]:
    engine = make_engine(database, pool_size=4)
    yield engine
    await engine.dispose()


@pytest.fixture
def data(sample: Path, tmp_path: Path) -> Path:
    """The data folder that belongs to it."""
    shutil.copy2(sample / KEYS_FILE, tmp_path)
    return tmp_path


@pytest.fixture
def keys(data: Path) -> dict[str, Any]:
    """The keys that the first run gave."""
    found: dict[str, Any] = json.loads((data / KEYS_FILE).read_bytes())
    return found


def everything(database: str) -> Mapping[str, list[Any]]:
    """All rows with the transactions that wrote them."""
    with psycopg.connect(database) as connection:
        return {
            name: connection.execute(
                sql.SQL("select xmin::text, to_jsonb(t) from {} t order by 2").format(sql.Identifier(name))
            ).fetchall()
            for name in Table.metadata.tables
        }


def clear_keys(keys: Mapping[str, Any]) -> list[str]:
    return [one for value in keys.values() for one in (value.values() if isinstance(value, dict) else [value])]


def environment(database: str, data: Path) -> dict[str, str]:
    made = Secrets.generate()
    settings = Settings(
        database_url=database,
        data=data,
        webhook_secrets=WebhookSecrets.model_validate(made.webhook_secrets.revealed()),
        **{name: getattr(made, name) for name in ("master_key", "code_key", "link_key", "lookup_key")},
    )
    return dict(os.environ) | settings.environment()


async def test_there_are_ten_stores_in_four_zones_two_warehouses_and_forty_items(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        places = await PostgresPlaces(connection).places()
        items = await PostgresItems(connection).items()
    stores = [place for place in places if place.kind is PlaceKind.STORE]
    assert [place.location_id for place in stores] == [f"S{number:03}" for number in range(1, 11)]
    assert len({place.hours.zone for place in stores}) == 4
    assert [place.location_id for place in places if place.kind is PlaceKind.WAREHOUSE] == ["W001", "W002"]
    kits = [item for item in items if item.components]
    assert (len(items) - len(kits), len(kits)) == (40, 1)
    assert "SHOE-42" in {item.sku for item in items}
    assert {place.email for place in stores} == {f"s{number:03}@stores.example" for number in range(1, 11)}
    assert all(next_opening(place.hours, AT) for place in places)


async def test_stores_open_on_sundays_shut_for_lunch_and_keep_holidays(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        stores = {place.location_id: place for place in await PostgresPlaces(connection).places()}
    weeks = [store.hours.weekly for store in stores.values()]
    assert any(week.get("sun") for week in weeks)
    assert any(not week.get("sun") for week in weeks)
    assert any(len(week.get("mon", ())) == 2 for week in weeks)
    christmas = datetime(2026, 12, 25, 8, tzinfo=UTC)
    assert next_opening(stores[StoreId("S001")].hours, christmas) == datetime(2026, 12, 28, 8, tzinfo=UTC)


async def test_every_item_lies_at_every_place_and_the_ledger_says_so(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        inventory = PostgresInventory(connection)
        levels = await inventory.levels(None, None)
        assert len(levels) == 40 * 12
        moved = {(each.sku, each.store_id): each.on_hand for each in await inventory.ledger(limit=1_000)}
        assert moved == {(each.sku, each.store_id): each.on_hand for each in levels}
        quantities = sorted(each.on_hand for each in levels)
        assert quantities[0] == 0
        assert quantities[60] >= 1_000
        shoes = [each for each in levels if each.sku == "SHOE-42"]
        assert all(each.available >= 1_000 for each in shoes)
        market = await inventory.levels([Sku("HEADPHONES")], None, Channel.MARKETPLACE)
        assert all(each.buffer > 0 for each in market)


async def test_some_articles_lie_at_one_place_alone_and_one_is_sold_ahead(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        levels = await PostgresInventory(connection).levels([Sku("CLOCK-WALL"), Sku("CHAIR-OAK")], None)
        rules = await PostgresBackorders(connection).rules()
    assert {(level.sku, level.store_id) for level in levels if level.on_hand} == {("CLOCK-WALL", "W001")}
    assert [(rule.sku, rule.location_id, rule.expected_at) for rule in rules] == [
        ("CHAIR-OAK", ANYWHERE, AT + timedelta(days=40))
    ]


async def test_each_channel_has_its_rules(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        rules = await PostgresChannels(connection).all()
    assert set(rules) == set(Channel)
    assert {channel for channel in Channel if rules[channel].holds_discrepancies} == {
        Channel.MARKETPLACE,
        Channel.CALL_CENTRE,
    }
    assert rules[Channel.SOCIAL].approval_above is not None
    assert rules[Channel.WEB] == ChannelRules()


async def test_each_key_opens_what_its_name_says(engine: AsyncEngine, keys: dict[str, Any]) -> None:
    authenticator = Authenticator(PostgresPrincipals(engine), system_clock)

    async def principal(key: str) -> Any:
        return (await authenticator.identify(f"Bearer {key}")).principal

    assert set(keys) >= {"web", "app", "pos", "call_centre", "marketplace", "kiosk", "branch", "chat", "social"}
    for channel in ("web", "call_centre", "marketplace"):
        assert (await principal(keys[channel])).channel == channel
    for group, role in {"stores": Role.ASSOCIATE, "managers": Role.MANAGER, "warehouses": Role.WAREHOUSE}.items():
        for place, key in keys[group].items():
            found = await principal(key)
            assert (found.kind, found.store_id) == ("store", place)
            assert role in found.roles
    assert (await principal(keys["ops"]["ada"])).roles == {Role.OPS}
    assert Role.OPS_MANAGER in (await principal(keys["ops"]["max"])).roles
    assert {(await principal(key)).kind for key in keys["underwriters"].values()} == {"underwriter"}
    assert (await principal(keys["services"]["payment"])).rights == {"webhooks:payment"}
    everyone = [(await principal(key)).id for key in clear_keys(keys)]
    assert len(everyone) == len(set(everyone))


async def test_a_second_run_changes_nothing_and_gives_the_same_keys(
    engine: AsyncEngine, database: str, data: Path, keys: dict[str, Any]
) -> None:
    before = everything(database)
    assert all(before[table] for table in ("places", "items", "channels", "stock_levels", "stock_buffers", "api_keys"))
    assert await seed(engine, data, AT + timedelta(days=1)) == keys
    assert everything(database) == before


async def test_clear_keys_are_for_their_owner_only_and_not_in_the_database(
    database: str, sample: Path, keys: dict[str, Any]
) -> None:
    assert stat.S_IMODE((sample / KEYS_FILE).stat().st_mode) == 0o600
    kept = str(everything(database))
    assert not [key for key in clear_keys(keys) if key.split("_", 2)[2] in kept]


async def test_lost_keys_are_issued_again_and_the_others_stay(
    engine: AsyncEngine, data: Path, keys: dict[str, Any]
) -> None:
    first, file = keys, data / KEYS_FILE
    kept = json.loads(file.read_bytes())
    del kept["web"], kept["stores"]["S001"]
    kept["app"] = first["pos"]  # another's
    kept["chat"] = first["chat"][:-1]  # damaged
    file.write_text(json.dumps(kept))
    second = await seed(engine, data, AT)
    changed = {name for name in first if first[name] != second[name]}
    assert changed == {"web", "app", "chat", "stores"}
    assert {place for place in first["stores"] if first["stores"][place] != second["stores"][place]} == {"S001"}
    authenticator = Authenticator(PostgresPrincipals(engine), system_clock)
    assert (await authenticator.identify(f"Bearer {second['app']}")).principal.id == "app"


async def test_keys_of_an_emptied_database_are_issued_again(
    engine: AsyncEngine, database: str, data: Path, keys: dict[str, Any]
) -> None:
    with psycopg.connect(database) as connection:
        connection.execute("truncate principals cascade")
    second = await seed(engine, data, AT)
    assert not set(clear_keys(keys)) & set(clear_keys(second))


async def test_what_people_changed_since_stays_changed(engine: AsyncEngine, data: Path) -> None:
    store, sku = StoreId("S001"), Sku("SHOE-42")
    async with engine.begin() as connection:
        places, items, channels = PostgresPlaces(connection), PostgresItems(connection), PostgresChannels(connection)
        place = await places.place(store)
        assert place is not None
        await places.put(place.model_copy(update={"pause": Pause(reason="stocktaking")}))
        (item,) = await items.items([sku])
        await items.put(item.model_copy(update={"name": "Another shoe"}))
        await channels.put(Channel.WEB, ChannelRules(screening=False))
        count = StockMovement(
            key=OperationKey("count:1"), at=AT, kind=MovementKind.COUNT, sku=sku, location_id=store, quantity=10
        )
        await PostgresInventory(connection).move(count)
    await seed(engine, data, AT)
    async with engine.connect() as connection:
        place = await PostgresPlaces(connection).place(store)
        assert place is not None
        assert place.pause == Pause(reason="stocktaking")
        assert [each.name for each in await PostgresItems(connection).items([sku])] == ["Another shoe"]
        assert not (await PostgresChannels(connection).rules(Channel.WEB)).screening
        assert [each.on_hand for each in await PostgresInventory(connection).levels([sku], [store])] == [10]


async def test_two_seeds_at_once_stock_the_shelves_once(empty: str, tmp_path: Path) -> None:
    one, other = make_engine(empty, pool_size=4), make_engine(empty, pool_size=4)
    try:
        await asyncio.gather(seed(one, tmp_path / "a", AT), seed(other, tmp_path / "b", AT + timedelta(seconds=1)))
    finally:
        await one.dispose()
        await other.dispose()
    assert len(everything(empty)["stock_movements"]) == 40 * 12


async def test_nothing_waits_for_a_connection_on_a_slow_machine(empty: str, tmp_path: Path) -> None:
    engine = make_engine(empty, pool_size=CONNECTIONS, wait_seconds=0.01)
    try:
        await seed(engine, tmp_path, AT)
    finally:
        await engine.dispose()
    assert len(everything(empty)["places"]) == 12


async def test_the_program_prints_the_keys_on_its_last_line(empty: str, tmp_path: Path) -> None:
    ended = await asyncio.to_thread(
        subprocess.run, python("workers.seed"), env=environment(empty, tmp_path), capture_output=True, text=True
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert json.loads(ended.stdout.splitlines()[-1]) == {"keys": json.loads((tmp_path / KEYS_FILE).read_bytes())}


async def test_a_database_without_the_schema_is_an_error_in_words(server: Postgres, tmp_path: Path) -> None:
    bare = f"{server.dsn.rpartition('/')[0]}/postgres"
    ended = await asyncio.to_thread(
        subprocess.run, python("workers.seed"), env=environment(bare, tmp_path), capture_output=True, text=True
    )
    assert ended.returncode == 1
    assert "adapters.postgres.migrate" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / KEYS_FILE).exists()
