"""The record of applications: written once, and what a try wrote that died is replaced by what counts."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.applications.port import ApplicationChange, ApplicationEvent
from adapters.applications.postgres import PostgresApplications
from adapters.postgres.engine import make_engine
from adapters.postgres.metadata import Table
from adapters.postgres.tables.lending import ApplicationEventRow, ApplicationRow
from domain.actors import ENGINE
from tests.adapters.applications.views import view
from tests.conftest import NewDatabase

BEGAN = datetime(2026, 11, 2, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
async def engine(new_database: NewDatabase) -> AsyncIterator[AsyncEngine]:
    engine = make_engine(await new_database("applications"), pool_size=5)
    async with engine.begin() as connection:
        tables = [row.__table__ for row in (ApplicationRow, ApplicationEventRow)]
        await connection.run_sync(Table.metadata.create_all, tables=tables)
    yield engine
    await engine.dispose()


def change(application: str, version: int, *events: str, minutes: int, stage: str = "draft") -> ApplicationChange:
    at = BEGAN + timedelta(minutes=minutes)
    return ApplicationChange(
        application_id=application,
        version=version,
        at=at,
        created_by="web",
        customer_ref="C-1",
        for_review=False,
        review_due_at=None,
        view=view(application, stage=stage),
        events=[ApplicationEvent(at=at, event=event, actor=ENGINE) for event in events],
    )


async def seen(applications: PostgresApplications, application: str) -> tuple[str, list[str]]:
    stored = await applications.application(application)
    assert stored is not None
    return stored.view.stage, [event.event for event in await applications.timeline(application)]


async def test_a_repetition_changes_nothing(engine: AsyncEngine) -> None:
    applications = PostgresApplications(engine)
    for each in (change("a", 1, "started", minutes=1), change("a", 2, "submitted", minutes=2, stage="submitted")) * 2:
        await applications.record(each)
    assert await seen(applications, "a") == ("submitted", ["started", "submitted"])


async def test_what_a_try_wrote_that_died_is_replaced(engine: AsyncEngine) -> None:
    applications = PostgresApplications(engine)
    await applications.record(change("b", 1, "started", minutes=1))
    died = change("b", 2, "submitted", minutes=2, stage="submitted")
    await applications.record(died)
    await applications.record(change("b", 3, "checked", minutes=2, stage="in_review"))
    await applications.record(change("b", 2, "withdrawn", minutes=3, stage="draft"))
    assert await seen(applications, "b") == ("draft", ["started", "withdrawn"])
    await applications.record(died)
    assert await seen(applications, "b") == ("draft", ["started", "withdrawn"]), "and it may not come back late"


async def test_the_same_said_later_keeps_its_time(engine: AsyncEngine) -> None:
    applications = PostgresApplications(engine)
    await applications.record(change("c", 1, "started", minutes=1))
    await applications.record(change("c", 1, "started", minutes=5))
    assert [event.at for event in await applications.timeline("c")] == [BEGAN + timedelta(minutes=1)]
