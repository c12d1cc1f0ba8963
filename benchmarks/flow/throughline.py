"""Throughline itself: its worker as a process, called as its gateway calls it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from temporalio.client import Client, WorkflowHandle

from adapters.keys.port import CustomerRef
from benchmarks.flow.orders import CUSTOMER
from benchmarks.flow.party import OpenParty, Party
from benchmarks.flow.stage import Stage
from benchmarks.flow.steps import Command
from benchmarks.flow.temporal import OpenServer, Server, until_polled
from domain.actors import Actor, ActorKind, Channel
from domain.ids import CommandId, StoreId, order_workflow_id
from domain.terms import OrderTerms
from gateway.starting import start_order
from workers.composition import Parts, parts
from workers.process import Child, python
from workflows import messages
from workflows.messages import GroupAnswer
from workflows.options import ORDERS

WORKERS = 1
"""Worker processes. On two cores a second one only takes time from the servers."""


@dataclass
class Throughline:
    client: Client
    made: Parts
    server: Server
    workers: list[Child]
    calls_itself = False

    async def prepare(self, orders: Sequence[OrderTerms]) -> None:
        """Bind each order to its customer's key, as the gateway does when it promises an order."""
        key = await self.made.keys.key_for_customer(CustomerRef(CUSTOMER), datetime.now(UTC))
        for terms in orders:
            await self.made.keys.bind(order_workflow_id(terms.order_id), key.id)

    async def place(self, terms: OrderTerms) -> None:
        placed = await start_order(self.client, terms)
        if placed.refusal is not None:
            raise RuntimeError(f"the order was refused: {placed.refusal.detail}")

    async def tell(self, terms: OrderTerms, command: Command) -> None:
        store = self.from_store(terms, command.value)
        lines = {line.line_id: line.quantity for line in terms.lines}
        match command:
            case Command.ACCEPT:
                await self.send(terms, "accept", messages.Accept(**store))
            case Command.PICK:
                await self.send(terms, "pick", messages.Pick(**store, lines=lines))
            case Command.READY:
                await self.send(terms, "ready", messages.MakeReady(**store, location="A1"))

    async def hand_over(self, terms: OrderTerms) -> None:
        await self.send(terms, "hand_over", messages.GiveOut(**self.from_store(terms, "hand-over"), code_serials=[1]))

    async def collect(self, terms: OrderTerms) -> None:
        """After the store's commands: the hand-over. Without them: all at once."""
        await self.send(terms, "collect", messages.GiveOut(**self.from_store(terms, "collect"), code_serials=[1]))

    async def send(self, terms: OrderTerms, update: str, command: messages.Command) -> GroupAnswer:
        """Any command, as the gateway sends it."""
        handle = self.order(terms)
        return await handle.execute_update(update, command, id=command.command_id, result_type=GroupAnswer)

    def order(self, terms: OrderTerms) -> WorkflowHandle[Any, Any]:
        return self.client.get_workflow_handle(order_workflow_id(terms.order_id))

    def from_store(self, terms: OrderTerms, name: str, n: int = 1, store: StoreId | None = None) -> dict[str, Any]:
        """What every command of a store says. `store`: who has group `n`, if not the one that the order names."""
        place = store or terms.pickups[0].store_id
        actor = Actor(kind=ActorKind.STORE, id="store", channel=Channel.STORE, place=place)
        return {"command_id": CommandId(f"{name}-{terms.order_id}"), "actor": actor, "n": n}

    def processes(self) -> Mapping[str, Sequence[int]]:
        return {"worker": [child.pid for child in self.workers if child.pid], "server": self.server.pids}

    def databases(self) -> Mapping[str, str]:
        return self.server.databases


def throughline(
    open_server: OpenServer, workers: int = WORKERS, *, restarted: bool = True, **settings_of_ours: Any
) -> OpenParty:
    """`restarted`: a worker that dies is started again, as a supervisor does."""

    @asynccontextmanager
    async def opened(stage: Stage) -> AsyncIterator[Party]:
        async with open_server(stage) as server:
            settings = stage.settings(server.address, **settings_of_ours)
            children = [
                stage.child(
                    f"throughline worker {number}",
                    python("benchmarks.flow.our_worker"),
                    environment=settings.environment(),
                    **({} if restarted else {"restarts": None}),
                )
                for number in range(1, workers + 1)
            ]
            async with parts(settings, "throughline-bench") as made:
                try:
                    for child in children:
                        await child.start()
                    client = await made.connect()
                    await until_polled(client, ORDERS, workers)
                    yield Throughline(client, made, server, children)
                finally:
                    for child in children:
                        await child.stop()

    return opened
