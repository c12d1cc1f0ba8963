"""A workflow as one writes it first: one ordinary activity a step, default options.

`python -m benchmarks.flow.plain_worker <server> <database> <payments>`
"""

import asyncio
import os
import signal
import sys
from datetime import timedelta

import uvloop
from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from benchmarks.flow.steps import Command, Steps, steps
from domain.payments import AuthorisationId
from domain.terms import OrderTerms

QUEUE = "plain-orders"
PATIENCE = timedelta(seconds=10)


class PlainSteps:
    def __init__(self, steps: Steps) -> None:
        self.steps = steps

    @activity.defn
    async def reserve(self, terms: OrderTerms) -> None:
        await self.steps.reserve(terms)

    @activity.defn
    async def authorise(self, terms: OrderTerms) -> AuthorisationId:
        return await self.steps.authorise(terms)

    @activity.defn
    async def record_placed(self, terms: OrderTerms) -> None:
        await self.steps.record_placed(terms)

    @activity.defn
    async def record_command(self, terms: OrderTerms, command: Command) -> None:
        await self.steps.record_command(terms, command)

    @activity.defn
    async def capture(self, terms: OrderTerms, authorisation: AuthorisationId) -> None:
        await self.steps.capture(terms, authorisation)

    @activity.defn
    async def consume(self, terms: OrderTerms) -> None:
        await self.steps.consume(terms)

    @activity.defn
    async def record_collected(self, terms: OrderTerms) -> None:
        await self.steps.record_collected(terms)


@workflow.defn
class PlainOrder:
    def __init__(self) -> None:
        self.authorisation: AuthorisationId | None = None
        self.placed = False
        self.collected = False

    @workflow.run
    async def run(self, terms: OrderTerms) -> None:
        self.terms = terms
        await workflow.execute_activity_method(PlainSteps.reserve, terms, start_to_close_timeout=PATIENCE)
        self.authorisation = await workflow.execute_activity_method(
            PlainSteps.authorise, terms, start_to_close_timeout=PATIENCE
        )
        await workflow.execute_activity_method(PlainSteps.record_placed, terms, start_to_close_timeout=PATIENCE)
        self.placed = True
        await workflow.wait_condition(lambda: self.collected and workflow.all_handlers_finished())

    @workflow.update
    async def place(self) -> None:
        await workflow.wait_condition(lambda: self.placed)

    @workflow.update
    async def tell(self, command: Command) -> None:
        await workflow.wait_condition(lambda: self.placed)
        await workflow.execute_activity_method(
            PlainSteps.record_command, args=[self.terms, command], start_to_close_timeout=PATIENCE
        )

    @workflow.update
    async def collect(self) -> None:
        await workflow.wait_condition(lambda: self.placed)
        await workflow.execute_activity_method(
            PlainSteps.capture, args=[self.terms, self.authorisation], start_to_close_timeout=PATIENCE
        )
        await workflow.execute_activity_method(PlainSteps.consume, self.terms, start_to_close_timeout=PATIENCE)
        await workflow.execute_activity_method(PlainSteps.record_collected, self.terms, start_to_close_timeout=PATIENCE)
        self.collected = True


async def serve(address: str, database_url: str, payments_url: str) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    client = await Client.connect(address, data_converter=pydantic_data_converter)
    async with steps(database_url, payments_url) as made:
        plain = PlainSteps(made)
        worker = Worker(
            client,
            task_queue=QUEUE,
            workflows=[PlainOrder],
            activities=[
                plain.reserve,
                plain.authorise,
                plain.record_placed,
                plain.record_command,
                plain.capture,
                plain.consume,
                plain.record_collected,
            ],
            # As ours in production: what is compared is the shape of the work, not the sandbox.
            workflow_runner=UnsandboxedWorkflowRunner(),
        )
        async with worker:
            await stop.wait()


if __name__ == "__main__":
    uvloop.run(serve(*sys.argv[1:4]))
    os._exit(0)  # the SDK's threads may abort the interpreter on its way out
