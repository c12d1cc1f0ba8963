"""The recorded histories: whole orders as the server kept them, encrypted with a key that stands here and nowhere else.

A file is named `{journey}-{release}.json`. Recording writes those of the present release only; older ones stay for as
long as orders that such a release began may still run (`docs/decisions/changing-workflows.md`).
"""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from temporalio.client import WorkflowHistory

from adapters.keys.master import MasterKeys
from adapters.keys.port import CustomerRef, DataKey, KeyId

FOLDER = Path(__file__).with_name("histories")
RELEASE = ".".join(version("throughline").split(".")[:2])
TEST_KEY = DataKey(KeyId("recording-test-key"), hashlib.sha256(b"histories recorded for tests").digest())


class RecordingKeys:
    """See `CustomerKeys`: everything that belongs to a customer is under the test key, which is no secret."""

    def __init__(self) -> None:
        self._master = MasterKeys(TEST_KEY.secret)

    async def key_for_customer(self, customer_ref: CustomerRef, at: datetime) -> DataKey:
        return TEST_KEY

    async def bind(self, workflow_id: str, key_id: KeyId) -> None:
        assert key_id == TEST_KEY.id

    async def key_of_workflow(self, workflow_id: str) -> DataKey | None:
        return TEST_KEY

    async def key(self, key_id: KeyId) -> DataKey:
        return self._master.system_key_of(key_id) or TEST_KEY

    async def erase(self, customer_ref: CustomerRef, at: datetime) -> Sequence[KeyId]:
        raise NotImplementedError("recorded histories are not erased")

    def system_key(self) -> DataKey:
        return self._master.system_key()


def names() -> list[str]:
    """All recordings, of every release."""
    return sorted(file.name.removesuffix(".json") for file in FOLDER.glob("*.json"))


def name(journey: str) -> str:
    """The recording of a journey by the present release."""
    return f"{journey}-{RELEASE}"


def read(name: str) -> WorkflowHistory:
    recorded = json.loads((FOLDER / f"{name}.json").read_text())
    return WorkflowHistory.from_json(recorded["workflow_id"], {"events": recorded["events"]})


def write(name: str, history: WorkflowHistory) -> None:
    """One event a line, so that a difference between two recordings can be seen."""
    FOLDER.mkdir(exist_ok=True)
    events = ",\n".join(json.dumps(event, sort_keys=True) for event in history.to_json_dict()["events"])
    text = f'{{"workflow_id": {json.dumps(history.workflow_id)}, "events": [\n{events}\n]}}\n'
    (FOLDER / f"{name}.json").write_text(text)
