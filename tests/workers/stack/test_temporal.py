from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest
from temporalio.client import Client

from workers.stack.errors import NoTemporal
from workers.stack.ports import Ports
from workers.stack.temporal import TemporalServer, check_cluster, register
from workers.stack.temporal_cli import obtain

pytestmark = pytest.mark.stack

Make = Callable[[dict[str, str]], TemporalServer]


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Make]:
    ports = Ports()
    made: list[TemporalServer] = []
    port, ui_port = ports.pick("temporal", preferred=False), ports.pick("temporal_ui", preferred=False)

    def make(attributes: dict[str, str]) -> TemporalServer:
        made.append(
            TemporalServer(
                obtain().path,
                tmp_path,
                port=port,
                ui_port=ui_port,
                log=tmp_path / "log",
                search_attributes=attributes,
                codec_url="http://127.0.0.1:1/v1/ops/codec",
            )
        )
        return made[-1]

    yield make
    for each in made:
        await each.stop()
    ports.close()


async def test_workflows_survive_a_restart_and_new_search_attributes_are_known_after_it(server: Make) -> None:
    first = server({"OrderStatus": "Keyword"})
    await first.start()
    client = await Client.connect(first.address)
    await client.start_workflow("Waiting", id="order/1", task_queue="nobody-polls")
    await first.stop()

    later = server({"OrderStatus": "Keyword", "OrderDeadline": "Datetime"})
    await later.start()
    client = await Client.connect(later.address)
    assert (await client.get_workflow_handle("order/1").describe()).id == "order/1"
    found = [each.id async for each in client.list_workflows('OrderDeadline is null and WorkflowId = "order/1"')]
    assert found == ["order/1"]
    assert await register(later.address, "default", {"OrderStatus": "Keyword"}) == []


async def test_the_web_ui_decodes_through_our_api(server: Make) -> None:
    temporal = server({})
    await temporal.start()
    async with httpx.AsyncClient(trust_env=False) as http:
        settings = (await http.get(f"{temporal.ui}/api/v1/settings")).json()
    assert settings["Codec"]["Endpoint"] == "http://127.0.0.1:1/v1/ops/codec"


async def test_a_cluster_that_does_not_answer_is_told_with_its_address() -> None:
    with pytest.raises(NoTemporal, match=r"127\.0\.0\.1:1 does not answer"):
        await check_cluster("127.0.0.1:1", "default", {})
