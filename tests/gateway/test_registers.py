"""What memory and PostgreSQL promise alike."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.access.keys import issue_key, parse_key
from adapters.access.memory import MemoryPrincipals
from adapters.access.port import Principal, PrincipalKind, Role
from adapters.access.postgres import PostgresPrincipals
from adapters.audit.memory import MemoryAuditLog
from adapters.audit.port import AuditEntry, AuditOutcome
from adapters.audit.postgres import PostgresAuditLog
from adapters.idempotency.memory import MemoryCommandRecords
from adapters.idempotency.port import Claimed, CommandScope, KeptAnswer, OtherRequest, Running
from adapters.idempotency.postgres import PostgresCommandRecords
from adapters.postgres.engine import make_engine
from adapters.postgres.outages import database_is_away
from adapters.postgres.tables.access import ApiKeyRow
from domain.actors import Channel

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
LEASE = timedelta(seconds=30)
SCOPE = CommandScope("web", b"hash")
ANSWER = KeptAnswer(status=201, sealed_body=b"\x00sealed", content_type="application/json", location="/v1/things/1")


class Registers:
    def __init__(self, engine: AsyncEngine | None):
        self.principals: Any = MemoryPrincipals() if engine is None else PostgresPrincipals(engine)
        self.records: Any = MemoryCommandRecords() if engine is None else PostgresCommandRecords(engine)
        self.audit: Any = MemoryAuditLog() if engine is None else PostgresAuditLog(engine)

    async def claim(self, claim_id: str = "first", at: datetime = NOW, fingerprint: bytes = b"f") -> Any:
        return await self.records.claim(SCOPE, fingerprint, claim_id=claim_id, at=at, lease=LEASE)


@pytest.fixture(params=["memory", "postgres"])
async def registers(request: pytest.FixtureRequest, engine: AsyncEngine) -> Registers:
    return Registers(engine if request.param == "postgres" else None)


async def test_a_command_is_claimed_once_and_then_answered(registers: Registers) -> None:
    assert await registers.claim() == Claimed()
    assert isinstance(await registers.claim("second"), Running)
    assert isinstance(await registers.claim("second", fingerprint=b"other"), OtherRequest)
    assert await registers.records.keep(SCOPE, "first", ANSWER, NOW)
    assert await registers.claim("second") == ANSWER
    assert isinstance(await registers.claim("second", fingerprint=b"other"), OtherRequest)


async def test_a_released_claim_is_free_for_any_request(registers: Registers) -> None:
    await registers.claim()
    await registers.records.release(SCOPE, "second")
    assert isinstance(await registers.claim("second"), Running), "only its owner releases a claim"
    await registers.records.release(SCOPE, "first")
    assert await registers.claim("second", fingerprint=b"other") == Claimed()


async def test_an_answered_command_is_not_released(registers: Registers) -> None:
    await registers.claim()
    await registers.records.keep(SCOPE, "first", ANSWER, NOW)
    await registers.records.release(SCOPE, "first")
    assert await registers.claim("second") == ANSWER


async def test_a_lost_claim_passes_on_and_its_late_answer_is_not_kept(registers: Registers) -> None:
    await registers.claim()
    later = NOW + LEASE
    assert isinstance(await registers.claim("second", later - timedelta(seconds=1)), Running)
    assert await registers.claim("second", later) == Claimed(taken_over=True)
    assert isinstance(await registers.claim("third", later), Running)
    assert not await registers.records.keep(SCOPE, "first", ANSWER, later)
    assert await registers.records.keep(SCOPE, "second", ANSWER, later)


async def test_old_commands_are_purged(registers: Registers) -> None:
    await registers.claim()
    await registers.records.keep(SCOPE, "first", ANSWER, NOW)
    assert await registers.records.purge(NOW) == 0
    assert await registers.records.purge(NOW + timedelta(seconds=1)) == 1
    assert await registers.claim("second", fingerprint=b"other") == Claimed()


async def test_a_key_is_found_with_its_principal_and_without_its_secret(registers: Registers) -> None:
    principal = Principal(
        id="store/S001",
        kind=PrincipalKind.STORE,
        channel=Channel.STORE,
        store_id="S001",
        roles=frozenset({Role.ASSOCIATE, Role.MANAGER}),
        rights=frozenset({"unlock"}),
    )
    clear = parse_key(await issue_key(registers.principals, principal, at=NOW, expires_at=NOW + LEASE))
    assert clear is not None
    record = await registers.principals.find_key(clear.key_id)
    assert record.principal == principal
    assert (record.issued_at, record.expires_at, record.revoked_at) == (NOW, NOW + LEASE, None)
    assert clear.secret not in repr(record)
    assert await registers.principals.find_key("other") is None


async def test_a_key_is_revoked_once(registers: Registers) -> None:
    principal = Principal(id="web", kind=PrincipalKind.CHANNEL, channel=Channel.WEB)
    clear = parse_key(await issue_key(registers.principals, principal, at=NOW))
    assert clear is not None
    await registers.principals.revoke(clear.key_id, NOW)
    await registers.principals.revoke(clear.key_id, NOW + LEASE)
    assert (await registers.principals.find_key(clear.key_id)).revoked_at == NOW


async def test_a_principal_is_known_by_its_issuers_subject_and_changes_for_all_its_keys(registers: Registers) -> None:
    principal = Principal(id="ops/7", kind=PrincipalKind.OPS, channel=Channel.OPS)
    clear = parse_key(await issue_key(registers.principals, principal, at=NOW))
    assert clear is not None
    promoted = principal.model_copy(update={"roles": frozenset({Role.OPS_MANAGER})})
    await registers.principals.save(promoted, issuer="https://id.example", subject="7")
    assert await registers.principals.find_subject("https://id.example", "7") == promoted
    assert await registers.principals.find_subject("https://other.example", "7") is None
    assert (await registers.principals.find_key(clear.key_id)).principal == promoted


async def test_the_trail_reads_newest_first_in_pages(registers: Registers) -> None:
    def entry(number: int, principal_id: str = "web") -> AuditEntry:
        at = NOW + timedelta(seconds=number // 2)
        outcome = AuditOutcome.HIDDEN
        return AuditEntry(at=at, principal_id=principal_id, action="GET", object=str(number), outcome=outcome)

    for number in range(5):
        await registers.audit.append(entry(number))
    await registers.audit.append(entry(6, "app"))
    seen: list[str] = []
    after = None
    while True:
        page = await registers.audit.read(limit=2, after=after, principal_id="web")
        seen += [each.object for each in page.entries]
        after = page.next
        if after is None:
            break
    assert seen == ["4", "3", "2", "1", "0"]
    assert len((await registers.audit.read(limit=10)).entries) == 6


async def test_the_database_holds_no_secret(engine: AsyncEngine) -> None:
    clear = await issue_key(
        PostgresPrincipals(engine), Principal(id="web", kind=PrincipalKind.CHANNEL, channel=Channel.WEB), at=NOW
    )
    async with engine.connect() as connection:
        everything = await connection.scalar(
            select(func.string_agg(text("api_keys::text"), ",")).select_from(ApiKeyRow)
        )
    assert clear.rpartition("_")[2] not in everything


async def test_a_database_that_does_not_answer_is_away_and_a_wrong_statement_is_a_bug(engine: AsyncEngine) -> None:
    nobody = make_engine("postgresql://throughline@127.0.0.1:1/throughline")
    with pytest.raises(Exception) as away:  # noqa: PT011
        await PostgresPrincipals(nobody).find_key("x")
    assert database_is_away(away.value)
    await nobody.dispose()
    with pytest.raises(ProgrammingError) as bug:
        async with engine.connect() as connection:
            await connection.execute(text("select * from no_such_table"))
    assert not database_is_away(bug.value)
