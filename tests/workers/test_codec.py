"""The codec alone: which key, what stays readable, what is refused, what pages show."""

from datetime import UTC, datetime
from typing import Any

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.converter import (
    ActivitySerializationContext,
    DataConverter,
    NexusSerializationContext,
    SerializationContext,
    WorkflowSerializationContext,
)

from adapters.keys.cipher import SealBroken
from adapters.keys.memory import InMemoryCustomerKeys
from adapters.keys.port import CustomerRef, DataKey, KeyErased, KeyMissing
from domain.personal import PersonalData, Readable
from workers.codec import ENCODING, KEY_ID, EncryptingCodec, PageCodec
from workers.plugin import data_converter

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
PERSON = PersonalData(name="Ann Example", email="ann@example.org")


def of_workflow(workflow_id: str) -> WorkflowSerializationContext:
    return WorkflowSerializationContext(namespace="default", workflow_id=workflow_id)


def of_activity(workflow_id: str | None, *, local: bool = False) -> ActivitySerializationContext:
    return ActivitySerializationContext("default", "1", "notify", "mail", workflow_id, "OrderWorkflow", local)


@pytest.fixture
def keys() -> InMemoryCustomerKeys:
    return InMemoryCustomerKeys()


@pytest.fixture
def converter(keys: InMemoryCustomerKeys) -> DataConverter:
    return data_converter(keys)


async def bound(keys: InMemoryCustomerKeys, workflow_id: str, customer: str = "C-ann") -> DataKey:
    key = await keys.key_for_customer(CustomerRef(customer), AT)
    await keys.bind(workflow_id, key.id)
    return key


def key_ids(payloads: list[Payload]) -> list[bytes]:
    return [payload.metadata[KEY_ID] for payload in payloads]


async def test_two_customers_orders_are_encrypted_under_different_keys(
    keys: InMemoryCustomerKeys, converter: DataConverter
) -> None:
    ann, ben = await bound(keys, "order/1"), await bound(keys, "order/2", "C-ben")
    first = await converter.with_context(of_workflow("order/1")).encode([PERSON, 1])
    second = await converter.with_context(of_workflow("order/2")).encode([PERSON])
    assert key_ids(first) == [ann.id.encode()] * 2
    assert key_ids(second) == [ben.id.encode()]
    for payload in (*first, *second):
        assert payload.metadata["encoding"] == ENCODING
        assert b"ann@" not in payload.SerializeToString()


@pytest.mark.parametrize(
    "context", [of_workflow("order/1"), of_activity("order/1"), of_activity("order/1", local=True)]
)
async def test_workflow_and_activities_share_the_workflows_key(
    keys: InMemoryCustomerKeys, converter: DataConverter, context: SerializationContext
) -> None:
    ann = await bound(keys, "order/1")
    assert key_ids(await converter.with_context(context).encode([PERSON])) == [ann.id.encode()]


@pytest.mark.parametrize(
    "context",
    [None, of_workflow("dispatch"), of_activity(None), NexusSerializationContext("one", "two", "three")],
)
async def test_what_has_no_customer_uses_a_system_key(
    converter: DataConverter, context: SerializationContext | None
) -> None:
    used = converter if context is None else converter.with_context(context)
    payloads = await used.encode([PERSON])
    assert key_ids(payloads)[0].startswith(b"system.")
    assert await converter.decode(payloads, [PersonalData]) == [PERSON]


async def test_a_payload_is_read_in_any_context(keys: InMemoryCustomerKeys, converter: DataConverter) -> None:
    await bound(keys, "order/1")
    payloads = await converter.with_context(of_workflow("order/1")).encode([PERSON, None, b"bytes"])
    for used in (converter, converter.with_context(of_workflow("return/9")), converter.with_context(of_activity(None))):
        assert await used.decode(payloads, [PersonalData, Any, bytes]) == [PERSON, None, b"bytes"]


async def test_the_same_value_never_looks_the_same(keys: InMemoryCustomerKeys, converter: DataConverter) -> None:
    await bound(keys, "order/1")
    first, second = await converter.with_context(of_workflow("order/1")).encode([PERSON, PERSON])
    assert first.data != second.data


async def test_only_a_text_that_its_author_marked_stays_readable(
    keys: InMemoryCustomerKeys, converter: DataConverter
) -> None:
    await bound(keys, "order/1")
    marked, plain = await converter.with_context(of_workflow("order/1")).encode([Readable("offered to S001"), "other"])
    assert marked.data == b'"offered to S001"'
    assert plain.metadata["encoding"] == ENCODING
    assert await converter.decode([marked, plain], [str, str]) == ["offered to S001", "other"]


async def test_payloads_from_before_encryption_are_read_as_they_are(converter: DataConverter) -> None:
    payload = Payload(metadata={"encoding": b"json/plain"}, data=b"3")
    assert await converter.decode([payload], [int]) == [3]


@pytest.mark.parametrize("kind", ["order", "return", "application", "cart"])
async def test_nothing_is_encrypted_for_a_person_whose_key_is_not_bound(converter: DataConverter, kind: str) -> None:
    with pytest.raises(KeyMissing, match="bind"):
        await converter.with_context(of_workflow(f"{kind}/1")).encode([PERSON])


async def test_an_erased_persons_payloads_raise_in_workers(
    keys: InMemoryCustomerKeys, converter: DataConverter
) -> None:
    await bound(keys, "order/1")
    used = converter.with_context(of_workflow("order/1"))
    payloads = await used.encode([PERSON])
    await keys.erase(CustomerRef("C-ann"), AT)
    with pytest.raises(KeyErased):
        await used.decode(payloads)
    with pytest.raises(KeyErased):
        await used.encode([PERSON])


@pytest.mark.parametrize("change", ["data", "key", "cipher"])
async def test_a_changed_payload_is_refused(keys: InMemoryCustomerKeys, converter: DataConverter, change: str) -> None:
    await bound(keys, "order/1")
    ben = await bound(keys, "order/2", "C-ben")
    [payload] = await converter.with_context(of_workflow("order/1")).encode([PERSON])
    if change == "data":
        payload.data = payload.data[:-1] + bytes([payload.data[-1] ^ 1])
    elif change == "key":
        payload.metadata[KEY_ID] = ben.id.encode()
    else:
        payload.metadata["encryption-cipher"] = b"AES-256-GCM/9"
    with pytest.raises(SealBroken):
        await converter.decode([payload])
    [shown] = await PageCodec(keys).decode([payload])
    assert shown.data == b'"unreadable"'


async def test_a_page_shows_words_where_nothing_can_be_read(
    keys: InMemoryCustomerKeys, converter: DataConverter
) -> None:
    ann = await bound(keys, "order/1")
    await bound(keys, "order/2", "C-ben")
    [erased] = await converter.with_context(of_workflow("order/1")).encode([PERSON])
    [there] = await converter.with_context(of_workflow("order/2")).encode([PERSON])
    [foreign] = await data_converter(InMemoryCustomerKeys()).encode([PERSON])
    await keys.erase(CustomerRef("C-ann"), AT)
    page = PageCodec(keys)
    shown = await page.decode([erased, there, foreign])
    assert shown[0].data == b'"erased"'
    assert b"ann@example.org" in shown[1].data
    assert shown[2].data == b'"key missing"'
    assert [payload.data for payload in page.hidden([erased, there])] == [b'"hidden"', b'"hidden"']
    assert page.key_ids([erased, erased]) == [ann.id]


def test_the_codec_of_the_same_workflow_is_reused(keys: InMemoryCustomerKeys) -> None:
    codec = EncryptingCodec(keys).with_context(of_workflow("order/1"))
    assert codec.with_context(of_activity("order/1")) is codec
