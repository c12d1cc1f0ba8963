"""Two stacks for all stories: one with real durations, and one on which days take seconds, for stories about time.

`THROUGHLINE_STACK=.throughline/stack.json` plays the stories on a stack that runs already, under the policy it has.
"""

import json
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.world import World
from workers.settings import Policy
from workers.stack.stack import Stack


@dataclass(frozen=True)
class RunningStack:
    """A stack that somebody else started."""

    path: Path

    def record(self) -> dict[str, Any]:
        record: dict[str, Any] = json.loads(self.path.read_text())
        return record


def _running(policy: Policy) -> RunningStack | None:
    for name in filter(None, os.environ.get("THROUGHLINE_STACK", "").split(":")):
        stack = RunningStack(Path(name))
        if stack.record()["policy"] == policy:
            return stack
    return None


async def _worlds(tmp_path_factory: pytest.TempPathFactory, policy: Policy) -> AsyncIterator[World]:
    async with AsyncExitStack() as leaving:
        stack: Any = _running(policy)
        if stack is None:
            folder = tmp_path_factory.mktemp(f"{policy}-stack")
            stack = await leaving.enter_async_context(Stack(folder, policy=policy, fsync=False, usual_ports=False))
        world = World(stack)
        leaving.push_async_callback(world.close)
        yield world


@pytest.fixture(scope="session")
async def standard_world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """Real durations: nothing ends while a story is played, however slowly."""
    async for world in _worlds(tmp_path_factory, "standard"):
        yield world


@pytest.fixture(scope="session")
async def short_world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A day takes a second: stories of deadlines."""
    async for world in _worlds(tmp_path_factory, "short"):
        yield world


@pytest.fixture(scope="session")
def world(standard_world: World) -> World:
    """The world of most stories; a module about deadlines has a fixture of the same name for the short one."""
    return standard_world
