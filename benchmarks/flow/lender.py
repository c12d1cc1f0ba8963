"""A lender's worker as it is, with a mail catcher beside it, and applicants who call it as the gateway does."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from temporalio.client import Client, WorkflowHandle

from adapters.keys.port import CustomerRef
from adapters.letters.writing import party_subject
from adapters.products.reading import shipped
from benchmarks.flow.stage import Stage
from benchmarks.flow.temporal import OpenServer, Server, until_polled
from benchmarks.load import Stopwatch
from domain.actors import Actor, ActorKind, Channel
from domain.ids import CommandId, application_workflow_id
from domain.lending.clocks import LendingPolicy
from domain.lending.parts import PartyRole, SignatureWay
from domain.lending.stages import Stage as Where
from domain.personal import PersonalData
from workers.composition import Parts, parts
from workers.process import Child, answers, python
from workers.stack.ports import LOOPBACK
from workflows import options
from workflows.application import ApplicationWorkflow
from workflows.application_messages import (
    Act,
    AnswerOffer,
    ApplicationCommand,
    ApplicationStart,
    DecideDocument,
    DocumentReceived,
    NewParty,
    Sign,
    Submit,
    SubmitStep,
)

PRODUCT = shipped()["personal-loan"]
ANSWERS: dict[str, dict[str, Any]] = {
    "applicant": {},
    "amount": {"amount": 1_000_000, "term_months": 36, "purpose": "car"},
    "income": {"monthly_income": 600_000},
    "obligations": {"monthly_obligations": 40_000},
    "consents": {"credit_report": True, "electronic": True},
}
PAID_OUT = 990_000
WEB = Actor(kind=ActorKind.CHANNEL, id="web", channel=Channel.WEB)
BRANCH = Actor(kind=ActorKind.CHANNEL, id="branch", channel=Channel.BRANCH)
OFFICE = Actor(kind=ActorKind.OPS, id="ada", channel=Channel.OPS)
LOOKING = 0.02
"""Seconds between two looks at the record, of an applicant who waits for an answer."""


@dataclass
class Lender:
    client: Client
    made: Parts
    server: Server
    worker: Child
    mail: Child

    async def prepare(self, count: int) -> list[str]:
        """The applicants are in the vault, under keys of their own, as the gateway puts them there."""
        ids = [secrets.token_hex(12) for _ in range(count)]
        for name in ids:
            now = datetime.now(UTC)
            key = await self.made.keys.key_for_customer(CustomerRef(f"P-{name}-GOOD"), now)
            await self.made.keys.bind(application_workflow_id(name), key.id)
            person = PersonalData(name="Pat Example", email=f"{name}@example.org")
            await self.made.vault.put(party_subject(name, "p1"), key.id, person, now)
        return ids

    async def carry(self, name: str, starting: Stopwatch, stepping: Stopwatch) -> None:
        """One loan from its first answer until the money is with the applicant and every letter is proven."""
        handle = await starting.time(self._start(name))
        for step, data in ANSWERS.items():
            given = SubmitStep(**_by(WEB), step=step, data=data, digest=step)
            await stepping.time(self._act(handle, given))
        await self._act(handle, Submit(**_by(WEB)))
        came = DocumentReceived(**_by(WEB), doc="d1", sha256="a" * 64, media_type="application/pdf", size=1)
        await self._act(handle, came)
        await self._act(handle, DecideDocument(**_by(OFFICE), doc="d1", decision="accept"))
        await self._comes_to(name, Where.OFFERED)
        await self._act(handle, AnswerOffer(**_by(WEB), accept=True))
        await self._comes_to(name, Where.SIGNING)
        await self._act(handle, Sign(**_by(BRANCH), party="p1", way=SignatureWay.WET))
        await handle.result()

    async def _start(self, name: str) -> WorkflowHandle[Any, Any]:
        applicant = NewParty(party="p1", ref=f"P-{name}-GOOD", role=PartyRole.APPLICANT, digest="0" * 64)
        start = ApplicationStart(
            application_id=name,
            product=PRODUCT,
            policy=LendingPolicy(),
            channel=Channel.WEB,
            locale="en",
            applicant=applicant,
            actor=WEB,
            created_by="web",
        )
        return await self.client.start_workflow(
            ApplicationWorkflow.run,
            start,
            id=application_workflow_id(name),
            task_queue=options.APPLICATIONS,
            task_timeout=options.TASK_TIMEOUT,
        )

    async def _act(self, handle: WorkflowHandle[Any, Any], command: ApplicationCommand) -> None:
        await handle.execute_update(ApplicationWorkflow.act, Act(command=command), id=command.command_id)

    async def _comes_to(self, name: str, stage: Where) -> None:
        while True:
            found = await self.made.applications.application(name)
            if found is not None and found.view.stage == stage:
                return
            await asyncio.sleep(LOOKING)

    def processes(self) -> Mapping[str, Sequence[int]]:
        children = {"worker": self.worker, "mail catcher": self.mail}
        running = {name: [child.pid] for name, child in children.items() if child.pid}
        return {**running, "server": self.server.pids}

    def databases(self) -> Mapping[str, str]:
        return self.server.databases


def _by(actor: Actor) -> dict[str, Any]:
    return {"command_id": CommandId(secrets.token_hex(12)), "actor": actor}


@asynccontextmanager
async def lender(stage: Stage, open_server: OpenServer) -> AsyncIterator[Lender]:
    smtp, http = stage.port(), stage.port()
    mail = stage.child(
        "mail catcher",
        python(
            "adapters.simulators.mail",
            *("--smtp-port", smtp),
            *("--http-port", http),
            *("--data", stage.folder / "mails.jsonl"),
        ),
        ready=answers(f"http://{LOOPBACK}:{http}/messages"),
    )
    async with open_server(stage) as server:
        pools = (options.APPLICATIONS, options.LENDING)
        settings = stage.settings(server.address, pools=pools, smtp_host=LOOPBACK, smtp_port=smtp)
        worker = stage.child("lender's worker", python("workers.worker"), environment=settings.environment())
        async with parts(settings, "throughline-bench") as made:
            try:
                await mail.start()
                await worker.start()
                client = await made.connect()
                await until_polled(client, options.APPLICATIONS)
                yield Lender(client, made, server, worker, mail)
            finally:
                await worker.stop()
                await mail.stop()
