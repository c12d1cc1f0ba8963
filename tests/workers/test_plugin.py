"""The plugin on a real Temporal server: nothing of a person in clear, histories that replay, erasure, restarts."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.api.common.v1 import Payload, WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.query.v1 import WorkflowQuery
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionRequest, QueryWorkflowRequest
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle, WorkflowHistory, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.worker import Replayer, Worker

from adapters.keys.master import MasterKeys
from adapters.keys.memory import InMemoryCustomerKeys
from adapters.keys.port import CustomerRef, DataKey, KeyErased, KeyMissing
from domain.personal import PersonalData, Readable
from tests.workers.codec_story import OrderStory, ParcelStory, Story, ZoneStory, look_up, notify
from workers.codec import ENCODING, PageCodec, refusals
from workers.plugin import throughline_plugin
from workers.stack import temporal_cli
from workers.stack.ports import Ports
from workers.stack.temporal import TemporalServer

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
PERSON = PersonalData(name="Ann Example", email="ann.example@example.org", phone="+49301234567")
CLEAR = (b"Ann Example", b"ann.example", b"4930123")
QUEUE = "codec-story"


@dataclass
class Running:
    """A server and where it keeps its files."""

    address: str
    folder: Path


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    folder = tmp_path_factory.mktemp("temporal")
    ports = Ports()
    server = TemporalServer(
        temporal_cli.obtain().path,
        folder,
        port=ports.pick("temporal", preferred=False),
        ui_port=ports.pick("temporal_ui", preferred=False),
        log=folder / "temporal.log",
        search_attributes={},
        fsync=False,
    )
    await server.start()
    try:
        yield Running(server.address, folder)
    finally:
        await server.stop()
        ports.close()


async def connected(server: Running, keys: InMemoryCustomerKeys, *, sandbox: bool = True) -> Client:
    return await Client.connect(server.address, plugins=[throughline_plugin(keys, sandbox=sandbox)])


@asynccontextmanager
async def working(client: Client, **options: Any) -> AsyncIterator[None]:
    async with Worker(
        client,
        task_queue=QUEUE,
        workflows=[OrderStory, ParcelStory, ZoneStory],
        activities=[notify, look_up],
        **options,
    ):
        yield


async def bound(keys: InMemoryCustomerKeys, workflow_id: str, customer: str = "C-ann") -> DataKey:
    key = await keys.key_for_customer(CustomerRef(customer), AT)
    await keys.bind(workflow_id, key.id)
    await keys.bind(workflow_id.replace("order/", "parcel/") + "/parcel", key.id)
    return key


async def started(client: Client, workflow_id: str, story: Story) -> WorkflowHandle[OrderStory, PersonalData]:
    return await client.start_workflow(
        OrderStory.run,
        story,
        id=workflow_id,
        task_queue=QUEUE,
        memo={"who": PERSON},
        static_summary=Readable("web order, 2 articles"),
        static_details=Readable("pickup at S001"),
        task_timeout=timedelta(seconds=2),
    )


async def played(client: Client, workflow_id: str, **options: Any) -> WorkflowHandle[OrderStory, PersonalData]:
    handle = await started(client, workflow_id, Story(person=PERSON, **options))
    await handle.signal(OrderStory.arrive, PERSON)
    assert await handle.query(OrderStory.asks_for, PERSON) == PERSON
    assert await handle.execute_update(OrderStory.note, PERSON) == PERSON
    return handle


async def test_no_place_of_a_history_holds_personal_data_in_clear(server: Running) -> None:
    keys = InMemoryCustomerKeys()
    await bound(keys, "order/clear")
    client = await connected(server, keys)
    async with working(client):
        handle = await played(client, "order/clear")
        assert await handle.result() == PERSON
        history = await handle.fetch_history()
    kinds = {EventType.Name(event.event_type).removeprefix("EVENT_TYPE_") for event in history.events}
    assert kinds >= {
        "WORKFLOW_EXECUTION_SIGNALED",
        "WORKFLOW_EXECUTION_UPDATE_ACCEPTED",
        "WORKFLOW_EXECUTION_UPDATE_COMPLETED",
        "ACTIVITY_TASK_SCHEDULED",
        "ACTIVITY_TASK_STARTED",
        "MARKER_RECORDED",
        "CHILD_WORKFLOW_EXECUTION_COMPLETED",
        "TIMER_STARTED",
        "WORKFLOW_EXECUTION_COMPLETED",
    }
    written = b"".join(event.SerializeToString() for event in history.events)
    assert ENCODING in written
    for value in CLEAR:
        assert value not in written
    # An attempt that failed leaves its message in the next attempt's started event.
    assert any(
        event.activity_task_started_event_attributes.last_failure.encoded_attributes.data for event in history.events
    )


async def test_temporals_database_holds_no_personal_data_in_clear(server: Running) -> None:
    keys = InMemoryCustomerKeys()
    await bound(keys, "order/files")
    client = await connected(server, keys)
    async with working(client):
        await (await played(client, "order/files")).result()
    stored = b"".join(file.read_bytes() for file in server.folder.glob("temporal.db*"))
    assert b"order/files" in stored
    for value in CLEAR:
        assert value not in stored


async def test_heartbeats_are_encrypted(server: Running) -> None:
    keys = InMemoryCustomerKeys()
    key = await bound(keys, "order/heartbeat")
    client = await connected(server, keys)
    async with working(client):
        handle = await started(client, "order/heartbeat", Story(person=PERSON))
        details = await _heartbeat_details(client, "order/heartbeat")
        assert details.metadata["encoding"] == ENCODING
        assert details.metadata["encryption-key-id"] == key.id.encode()
        await handle.terminate()


async def test_failures_are_encrypted_and_read_by_whoever_has_the_key(server: Running) -> None:
    keys = InMemoryCustomerKeys()
    await bound(keys, "order/failure")
    client = await connected(server, keys)
    async with working(client):
        handle = await played(client, "order/failure", stops_with_failure=True)
        with pytest.raises(WorkflowFailureError) as failed:
            await handle.result()
        history = await handle.fetch_history()
    assert isinstance(failed.value.cause, ApplicationError)
    assert PERSON.email in failed.value.cause.message
    failure = history.events[-1].workflow_execution_failed_event_attributes.failure
    assert failure.message == "Encoded failure"
    assert not failure.stack_trace
    for value in CLEAR:
        assert value not in failure.SerializeToString()


async def test_a_refused_update_tells_its_reason_to_the_caller_only(server: Running) -> None:
    keys = InMemoryCustomerKeys()
    await bound(keys, "order/refused")
    client = await connected(server, keys)
    async with working(client):
        handle = await started(client, "order/refused", Story(person=PERSON))
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await handle.execute_update(OrderStory.note, PERSON.model_copy(update={"name": "Nobody"}))
        await handle.terminate()
    assert isinstance(refused.value.cause, ApplicationError)
    assert PERSON.email in refused.value.cause.message


async def test_summaries_and_current_details_are_readable_without_the_codec(server: Running) -> None:
    keys = InMemoryCustomerKeys()
    await bound(keys, "order/summary")
    client = await connected(server, keys)
    async with working(client):
        handle = await played(client, "order/summary")
        raw = await client.workflow_service.query_workflow(
            QueryWorkflowRequest(
                namespace="default",
                execution=WorkflowExecution(workflow_id="order/summary"),
                query=WorkflowQuery(query_type="__temporal_workflow_metadata"),
            )
        )
        assert b"waits for the customer" in raw.query_result.payloads[0].data
        await handle.result()
        described = await client.workflow_service.describe_workflow_execution(
            DescribeWorkflowExecutionRequest(
                namespace="default", execution=WorkflowExecution(workflow_id="order/summary")
            )
        )
        assert described.execution_config.user_metadata.summary.data == b'"web order, 2 articles"'
        assert described.execution_config.user_metadata.details.data == b'"pickup at S001"'
        assert described.workflow_execution_info.memo.fields["who"].metadata["encoding"] == ENCODING
        description = await handle.describe()
        assert await description.static_summary() == "web order, 2 articles"
        events = (await handle.fetch_history()).events
    summaries = {event.user_metadata.summary.data for event in events if event.HasField("user_metadata")}
    assert summaries >= {b'"tells the customer"', b'"waits a moment"', b'"a parcel"'}


@pytest.mark.parametrize("sandbox", [True, False])
async def test_an_exported_history_replays_with_the_recordings_key(server: Running, sandbox: bool) -> None:
    keys = InMemoryCustomerKeys()
    key = await bound(keys, f"order/replay-{sandbox}")
    client = await connected(server, keys, sandbox=sandbox)
    async with working(client):
        handle = await played(client, f"order/replay-{sandbox}")
        await handle.result()
        exported = (await handle.fetch_history()).to_json()
    assert "ann.example" not in exported
    replayer = Replayer(
        workflows=[OrderStory, ParcelStory],
        plugins=[throughline_plugin(recorded(keys, key, handle.id), sandbox=sandbox)],
    )
    await replayer.replay_workflow(WorkflowHistory.from_json(handle.id, exported))
    stranger = Replayer(
        workflows=[OrderStory, ParcelStory], plugins=[throughline_plugin(InMemoryCustomerKeys(), sandbox=sandbox)]
    )
    with pytest.raises(RuntimeError, match="there is no key"):
        await stranger.replay_workflow(WorkflowHistory.from_json(handle.id, exported))


async def test_a_worker_that_was_restarted_goes_on_with_what_another_one_encrypted(server: Running) -> None:
    master = MasterKeys(b"m" * 32)
    before = InMemoryCustomerKeys(master)
    key = await bound(before, "order/restart")
    client = await connected(server, before)
    async with working(client):
        handle = await started(client, "order/restart", Story(person=PERSON))
        await handle.signal(OrderStory.arrive, PERSON)
    after = recorded(InMemoryCustomerKeys(MasterKeys(b"m" * 32), key), key, "order/restart")
    await after.bind("parcel/restart/parcel", key.id)
    client = await connected(server, after)
    async with working(client):
        again = client.get_workflow_handle_for(OrderStory.run, "order/restart")
        await again.execute_update(OrderStory.note, PERSON)
        assert await again.result() == PERSON


async def test_a_workflow_without_its_customers_key_cannot_be_started(server: Running) -> None:
    client = await connected(server, InMemoryCustomerKeys())
    with pytest.raises(KeyMissing, match="bind"):
        await started(client, "order/unbound", Story(person=PERSON))


async def test_what_belongs_to_no_customer_is_encrypted_under_a_system_key(server: Running) -> None:
    keys = InMemoryCustomerKeys()
    client = await connected(server, keys)
    async with working(client):
        handle = await client.start_workflow(ParcelStory.run, PERSON, id="dispatch/1", task_queue=QUEUE)
        assert await handle.result() == PERSON
        first = (await handle.fetch_history()).events[0].workflow_execution_started_event_attributes
    assert first.input.payloads[0].metadata["encryption-key-id"].startswith(b"system.")


@pytest.mark.parametrize("sandbox", [True, False])
async def test_the_domain_computes_in_time_zones_inside_the_sandbox(server: Running, sandbox: bool) -> None:
    client = await connected(server, InMemoryCustomerKeys(), sandbox=sandbox)
    before_the_change = datetime(2026, 3, 28, 12, tzinfo=UTC)
    async with working(client):
        later = await client.execute_workflow(ZoneStory.run, before_the_change, id=f"zone/{sandbox}", task_queue=QUEUE)
    assert later == before_the_change + timedelta(hours=23)


async def test_an_erased_key_makes_the_workflow_wait_and_alarm_and_not_fail(server: Running) -> None:
    keys = InMemoryCustomerKeys()
    await bound(keys, "order/erased")
    client = await connected(server, keys)
    async with working(client):
        handle = await played_until_child_is_done(client, "order/erased")
    # Nothing is cached in the next worker: it has to read the history again.
    await keys.erase(CustomerRef("C-ann"), AT)
    alarms = refusals.labels("erased")._value.get()
    blind = await Client.connect(server.address)
    async with working(client):
        await blind.get_workflow_handle("order/erased").signal("arrive", "in clear")
        failed = await _first_event(blind, "order/erased", EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED)
        described = await handle.describe()
        assert described.status is not None
        assert described.status.name == "RUNNING"
    assert refusals.labels("erased")._value.get() > alarms
    message = failed.workflow_task_failed_event_attributes.failure.message
    assert "was deleted when its customer was erased" in message
    page = PageCodec(keys)
    history = await blind.get_workflow_handle("order/erased").fetch_history()
    shown = await page.decode(history.events[0].workflow_execution_started_event_attributes.input.payloads)
    assert [payload.data for payload in shown] == [b'"erased"']
    with pytest.raises(KeyErased):
        await handle.query(OrderStory.asks_for, PERSON)
    await blind.get_workflow_handle("order/erased").terminate()


async def test_an_activity_whose_customer_was_erased_is_tried_again_and_not_failed(server: Running) -> None:
    keys = InMemoryCustomerKeys()
    await bound(keys, "order/erased-activity")
    client = await connected(server, keys)
    workflows_only = Worker(client, task_queue=QUEUE, workflows=[OrderStory, ParcelStory])
    async with workflows_only:
        handle = await started(client, "order/erased-activity", Story(person=PERSON))
        await _first_event(client, "order/erased-activity", EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED)
    await keys.erase(CustomerRef("C-ann"), AT)
    async with Worker(client, task_queue=QUEUE, activities=[notify, look_up]), asyncio.timeout(15):
        while True:
            described = await handle.describe()
            pending = described.raw_description.pending_activities
            if pending and pending[0].attempt >= 3:
                break
            await asyncio.sleep(0.02)
    assert described.status is not None
    assert described.status.name == "RUNNING"
    assert "customer was erased" in pending[0].last_failure.message
    await handle.terminate()


def recorded(keys: InMemoryCustomerKeys, key: DataKey, workflow_id: str) -> InMemoryCustomerKeys:
    """Keys of another process that knows one key and what it is bound to."""
    other = InMemoryCustomerKeys(keys._master, key)
    other._bindings[workflow_id] = key.id
    return other


async def played_until_child_is_done(client: Client, workflow_id: str) -> WorkflowHandle[OrderStory, PersonalData]:
    handle = await started(client, workflow_id, Story(person=PERSON))
    await _first_event(client, workflow_id, EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED)
    return handle


async def _first_event(client: Client, workflow_id: str, kind: EventType.ValueType) -> Any:
    async with asyncio.timeout(20):
        while True:
            history = await client.get_workflow_handle(workflow_id).fetch_history()
            for event in history.events:
                if event.event_type == kind:
                    return event
            await asyncio.sleep(0.02)


async def _heartbeat_details(client: Client, workflow_id: str) -> Payload:
    async with asyncio.timeout(10):
        while True:
            described = await client.workflow_service.describe_workflow_execution(
                DescribeWorkflowExecutionRequest(
                    namespace="default", execution=WorkflowExecution(workflow_id=workflow_id)
                )
            )
            for pending in described.pending_activities:
                if pending.heartbeat_details.payloads:
                    return pending.heartbeat_details.payloads[0]
            await asyncio.sleep(0.005)
