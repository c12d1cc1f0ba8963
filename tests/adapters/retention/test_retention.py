"""The purge in PostgreSQL: what goes, what stays, and what keeps it from going."""

import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.applications.port import ApplicationChange, ApplicationEvent
from adapters.applications.postgres import PostgresApplications
from adapters.banking.postgres import PostgresBanking
from adapters.documents.disk import DiskFiles
from adapters.documents.sealed import SealedDocuments
from adapters.keys.master import MasterKeys
from adapters.keys.port import KeyErased, application_keeper
from adapters.keys.postgres import PostgresCustomerKeys
from adapters.letters.writing import party_subject
from adapters.postgres.engine import make_engine
from adapters.postgres.metadata import Table
from adapters.postgres.tables import lending, privacy
from adapters.retention.port import Purged
from adapters.retention.postgres import NOBODY, PostgresRetention
from adapters.vault.lookup import Lookup
from adapters.vault.postgres import PostgresVault
from domain.actors import Actor, ActorKind, Channel
from domain.lending.application_view import ApplicationView, PartyView
from domain.lending.calendars import CalendarKind
from domain.lending.clocks import Clock, ClockName
from domain.lending.decisions import Verdict
from domain.lending.parts import PartyRole
from domain.lending.retention import KeptFor
from domain.lending.stages import GroupStatus
from domain.personal import ERASED, PersonalData
from tests.adapters.applications.views import TERMS, decided, view
from tests.conftest import NewDatabase

NOW = datetime(2029, 1, 2, 12, tzinfo=UTC)
ADA = Actor(kind=ActorKind.OPS, id="ada", channel=Channel.OPS)
FILE = b"%PDF-1.4 a pay slip"
KEPT_UNTIL = datetime(2028, 12, 2, 5, tzinfo=UTC)


def party(name: str, ref: str) -> PartyView:
    return PartyView(party=name, ref=ref, role=PartyRole.APPLICANT, status=GroupStatus.READY, consented=True)


DENIED: dict[str, Any] = {
    "stage": "in_review",
    "outcome": "denied",
    "outcome_code": 3,
    "ended_at": datetime(2026, 11, 2, 12, tzinfo=UTC),
    "decision": decided(Verdict.DECLINE, reasons=["dti"]),
    "clocks": [Clock(name=ClockName.RETENTION, started_at=NOW, due_at=KEPT_UNTIL, calendar=CalendarKind.CALENDAR)],
    "parties": [party("p1", "P-1"), party("p2", "P-2")],
}


class Office:
    def __init__(self, engine: AsyncEngine, folder: Path):
        self.keys = PostgresCustomerKeys(engine, MasterKeys(b"m" * 32), seconds=0)
        self.vault = PostgresVault(engine, self.keys, Lookup(b"h" * 32))
        self.applications = PostgresApplications(engine)
        self.documents = SealedDocuments(DiskFiles(folder), self.keys)
        self.retention = PostgresRetention(engine, self.keys, self.documents, PostgresBanking(engine))

    async def ended(self, **changed: Any) -> tuple[str, str]:
        """A file of one document; its id and the document's hash."""
        name = secrets.token_hex(8)
        key = await self.keys.key_for_customer(application_keeper(name), NOW)
        await self.keys.bind(f"application/{name}", key.id)
        for party in ("p1", "p2"):
            await self.vault.put(party_subject(name, party), key.id, PersonalData(name="Pat Example"), NOW)
        kept = await self.documents.put(name, FILE)
        change = ApplicationChange(
            application_id=name,
            version=1,
            at=NOW,
            created_by="web",
            customer_ref=f"P-{name}",
            for_review=False,
            review_due_at=None,
            view=view(name, **DENIED | changed),
            events=[ApplicationEvent(at=NOW, event="withdrawn", actor=ADA, reason="I moved to Springfield")],
        )
        await self.applications.record(change)
        return name, kept.sha256

    async def view(self, name: str) -> ApplicationView:
        found = await self.applications.application(name)
        assert found is not None
        return found.view


@pytest.fixture(scope="module")
async def engine(new_database: NewDatabase) -> AsyncIterator[AsyncEngine]:
    engine = make_engine(await new_database("retention"), pool_size=10)
    rows = [lending.ApplicationRow, lending.ApplicationEventRow, lending.LegalHoldRow, lending.AccountRow]
    rows += [lending.AccountTransactionRow, privacy.CustomerKeyRow, privacy.WorkflowKeyRow, privacy.PersonalRecordRow]
    async with engine.begin() as connection:
        await connection.run_sync(Table.metadata.create_all, tables=[row.__table__ for row in rows])
    yield engine
    await engine.dispose()


@pytest.fixture
def office(engine: AsyncEngine, tmp_path: Path) -> Office:
    return Office(engine, tmp_path)


def files_under(folder: Path) -> list[str]:
    return [each.parent.name for each in folder.rglob("*") if each.is_file()]


async def test_what_the_law_and_statistics_need_is_all_that_remains(office: Office, tmp_path: Path) -> None:
    name, _ = await office.ended()
    other, _ = await office.ended()
    assert (await office.retention.purge(name, NOW)).kept_for is None
    left = await office.view(name)
    assert (left.outcome_code, left.terms, left.purged_at) == (3, TERMS, NOW)
    assert left.decision == decided(Verdict.DECLINE, reasons=["dti"], actor=None, person=None)
    assert left.parties == []
    stored = await office.applications.application(name)
    assert stored is not None
    assert stored.customer_ref == NOBODY
    assert [each.event for each in await office.applications.timeline(name)] == ["purged"]
    for party in ("p1", "p2"):
        assert await office.vault.get(party_subject(name, party)) is ERASED
        assert await office.vault.get(party_subject(other, party)) == PersonalData(name="Pat Example")
    with pytest.raises(KeyErased):
        await office.keys.key_of_workflow(f"application/{name}")
    assert files_under(tmp_path) == [other]
    assert (await office.retention.purge(name, NOW)).kept_for is None
    assert [each.event for each in await office.applications.timeline(name)] == ["purged"]
    with pytest.raises(Purged):
        await office.retention.hold(name, "h", "too late", ADA, NOW)


async def test_a_hold_is_set_once_and_keeps_everything_until_it_is_released(office: Office) -> None:
    name, sha256 = await office.ended()
    for _ in range(2):
        held = await office.retention.hold(name, f"hold-{name}", "an inquiry", ADA, NOW)
    assert (held.open, held.set_by) == (True, "ada")
    assert (await office.retention.purge(name, NOW)).kept_for is KeptFor.LEGAL_HOLD
    assert await office.documents.get(name, sha256) == FILE
    with pytest.raises(LookupError):
        await office.retention.release(name, "another", "no", ADA, NOW)
    for reason in ("settled", "settled twice"):
        released = await office.retention.release(name, held.hold_id, reason, ADA, NOW)
    assert released.released_for == "settled"
    events = [each.event for each in await office.applications.timeline(name)]
    assert events == ["withdrawn", "legal_hold_set", "legal_hold_released"]
    assert (await office.retention.purge(name, NOW)).kept_for is None


async def test_what_is_kept_of_a_person_counts_every_party(office: Office) -> None:
    ref = f"P-{secrets.token_hex(4)}"
    name, _ = await office.ended(parties=[party("p2", ref)])
    (kept,) = await office.retention.retained_of(ref)
    assert (kept.application_id, kept.keep_until, kept.held) == (name, KEPT_UNTIL, False)
    await office.retention.purge(name, NOW)
    assert await office.retention.retained_of(ref) == []
