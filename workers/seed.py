"""The sample data: written where it is missing, left alone where it is there.

`python -m workers.seed` reads the settings and prints on its last line `{"keys": {…}}`, the clear API keys. Keys are
stored hashed, so the clear ones are kept in `keys.json` in the data folder, for its owner only.
"""

import asyncio
import json
import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.access.keys import issue_key, matches, parse_key
from adapters.access.port import Principal, Principals
from adapters.access.postgres import PostgresPrincipals
from adapters.channels.postgres import PostgresChannels
from adapters.clock import system_clock
from adapters.inventory.port import Inventory, StockMovement
from adapters.inventory.postgres import PostgresInventory
from adapters.inventory.statements import OPEN_LEVEL
from adapters.items.postgres import PostgresItems
from adapters.places.port import Place
from adapters.postgres.engine import make_engine
from adapters.postgres.places import PostgresPlaces
from domain.ids import OperationKey
from domain.stock import MovementKind
from workers.sample.channels import RULES
from workers.sample.items import ITEMS
from workers.sample.people import FLAT, GROUPS
from workers.sample.places import PLACES
from workers.sample.stock import BUFFERS, starting_quantity
from workers.settings import Settings, explain
from workers.stack.data import write_private

KEYS_FILE = "keys.json"
SKUS = sorted(item.sku for item in ITEMS)
"""In the order in which every command takes its locks."""

Keys = dict[str, Any]
"""Clear keys as `stack.json` shows them: by channel, then by group and name."""


async def seed(engine: AsyncEngine, data: Path, at: datetime) -> Keys:
    """Write what is missing of the sample data. Answers everyone's keys, in clear."""
    places = [asyncio.create_task(_write_place(engine, place, at)) for place in PLACES]
    try:
        await _write_catalogue(engine)
        keys = await _write_keys(PostgresPrincipals(engine), data / KEYS_FILE, at)
        await asyncio.gather(*places)
    finally:
        for task in places:
            task.cancel()
    return keys


async def _write_catalogue(engine: AsyncEngine) -> None:
    """Items, channels' rules and safety stock. What a person has changed since stays so."""
    async with engine.begin() as connection:
        items, channels = PostgresItems(connection), PostgresChannels(connection)
        known = {item.sku for item in await items.items([item.sku for item in ITEMS])}
        for item in ITEMS:
            if item.sku not in known:
                await items.put(item)
        ruled = await channels.all()
        for channel, rules in RULES.items():
            if channel not in ruled:
                await channels.put(channel, rules)
        if not known:
            inventory = PostgresInventory(connection)
            for buffer in BUFFERS:
                await inventory.set_buffer(buffer)


async def _write_place(engine: AsyncEngine, place: Place, at: datetime) -> None:
    """A place with all its stock, in one transaction."""
    async with engine.begin() as connection:
        places = PostgresPlaces(connection)
        if await places.place(place.location_id) is None:
            await places.put(place)
            # All at once what each movement would do by itself, twice as slowly.
            levels = [{"sku": sku, "location_id": place.location_id} for sku in SKUS]
            await connection.execute(OPEN_LEVEL, levels)
            await _stock(PostgresInventory(connection), place, at)


async def _stock(inventory: Inventory, place: Place, at: datetime) -> None:
    for sku in SKUS:
        quantity = starting_quantity(sku, place.location_id)
        await inventory.move(
            StockMovement(
                key=OperationKey(f"seed:{place.location_id}:{sku}"),
                at=at,
                kind=MovementKind.COUNT,
                sku=sku,
                location_id=place.location_id,
                quantity=quantity,
                reason="sample data",
            )
        )


async def _write_keys(principals: Principals, file: Path, at: datetime) -> Keys:
    kept = _read(file)
    keys: Keys = {}
    for name, principal in FLAT.items():
        keys[name] = await _key(principals, principal, kept.get(name), at)
    for group, members in GROUPS.items():
        known = kept.get(group)
        known = known if isinstance(known, dict) else {}
        keys[group] = {
            name: await _key(principals, principal, known.get(name), at) for name, principal in members.items()
        }
    if keys != kept:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(file, keys)
    return keys


async def _key(principals: Principals, principal: Principal, kept: object, at: datetime) -> str:
    """The key that is kept in clear while the database still knows it; else a new one."""
    clear = parse_key(kept) if isinstance(kept, str) else None
    record = await principals.find_key(clear.key_id) if clear else None
    if clear is None or record is None or record.principal.id != principal.id or not matches(record, clear.secret):
        return await issue_key(principals, principal, at=at)
    if record.principal != principal:
        await principals.save(principal)
    return str(clear)


def _read(file: Path) -> Mapping[str, Any]:
    try:
        found = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


async def _run(settings: Settings) -> Keys:
    # A connection for each place: on a busy machine nobody gives up waiting for one.
    engine = make_engine(settings.database_url, pool_size=16, application="throughline-seed")
    try:
        return await seed(engine, settings.data, system_clock())
    finally:
        await engine.dispose()


def main() -> int:
    """Seed the database that the settings name; the exit code."""
    try:
        keys = asyncio.run(_run(Settings()))
    except ValidationError as error:
        print(f"Settings are missing or wrong: {explain(error)}", file=sys.stderr)  # noqa: T201
        return 2
    except (OperationalError, ProgrammingError) as error:
        advice = "Is it running, and migrated with `python -m adapters.postgres.migrate`?"
        print(f"The database cannot be used: {error.orig}\n{advice}", file=sys.stderr)  # noqa: T201
        return 1
    print(json.dumps({"keys": keys}))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
