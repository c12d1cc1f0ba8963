"""What a caller waits for at most, however the time is divided between the taking of a command and its outcome."""

import asyncio
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from temporalio.client import WorkflowUpdateRPCTimeoutOrCancelledError

from domain.actors import ENGINE
from domain.ids import CommandId, OrderId
from gateway import commands
from workflows.messages import Accept
from workflows.order import OrderWorkflow


async def test_a_caller_waits_once_for_the_whole_and_not_for_each_half(monkeypatch: pytest.MonkeyPatch) -> None:
    granted: list[timedelta] = []

    class Handle:
        async def start_update(self, *_: Any, rpc_timeout: timedelta, **__: Any) -> Any:
            granted.append(rpc_timeout)
            await asyncio.sleep(0.12)
            return SimpleNamespace(result=self.outcome)

        async def outcome(self, *, rpc_timeout: timedelta) -> None:
            granted.append(rpc_timeout)
            raise WorkflowUpdateRPCTimeoutOrCancelledError

    monkeypatch.setattr(commands, "PATIENCE", timedelta(seconds=1))
    monkeypatch.setattr(commands, "handle_of", lambda *_: Handle())
    command = Accept(command_id=CommandId("c1"), actor=ENGINE, n=1)
    with pytest.raises(commands.StillWorking):
        await commands.update(None, OrderId("o1"), OrderWorkflow.accept, command)  # type: ignore[arg-type]
    whole, rest = granted
    assert whole == timedelta(seconds=1)
    assert rest <= timedelta(seconds=0.9)
    monkeypatch.setattr(commands, "PATIENCE", timedelta(seconds=0.05))
    with pytest.raises(commands.StillWorking):
        await commands.update(None, OrderId("o1"), OrderWorkflow.accept, command)  # type: ignore[arg-type]
    assert granted[-1] == commands.A_LAST_LOOK
