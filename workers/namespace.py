"""The namespace of an installation: made where it is missing, with all search attributes of the workflows.

`python -m workers.namespace`, once before the first start and after each upgrade. It waits until Temporal answers.
"""

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Mapping
from datetime import timedelta

from google.protobuf.duration_pb2 import Duration
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, RegisterNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from workers.settings import EmbeddedSettings
from workers.stack.errors import NoTemporal, StackError
from workers.stack.temporal import register, serves
from workflows import visibility

RETENTION_DAYS = 7
"""Of closed workflows. What people read of closed orders is in PostgreSQL."""
PATIENCE = 120.0
"""Seconds for the server to come, and for all its parts to know the new namespace."""
ANSWERS_WITHIN = timedelta(seconds=5)
NOT_YET = {
    RPCStatusCode.UNAVAILABLE,
    RPCStatusCode.DEADLINE_EXCEEDED,
    RPCStatusCode.NOT_FOUND,
    RPCStatusCode.RESOURCE_EXHAUSTED,
}


async def prepare(
    address: str,
    namespace: str,
    search_attributes: Mapping[str, str],
    *,
    retention: timedelta = timedelta(days=RETENTION_DAYS),
    patience: float = PATIENCE,
) -> list[str]:
    """Make what is missing, and wait until the server knows it. What was made. Raises `NoTemporal`."""
    ends = time.monotonic() + patience
    made: list[str] = []
    while True:
        try:
            client = await Client.connect(address, namespace=namespace)
            if await _make(client, retention):
                made.append(f"namespace {namespace}")
            await client.workflow_service.describe_namespace(
                DescribeNamespaceRequest(namespace=namespace), timeout=ANSWERS_WITHIN
            )
            missing = await register(address, namespace, search_attributes)
            if not missing:
                return made
            made += missing
        except (RPCError, RuntimeError, NoTemporal) as error:
            if isinstance(error, RPCError) and error.status not in NOT_YET:
                raise NoTemporal(
                    f"The namespace {namespace!r} could not be made at {address}: {error.message}.",
                    "Let the cluster's operator make it, with the search attributes of docs/operations.",
                ) from error
            if time.monotonic() > ends:
                if isinstance(error, NoTemporal):
                    raise
                raise NoTemporal(
                    f"Temporal at {address} was not ready within {patience:g} seconds.", "See its log."
                ) from error
        await asyncio.sleep(0.5)


async def _make(client: Client, retention: timedelta) -> bool:
    if await serves(client.service_client.config.target_host, client.namespace):
        return False
    period = Duration()
    period.FromTimedelta(retention)
    try:
        await client.workflow_service.register_namespace(
            RegisterNamespaceRequest(namespace=client.namespace, workflow_execution_retention_period=period),
            timeout=ANSWERS_WITHIN,
        )
    except RPCError as error:
        if error.status == RPCStatusCode.ALREADY_EXISTS:
            return False
        raise
    return True


def main() -> int:
    """Prepare the namespace that the settings name; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m workers.namespace", description=__doc__)
    parser.add_argument("--retention-days", type=int, default=RETENTION_DAYS, help="of closed workflows")
    asked = parser.parse_args()
    settings = EmbeddedSettings()
    try:
        made = asyncio.run(
            prepare(
                settings.temporal_address or "127.0.0.1:7233",
                settings.temporal_namespace,
                visibility.search_attributes(),
                retention=timedelta(days=asked.retention_days),
            )
        )
    except StackError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    print(f"Made {', '.join(made)}." if made else "All was there.")  # noqa: T201
    return 0


if __name__ == "__main__":
    code = main()
    # The SDK's threads may abort the interpreter on its way out, after all work is done: end here.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
