"""What every `CustomerKeys` does, on PostgreSQL and in memory."""

import asyncio
from datetime import UTC, datetime

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.keys.master import MasterKeys
from adapters.keys.memory import InMemoryCustomerKeys
from adapters.keys.port import CustomerKeys, CustomerRef, KeyErased, KeyId, KeyMissing, WorkflowBoundElsewhere
from adapters.keys.postgres import PostgresCustomerKeys

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
ANN, BEN = CustomerRef("C-ann"), CustomerRef("C-ben")


@pytest.fixture(params=["postgres", "memory"])
def keys(request: pytest.FixtureRequest, engine: AsyncEngine) -> CustomerKeys:
    if request.param == "memory":
        return InMemoryCustomerKeys()
    return PostgresCustomerKeys(engine, MasterKeys(b"m" * 32))


async def test_a_customer_has_one_key_and_two_customers_have_two(keys: CustomerKeys) -> None:
    ann, again, ben = [await keys.key_for_customer(ref, AT) for ref in (ANN, ANN, BEN)]
    assert ann == again
    assert len(ann.secret) == 32
    assert ann.id != ben.id
    assert ann.secret != ben.secret
    assert await keys.key(ann.id) == ann


async def test_fifty_first_calls_at_once_make_one_key(keys: CustomerKeys) -> None:
    made = await asyncio.gather(*(keys.key_for_customer(ANN, AT) for _ in range(50)))
    assert len({key.id for key in made}) == 1
    assert len({key.secret for key in made}) == 1


async def test_a_workflow_leads_to_the_key_it_was_bound_to(keys: CustomerKeys) -> None:
    ann = await keys.key_for_customer(ANN, AT)
    await keys.bind("order/1", ann.id)
    await keys.bind("order/1", ann.id)
    assert await keys.key_of_workflow("order/1") == ann
    assert await keys.key_of_workflow("order/2") is None


async def test_a_workflow_never_changes_its_key(keys: CustomerKeys) -> None:
    ann, ben = [await keys.key_for_customer(ref, AT) for ref in (ANN, BEN)]
    await keys.bind("order/1", ann.id)
    with pytest.raises(WorkflowBoundElsewhere):
        await keys.bind("order/1", ben.id)
    assert await keys.key_of_workflow("order/1") == ann


async def test_an_unknown_key_is_missing_and_cannot_be_bound(keys: CustomerKeys) -> None:
    with pytest.raises(KeyMissing):
        await keys.key(KeyId("nobody"))
    with pytest.raises(KeyMissing):
        await keys.bind("order/1", KeyId("nobody"))


async def test_an_erased_key_is_gone_for_reading_and_for_new_bindings(keys: CustomerKeys) -> None:
    ann, ben = [await keys.key_for_customer(ref, AT) for ref in (ANN, BEN)]
    await keys.bind("order/1", ann.id)
    assert await keys.key_of_workflow("order/1") == ann
    assert await keys.erase(ANN, AT) == [ann.id]
    with pytest.raises(KeyErased):
        await keys.key(ann.id)
    with pytest.raises(KeyErased):
        await keys.key_of_workflow("order/1")
    with pytest.raises(KeyErased):
        await keys.bind("order/2", ann.id)
    assert await keys.key(ben.id) == ben
    assert await keys.erase(ANN, AT) == []


async def test_a_customer_who_returns_after_an_erasure_gets_a_new_key(keys: CustomerKeys) -> None:
    before = await keys.key_for_customer(ANN, AT)
    await keys.erase(ANN, AT)
    after = await keys.key_for_customer(ANN, AT)
    assert after.id != before.id
    assert after.secret != before.secret
    with pytest.raises(KeyErased):
        await keys.key(before.id)


async def test_what_belongs_to_no_customer_has_a_key_that_is_found_by_its_id(keys: CustomerKeys) -> None:
    system = keys.system_key()
    assert await keys.key(system.id) == system
