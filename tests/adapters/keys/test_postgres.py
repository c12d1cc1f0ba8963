"""What only the key table can show: restarts, rotation, the cache's time, transactions, faults."""

import asyncio
from datetime import UTC, datetime

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from adapters.keys.cipher import SealBroken
from adapters.keys.master import MasterKeys
from adapters.keys.port import CustomerRef, KeyErased, KeyMissing, KeysUnavailable
from adapters.keys.postgres import PostgresCustomerKeys
from adapters.postgres.tables.privacy import CustomerKeyRow

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
ANN, BEN = CustomerRef("C-ann"), CustomerRef("C-ben")
MASTER, NEXT_MASTER = b"m" * 32, b"n" * 32


class Seconds:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def test_a_restarted_process_finds_the_same_key(engine: AsyncEngine) -> None:
    before = PostgresCustomerKeys(engine, MasterKeys(MASTER))
    ann = await before.key_for_customer(ANN, AT)
    await before.bind("order/1", ann.id)
    system = before.system_key()
    after = PostgresCustomerKeys(engine, MasterKeys(MASTER))
    assert await after.key_of_workflow("order/1") == ann
    assert await after.key(system.id) == system


async def test_the_table_holds_no_secret_in_clear(engine: AsyncEngine) -> None:
    ann = await PostgresCustomerKeys(engine, MasterKeys(MASTER)).key_for_customer(ANN, AT)
    async with engine.connect() as connection:
        row = (await connection.execute(select(CustomerKeyRow.__table__))).one()
    assert row.key_id == ann.id
    assert ann.secret not in row.wrapped
    assert row.created_at == AT


async def test_an_erasure_reaches_another_process_when_its_cache_runs_out(engine: AsyncEngine) -> None:
    seconds = Seconds()
    here = PostgresCustomerKeys(engine, MasterKeys(MASTER))
    there = PostgresCustomerKeys(engine, MasterKeys(MASTER), seconds=3, clock=seconds)
    ann = await here.key_for_customer(ANN, AT)
    await here.bind("order/1", ann.id)
    assert await there.key_of_workflow("order/1") == ann
    await here.erase(ANN, AT)
    seconds.now += 2.9
    assert await there.key(ann.id) == ann
    seconds.now += 0.1
    with pytest.raises(KeyErased):
        await there.key(ann.id)
    with pytest.raises(KeyErased):
        await there.key_of_workflow("order/1")


async def test_the_row_of_an_erased_key_stays_with_its_time_and_without_its_secret(engine: AsyncEngine) -> None:
    keys = PostgresCustomerKeys(engine, MasterKeys(MASTER))
    await keys.key_for_customer(ANN, AT)
    await keys.erase(ANN, AT)
    async with engine.connect() as connection:
        row = (await connection.execute(select(CustomerKeyRow.__table__))).one()
    assert row.wrapped is None
    assert row.erased_at == AT


async def test_the_cache_is_bounded(engine: AsyncEngine) -> None:
    keys = PostgresCustomerKeys(engine, MasterKeys(MASTER), size=2)
    made = [await keys.key_for_customer(CustomerRef(f"C-{number}"), AT) for number in range(5)]
    for key in made:
        await keys.key(key.id)
    assert len(keys._cache._keys) == 2


async def test_tenants_share_no_customers(engine: AsyncEngine) -> None:
    one = PostgresCustomerKeys(engine, MasterKeys(MASTER), tenant="one")
    other = PostgresCustomerKeys(engine, MasterKeys(MASTER), tenant="other")
    ann = await one.key_for_customer(ANN, AT)
    assert (await other.key_for_customer(ANN, AT)).id != ann.id
    await other.erase(ANN, AT)
    assert await one.key(ann.id) == ann


async def test_keys_are_readable_under_a_new_master_while_the_old_one_is_given_too(engine: AsyncEngine) -> None:
    ann = await PostgresCustomerKeys(engine, MasterKeys(MASTER)).key_for_customer(ANN, AT)
    rotated = PostgresCustomerKeys(engine, MasterKeys(NEXT_MASTER, MASTER))
    assert await rotated.key(ann.id) == ann
    ben = await rotated.key_for_customer(BEN, AT)
    assert await PostgresCustomerKeys(engine, MasterKeys(NEXT_MASTER)).key(ben.id) == ben
    with pytest.raises(KeyMissing, match="not configured"):
        await PostgresCustomerKeys(engine, MasterKeys(NEXT_MASTER)).key(ann.id)


async def test_a_wrapped_key_does_not_open_in_another_customers_row(engine: AsyncEngine) -> None:
    keys = PostgresCustomerKeys(engine, MasterKeys(MASTER))
    ann, ben = await keys.key_for_customer(ANN, AT), await keys.key_for_customer(BEN, AT)
    async with engine.begin() as connection:
        stolen = await connection.scalar(select(CustomerKeyRow.wrapped).where(CustomerKeyRow.key_id == ann.id))
        await connection.execute(update(CustomerKeyRow).where(CustomerKeyRow.key_id == ben.id).values(wrapped=stolen))
    with pytest.raises(SealBroken):
        await keys.key(ben.id)


async def test_key_and_binding_are_part_of_the_callers_transaction(engine: AsyncEngine) -> None:
    keys = PostgresCustomerKeys(engine, MasterKeys(MASTER))
    async with engine.connect() as connection:
        ann = await keys.key_for_customer(ANN, AT, connection)
        await keys.bind("order/1", ann.id, connection)
        await connection.rollback()
    assert await keys.key_of_workflow("order/1") is None
    with pytest.raises(KeyMissing):
        await keys.key(ann.id)
    async with engine.begin() as connection:
        ann = await keys.key_for_customer(ANN, AT, connection)
        await keys.bind("order/1", ann.id, connection)
    assert await keys.key_of_workflow("order/1") == ann


async def test_an_erasure_waits_for_an_order_that_is_being_taken_and_then_erases_it_too(engine: AsyncEngine) -> None:
    keys = PostgresCustomerKeys(engine, MasterKeys(MASTER))
    async with engine.connect() as intake:
        ann = await keys.key_for_customer(ANN, AT, intake)
        await intake.commit()
        await keys.key_for_customer(ANN, AT, intake)
        erasing = asyncio.create_task(keys.erase(ANN, AT))
        await _until_someone_waits_for_a_lock(engine)
        await keys.bind("order/1", ann.id, intake)
        assert not erasing.done()
        await intake.commit()
    assert await erasing == [ann.id]
    with pytest.raises(KeyErased):
        await keys.key_of_workflow("order/1")


async def test_a_database_that_is_away_is_told_apart_from_a_missing_key() -> None:
    away = create_async_engine("postgresql+psycopg://nobody:none@127.0.0.1:1/none", connect_args={"connect_timeout": 2})
    with pytest.raises(KeysUnavailable):
        await PostgresCustomerKeys(away, MasterKeys(MASTER)).key_of_workflow("order/1")
    await away.dispose()


@pytest.mark.parametrize("wrong", ["", "c2hvcnQ=", "not base 64!", "bW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW0=,x"])
def test_a_wrong_master_key_is_refused_with_what_to_do(wrong: str) -> None:
    with pytest.raises(ValueError, match="openssl rand"):
        MasterKeys.parse(wrong)


def test_the_master_key_is_read_from_base_64() -> None:
    assert MasterKeys.parse("bW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW0=").current == MasterKeys(MASTER).current


async def _until_someone_waits_for_a_lock(engine: AsyncEngine) -> None:
    waiting = text("select count(*) from pg_locks where not granted")
    async with asyncio.timeout(10):
        while True:
            async with engine.connect() as connection:
                if await connection.scalar(waiting):
                    return
            await asyncio.sleep(0.01)
