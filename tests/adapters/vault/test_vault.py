"""What every `Vault` does, on PostgreSQL and in memory."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.keys.cipher import SealBroken
from adapters.keys.master import MasterKeys
from adapters.keys.memory import InMemoryCustomerKeys
from adapters.keys.port import CustomerKeys, CustomerRef, KeyErased
from adapters.keys.postgres import PostgresCustomerKeys
from adapters.postgres.tables.privacy import CardRecordRow, PersonalRecordRow
from adapters.vault.lookup import Lookup
from adapters.vault.memory import InMemoryVault
from adapters.vault.port import Subject, UnknownSubject, Vault
from adapters.vault.postgres import PostgresVault
from domain.personal import ERASED, PersonalData, shown

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
ANN = CustomerRef("C-ann")
ONE, TWO = Subject("order-1"), Subject("order-2")
LOOKUP = Lookup(b"l" * 32, region="DE")
DATA = PersonalData(
    name="Ann Example",
    email="Ann@Example.org",
    phone="030 1234567",
    address=("Ann Example", "1 Test Street", "10115 Berlin"),
    pickup_person="Ben Example",
)


@pytest.fixture(params=["postgres", "memory"])
def parts(request: pytest.FixtureRequest, engine: AsyncEngine) -> tuple[CustomerKeys, Vault]:
    if request.param == "memory":
        memory = InMemoryCustomerKeys()
        return memory, InMemoryVault(memory, LOOKUP)
    keys = PostgresCustomerKeys(engine, MasterKeys(b"m" * 32))
    return keys, PostgresVault(engine, keys, LOOKUP)


async def test_what_was_put_is_given_back(parts: tuple[CustomerKeys, Vault]) -> None:
    keys, vault = parts
    key = await keys.key_for_customer(ANN, AT)
    await vault.put(ONE, key.id, DATA, AT)
    assert await vault.get(ONE) == DATA
    changed = DATA.model_copy(update={"phone": None})
    await vault.put(ONE, key.id, changed, AT)
    assert await vault.get(ONE) == changed
    with pytest.raises(UnknownSubject):
        await vault.get(TWO)


async def test_subjects_are_found_by_any_spelling_of_mail_and_phone_newest_first(
    parts: tuple[CustomerKeys, Vault],
) -> None:
    keys, vault = parts
    key = await keys.key_for_customer(ANN, AT)
    await vault.put(ONE, key.id, DATA, AT)
    await vault.put(TWO, key.id, PersonalData(email=" ann@EXAMPLE.org "), AT + timedelta(days=1))
    assert await vault.find_by_lookup(LOOKUP.email("ann@example.org")) == [TWO, ONE]
    for spelling in ("+49 30 1234567", "0049301234567", "(030) 123-4567"):
        lookup = LOOKUP.phone(spelling)
        assert lookup is not None
        assert await vault.find_by_lookup(lookup) == [ONE]
    assert await vault.find_by_lookup(LOOKUP.email("ben@example.org")) == []
    assert LOOKUP.phone("call me") is None


async def test_an_erased_person_reads_erased_and_cannot_be_added_to(parts: tuple[CustomerKeys, Vault]) -> None:
    keys, vault = parts
    key = await keys.key_for_customer(ANN, AT)
    await vault.put(ONE, key.id, DATA, AT)
    erased = await keys.erase(ANN, AT)
    assert await vault.get(ONE) is ERASED
    assert await vault.forget(erased) == 1
    assert await vault.get(ONE) is ERASED
    assert await vault.find_by_lookup(LOOKUP.email("ann@example.org")) == []
    with pytest.raises(KeyErased):
        await vault.put(ONE, key.id, DATA, AT)


async def test_the_table_holds_nothing_in_clear(engine: AsyncEngine) -> None:
    keys = PostgresCustomerKeys(engine, MasterKeys(b"m" * 32))
    vault = PostgresVault(engine, keys, LOOKUP)
    await vault.put(ONE, (await keys.key_for_customer(ANN, AT)).id, DATA, AT)
    async with engine.connect() as connection:
        row = (await connection.execute(select(PersonalRecordRow.__table__))).one()
    stored = b"".join(value if isinstance(value, bytes) else str(value).encode() for value in row)
    for value in (b"Ann", b"ann@", b"Example", b"1234567", b"Test Street", b"Ben"):
        assert value not in stored


async def test_a_record_copied_to_another_order_does_not_open(engine: AsyncEngine) -> None:
    keys = PostgresCustomerKeys(engine, MasterKeys(b"m" * 32))
    vault = PostgresVault(engine, keys, LOOKUP)
    await vault.put(ONE, (await keys.key_for_customer(ANN, AT)).id, DATA, AT)
    async with engine.begin() as connection:
        row = (await connection.execute(select(PersonalRecordRow.__table__))).one()
        await connection.execute(PersonalRecordRow.__table__.insert().values({**row._mapping, "subject": TWO}))
    with pytest.raises(SealBroken):
        await vault.get(TWO)


async def test_a_rolled_back_order_leaves_no_personal_data(engine: AsyncEngine) -> None:
    keys = PostgresCustomerKeys(engine, MasterKeys(b"m" * 32))
    vault = PostgresVault(engine, keys, LOOKUP)
    async with engine.connect() as connection:
        key = await keys.key_for_customer(ANN, AT, connection)
        await vault.put(ONE, key.id, DATA, AT, connection)
        assert await vault.find_by_lookup(LOOKUP.email("ann@example.org")) == []
        await connection.rollback()
    with pytest.raises(UnknownSubject):
        await vault.get(ONE)


async def test_an_order_is_found_by_the_card_that_paid_until_its_customer_is_erased(engine: AsyncEngine) -> None:
    keys = PostgresCustomerKeys(engine, MasterKeys(b"m" * 32))
    vault = PostgresVault(engine, keys, LOOKUP)
    key = await keys.key_for_customer(ANN, AT)
    await vault.put(ONE, key.id, DATA, AT)
    async with engine.begin() as connection:
        for _ in range(2):
            await vault.put_card(ONE, key.id, "tok_4242", AT, connection)
        [row] = (await connection.execute(select(CardRecordRow.__table__))).all()
    assert b"tok_4242" not in b"".join(value for value in row if isinstance(value, bytes))
    assert await vault.find_by_card("tok_4242") == [ONE]
    assert await vault.find_by_card("tok_4243") == []
    assert await vault.forget([key.id]) == 1
    assert await vault.find_by_card("tok_4242") == []


def test_personal_data_prints_no_personal_data() -> None:
    assert "Ann" not in f"{DATA!r} {DATA}"


def test_a_page_of_an_erased_person_has_the_same_shape() -> None:
    assert shown(DATA) == DATA
    assert shown(ERASED) == PersonalData(
        name="erased",
        email="erased",
        phone="erased",
        address=("erased",),
        postal_code="erased",
        pickup_person="erased",
        vehicle="erased",
        birth_date="erased",
    )
