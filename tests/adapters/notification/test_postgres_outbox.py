"""What only a database can do: take part in the caller's transaction, lose connections, hold what it cannot read."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from adapters.notification.port import NoticeState, Unavailable
from adapters.postgres.engine import make_engine
from adapters.postgres.notices import PostgresOutbox
from domain.actors import ENGINE
from domain.ids import OrderId
from domain.notices import Notice, NoticeKind

AT = datetime(2026, 11, 22, 10, tzinfo=UTC)
ORDER = OrderId("o1")
MakeNotice = Callable[..., Notice]


async def test_a_notice_lives_and_dies_with_its_transaction(
    engine: AsyncEngine, postgres_outbox: PostgresOutbox, make_notice: MakeNotice
) -> None:
    await postgres_outbox.wait_for_work(0)
    async with engine.connect() as connection:
        await PostgresOutbox(connection).add([make_notice()])
        await connection.rollback()
    assert not await postgres_outbox.wait_for_work(0.05)
    assert await postgres_outbox.list_for_order(ORDER) == []

    async with AsyncSession(engine) as session:
        await PostgresOutbox(session).add([make_notice()])
        assert not await postgres_outbox.wait_for_work(0.05)
        await session.commit()
    assert await asyncio.wait_for(postgres_outbox.wait_for_work(30), 5)
    assert len(await postgres_outbox.list_for_order(ORDER)) == 1


async def test_two_transactions_that_add_the_same_event_keep_it_once(
    engine: AsyncEngine, postgres_outbox: PostgresOutbox, make_notice: MakeNotice
) -> None:
    notices = [make_notice(number=n) for n in range(10)]

    async def add(order: list[Notice]) -> None:
        async with engine.begin() as connection:
            await PostgresOutbox(connection).add(order)

    await asyncio.gather(*(add(notices[:: 1 if n % 2 else -1]) for n in range(6)))
    assert len(await postgres_outbox.list_for_order(ORDER)) == 10


async def test_a_lost_listening_connection_is_reported_then_made_anew(
    engine: AsyncEngine, postgres_outbox: PostgresOutbox, make_notice: MakeNotice
) -> None:
    await postgres_outbox.wait_for_work(0)
    async with engine.begin() as connection:
        killed = await connection.execute(
            text("select pg_terminate_backend(pid) from pg_stat_activity where query = 'LISTEN notices'")
        )
        assert killed.all() == [(True,)]
    with pytest.raises(Unavailable, match="database_away"):
        await postgres_outbox.wait_for_work(5)
    await postgres_outbox.add([make_notice()])
    assert await postgres_outbox.wait_for_work(5)


async def test_a_wait_that_is_cancelled_leaves_the_pool_whole(notices_database: str, engine: AsyncEngine) -> None:
    small = make_engine(notices_database, pool_size=1, wait_seconds=2)
    outbox = PostgresOutbox(small)
    try:
        await outbox.wait_for_work(0)
        waiting = asyncio.create_task(outbox.wait_for_work(30))
        await asyncio.sleep(0.05)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert await outbox.next_due_at() is None  # the pool's only connection is free again
    finally:
        await outbox.aclose()
        await small.dispose()


async def test_a_database_that_is_away_is_unavailable(closed_port: int) -> None:
    nowhere = make_engine(f"postgresql://nobody@127.0.0.1:{closed_port}/none")
    with pytest.raises(Unavailable, match="database_away"):
        await PostgresOutbox(nowhere).wait_for_work(5)
    await nowhere.dispose()


async def test_one_unreadable_row_keeps_no_other_from_being_sent(
    engine: AsyncEngine, postgres_outbox: PostgresOutbox, make_notice: MakeNotice
) -> None:
    await postgres_outbox.add([make_notice(), make_notice(NoticeKind.COLLECTED)])
    async with engine.begin() as connection:
        await connection.execute(
            text("""update notices set facts = '{"no_longer_known": 1}' where kind = 'order_confirmed'""")
        )
    claimed = await postgres_outbox.claim(10, AT)
    assert [one.notice.kind for one in claimed] == [NoticeKind.COLLECTED]
    async with engine.connect() as connection:
        rows = await connection.execute(text("select state, last_error from notices where kind = 'order_confirmed'"))
        assert rows.all() == [(NoticeState.FAILED, "unreadable")]
    # The lists for people show the rest of it all the same.
    assert len(await postgres_outbox.list_for_order(ORDER)) == 2
    assert [one.last_error for one in await postgres_outbox.list_failed(5)] == ["unreadable"]


async def test_a_key_with_wildcards_counts_only_its_own_copies(
    postgres_outbox: PostgresOutbox, make_notice: MakeNotice
) -> None:
    await postgres_outbox.add([make_notice(key="a_b:x"), make_notice(key="aXb:x"), make_notice(key="aXb:x#2")])
    assert await postgres_outbox.resend("a_b:x", AT, ENGINE) == "a_b:x#2"
