"""The rules of lending in versions: written once, followed from their day on, refused with the place of faults."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.policies.port import PackExists, PackRefused
from adapters.policies.postgres import PostgresPolicyPacks
from adapters.policies.reading import checked
from adapters.postgres.engine import make_engine
from adapters.postgres.metadata import Table
from adapters.postgres.tables.lending import PolicyPackRow
from domain.lending.clocks import ClockName, LendingPolicy
from tests.conftest import NewDatabase

AT = datetime(2026, 11, 2, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.fixture(scope="session")
async def packs_engine(new_database: NewDatabase) -> AsyncIterator[AsyncEngine]:
    engine = make_engine(await new_database("policy_packs"))
    async with engine.begin() as connection:
        await connection.run_sync(Table.metadata.create_all, tables=[PolicyPackRow.__table__])
    yield engine
    await engine.dispose()


@pytest.fixture
async def packs(packs_engine: AsyncEngine) -> PostgresPolicyPacks:
    async with packs_engine.begin() as connection:
        await connection.execute(delete(PolicyPackRow))
    return PostgresPolicyPacks(packs_engine, SECOND)


def pack(version: int, days: int, effective_from: date = date(2026, 12, 1)) -> LendingPolicy:
    clocks = {"offer": {"length": days, "calendar": "calendar"}}
    return checked({"version": version, "effective_from": effective_from.isoformat(), "clocks": clocks})


def offer(found: LendingPolicy) -> timedelta:
    return found.clock(ClockName.OFFER, AT).due_at - AT


async def test_a_version_is_followed_from_its_day_on_and_the_days_stay_the_installations(
    packs: PostgresPolicyPacks,
) -> None:
    await packs.publish(pack(2, 20), "max", AT)
    await packs.publish(pack(3, 10, date(2027, 1, 1)), "max", AT)
    lengths = [offer(await packs.in_force(each)) for each in (AT.date(), date(2026, 12, 1), date(2027, 1, 1))]
    assert lengths == [30 * SECOND, 20 * SECOND, 10 * SECOND]
    assert [(each.version, each.day) for each in await packs.all()] == [(3, SECOND), (2, SECOND), (1, SECOND)]


async def test_a_version_is_written_once(packs: PostgresPolicyPacks) -> None:
    for _ in range(2):
        await packs.publish(pack(2, 20), "max", AT)
    for other in (pack(2, 21), pack(1, 20)):
        with pytest.raises(PackExists, match="at version 2"):
            await packs.publish(other, "max", AT)
    assert [each.version for each in await packs.all()] == [2, 1]


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ({"version": 2, "zone": "Atlantis"}, "/zone"),
        ({"version": 2, "name": "other"}, "/name"),
        ({"version": 2, "day": 1}, "/day"),
        ({"version": 2, "clocks": {"offer": {"length": 0, "calendar": "calendar"}}}, "/clocks/offer/length"),
        ({"version": 2, "clocks": {"sundial": {"length": 1, "calendar": "calendar"}}}, "/clocks/sundial"),
        ({"version": 2, "surprise": True}, "/surprise"),
        ([], "/"),
    ],
)
def test_what_is_no_pack_is_refused_with_its_place(content: Any, place: str) -> None:
    with pytest.raises(PackRefused) as refused:
        checked(content)
    assert [each for each, _ in refused.value.faults if each.startswith(place)]
