"""The Temporal server: a development server of our own with a file database, or a cluster that exists already."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from workers.process import Child
from workers.stack.errors import NoTemporal
from workers.stack.ports import LOOPBACK

PATIENCE = timedelta(seconds=3)

DYNAMIC_CONFIG = {
    # The default of 20 polls a second on the one shard adds 44 ms to every task.
    "history.transferProcessorMaxPollRPS": "2000",
    "history.timerProcessorMaxPollRPS": "2000",
    # One process needs no partitions, and without them a task never waits for a poller on another one.
    "matching.numTaskqueueReadPartitions": "1",
    "matching.numTaskqueueWritePartitions": "1",
    # Above its limit (10) the server drops the task at hand, whose steps in our books are done: keep clear of it.
    "history.maxInFlightUpdates": "1000",
}

VALUE_TYPES = {
    "Text": IndexedValueType.INDEXED_VALUE_TYPE_TEXT,
    "Keyword": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
    "Int": IndexedValueType.INDEXED_VALUE_TYPE_INT,
    "Double": IndexedValueType.INDEXED_VALUE_TYPE_DOUBLE,
    "Bool": IndexedValueType.INDEXED_VALUE_TYPE_BOOL,
    "Datetime": IndexedValueType.INDEXED_VALUE_TYPE_DATETIME,
    "KeywordList": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD_LIST,
}


class TemporalServer:
    """A development server with its web UI. Its state is one SQLite file in `folder`."""

    def __init__(
        self,
        cli: Path,
        folder: Path,
        *,
        port: int,
        ui_port: int,
        log: Path,
        search_attributes: Mapping[str, str],
        codec_url: str = "",
        namespace: str = "default",
        fsync: bool = True,
        changed: Callable[[Child], None] | None = None,
    ) -> None:
        self.address = f"{LOOPBACK}:{port}"
        self.ui = f"http://{LOOPBACK}:{ui_port}"
        self.namespace = namespace
        self._search_attributes = dict(search_attributes)
        command: list[str | Path] = [cli, "server", "start-dev", "--ip", LOOPBACK, "--port", str(port)]
        command += ["--ui-port", str(ui_port), "--namespace", namespace, "--log-level", "error"]
        command += ["--db-filename", folder / "temporal.db", "--sqlite-pragma", "journal_mode=wal"]
        command += [] if fsync else ["--sqlite-pragma", "synchronous=off"]
        command += ["--disable-config-file", "--disable-config-env"]
        for key, value in DYNAMIC_CONFIG.items():
            command += ["--dynamic-config-value", f"{key}={value}"]
        for name, value_type in self._search_attributes.items():
            command += ["--search-attribute", f"{name}={value_type}"]
        if codec_url:
            command += ["--ui-codec-endpoint", codec_url]
        self.child = Child("Temporal", command, log=log, ready=self._serves, folder=folder, changed=changed)

    async def start(self) -> None:
        """Start the server and wait until its namespace answers with all search attributes."""
        await self.child.start()
        if await register(self.address, self.namespace, self._search_attributes):
            # Files of an earlier version. A server knows new attributes when it starts, or after a minute.
            await self.child.stop()
            await self.child.start()

    async def stop(self) -> None:
        await self.child.stop()

    async def _serves(self) -> bool:
        return await serves(self.address, self.namespace)


async def serves(address: str, namespace: str) -> bool:
    """Whether a Temporal server answers for the namespace."""
    try:
        client = await Client.connect(address, namespace=namespace)
        await client.workflow_service.describe_namespace(
            DescribeNamespaceRequest(namespace=namespace), timeout=PATIENCE
        )
    except (RPCError, RuntimeError):
        return False
    return True


async def check_cluster(address: str, namespace: str, search_attributes: Mapping[str, str]) -> None:
    """Make sure that an existing cluster can serve us. Raises `NoTemporal`."""
    if not await serves(address, namespace):
        raise NoTemporal(
            f"The Temporal cluster at {address} does not answer for namespace {namespace!r}.",
            "Correct TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE, make the namespace, or unset TEMPORAL_ADDRESS "
            "to let Throughline start a server.",
        )
    await register(address, namespace, search_attributes)


async def register(address: str, namespace: str, search_attributes: Mapping[str, str]) -> list[str]:
    """Add the search attributes that the namespace lacks; their names. Raises `NoTemporal` when that is not allowed."""
    client = await Client.connect(address, namespace=namespace)
    try:
        known = await client.operator_service.list_search_attributes(
            ListSearchAttributesRequest(namespace=namespace), timeout=PATIENCE
        )
        missing = {name: kind for name, kind in search_attributes.items() if name not in known.custom_attributes}
        if missing:
            request = AddSearchAttributesRequest(
                namespace=namespace,
                search_attributes={name: VALUE_TYPES[kind] for name, kind in missing.items()},
            )
            await client.operator_service.add_search_attributes(request, timeout=PATIENCE)
    except RPCError as error:
        if error.status == RPCStatusCode.ALREADY_EXISTS:
            return []
        raise NoTemporal(
            f"The search attributes could not be registered at {address}: {error.message}.",
            "Let the cluster's operator register them; `docs/` lists names and types.",
        ) from error
    return list(missing)
