"""One application under test, in whatever time its server keeps: commands go in as updates, the record comes out."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from temporalio.client import Client, WorkflowHandle, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.worker import Replayer

from adapters.keys.port import CustomerRef
from adapters.letters.writing import party_subject
from adapters.products.reading import shipped
from domain.actors import Actor, ActorKind, Channel
from domain.ids import CommandId, application_workflow_id
from domain.lending.application import Application
from domain.lending.approvals import Reviewer
from domain.lending.clocks import LendingPolicy
from domain.lending.parts import PartyRole, SignatureWay
from domain.lending.products import ProductDefinition
from domain.personal import PersonalData
from domain.refusals import Refusal
from workers.composition import Parts
from workers.plugin import throughline_plugin
from workflows import options
from workflows.application import ApplicationWorkflow
from workflows.application_messages import (
    Act,
    AddParty,
    AnswerOffer,
    ApplicationCommand,
    ApplicationResult,
    ApplicationStart,
    DecideDocument,
    DocumentReceived,
    NewParty,
    Settle,
    Sign,
    Submit,
    SubmitStep,
)
from workflows.messages import InterventionAction

WEB = Actor(kind=ActorKind.CHANNEL, id="web", channel=Channel.WEB)
BRANCH = Actor(kind=ActorKind.CHANNEL, id="branch", channel=Channel.BRANCH)
PHONE = Actor(kind=ActorKind.CHANNEL, id="call_centre", channel=Channel.CALL_CENTRE)
OFFICE = Actor(kind=ActorKind.UNDERWRITER, id="una", channel=Channel.OPS)
UNA = Reviewer(login="una", person="una", roles=frozenset({"underwriter"}))
BEN = Reviewer(login="ben", person="ben", roles=frozenset({"underwriter"}))
LOAN: dict[str, dict[str, Any]] = {
    "applicant": {},
    "amount": {"amount": 1_000_000, "term_months": 36, "purpose": "car"},
    "income": {"monthly_income": 600_000},
    "obligations": {"monthly_obligations": 40_000},
    "consents": {"credit_report": True, "electronic": True},
}
HOME: dict[str, dict[str, Any]] = {
    **LOAN,
    "amount": {"amount": 20_000_000, "term_months": 360, "purpose": "refinance"},
    "property": {"appraisal": 40_000_000, "occupancy": "principal_dwelling"},
}
PATIENCE = 60.0
_SAID = ("stage", "outcome", "overlays", "missing", "waiting_for", "checks", "interventions")


def once() -> CommandId:
    return CommandId(secrets.token_hex(12))


@dataclass
class Borrower:
    made: Parts
    client: Client
    id: str
    handle: WorkflowHandle[ApplicationWorkflow, ApplicationResult]

    @classmethod
    async def begins(
        cls,
        made: Parts,
        client: Client,
        behaviour: str = "GOOD",
        product: ProductDefinition | str = "personal-loan",
        policy: LendingPolicy | None = None,
        resumed: Application | None = None,
    ) -> "Borrower":
        name = secrets.token_hex(12)
        ref = f"P-{name[:8]}-{behaviour}"
        key = await made.keys.key_for_customer(CustomerRef(ref), datetime.now(UTC))
        await made.keys.bind(application_workflow_id(name), key.id)
        person = PersonalData(name="Pat Example", email=f"{name}@example.org")
        await made.vault.put(party_subject(name, "p1"), key.id, person, datetime.now(UTC))
        start = ApplicationStart(
            application_id=name,
            product=shipped()[product] if isinstance(product, str) else product,
            policy=policy or LendingPolicy(),
            channel=Channel.WEB,
            locale="en",
            applicant=NewParty(party="p1", ref=ref, role=PartyRole.APPLICANT, digest="0" * 64),
            actor=WEB,
            created_by="web",
            resumed=resumed.model_copy(update={"application_id": name}) if resumed else None,
        )
        handle = await client.start_workflow(
            ApplicationWorkflow.run,
            start,
            id=application_workflow_id(name),
            task_queue=options.APPLICATIONS,
        )
        borrower = cls(made, client, name, handle)
        if resumed is None:
            await borrower.comes_to(lambda view: view["stage"] == "draft")
        return borrower

    async def act(self, command: ApplicationCommand) -> None:
        await self.handle.execute_update(ApplicationWorkflow.act, Act(command=command), id=command.command_id)

    async def refused(self, command: ApplicationCommand) -> Refusal:
        with pytest.raises(WorkflowUpdateFailedError) as failed:
            await self.act(command)
        assert isinstance(failed.value.cause, ApplicationError)
        return Refusal.model_validate(failed.value.cause.details[0])

    def step(self, step: str, data: dict[str, Any], by: Actor = WEB, **more: Any) -> SubmitStep:
        digest = str(sorted(data.items()))
        return SubmitStep(command_id=once(), actor=by, step=step, data=data, digest=digest, **more)

    async def answers(self, step: str, data: dict[str, Any], by: Actor = WEB, **more: Any) -> None:
        await self.act(self.step(step, data, by, **more))

    async def submits(self, answers: dict[str, dict[str, Any]] | None = None, *, documents: bool = True) -> None:
        product = (await self.view())["steps"]
        given = answers or LOAN
        for step in product:
            if step["name"] != "co_income":  # what nobody has to say
                await self.answers(step["name"], given[step["name"]])
        await self.act(Submit(command_id=once(), actor=WEB))
        if documents:
            await self.brings_documents()

    async def brings_documents(self) -> None:
        for each in (await self.view())["documents"]:
            if each["state"] not in ("requested", "rejected"):
                continue
            doc = each["doc"]
            came = DocumentReceived(
                command_id=once(), actor=WEB, doc=doc, sha256="a" * 64, media_type="application/pdf", size=1
            )
            await self.act(came)
            await self.act(DecideDocument(command_id=once(), actor=OFFICE, doc=doc, decision="accept"))

    async def accepts(self) -> None:
        await self.stage("offered")
        await self.act(AnswerOffer(command_id=once(), actor=WEB, accept=True))

    async def agrees(self) -> None:
        await self.accepts()
        await self.signs()

    async def joins(self, role: PartyRole = PartyRole.CO_APPLICANT) -> str:
        """Another person; who it is stands in the vault like the applicant."""
        name = f"p{secrets.token_hex(4)}"
        ref = f"P-{name}-GOOD"
        key = await self.made.keys.key_of_workflow(application_workflow_id(self.id))
        assert key is not None
        person = PersonalData(name="Co Example", email=f"{name}@example.org")
        await self.made.vault.put(party_subject(self.id, name), key.id, person, datetime.now(UTC))
        who = NewParty(party=name, ref=ref, role=role, digest="1" * 64)
        await self.act(AddParty(command_id=once(), actor=WEB, joins=who))
        return name

    async def stage(self, stage: str) -> dict[str, Any]:
        return await self.comes_to(lambda view: view["stage"] == stage)

    async def referred(self) -> dict[str, Any]:
        return await self.comes_to(lambda view: "referred" in view["overlays"])

    async def asked(self) -> dict[str, Any]:
        """The question that a person of the office is asked."""
        view = await self.comes_to(lambda view: view["interventions"])
        found: dict[str, Any] = view["interventions"][0]
        return found

    async def settled(self, action: InterventionAction) -> None:
        question = (await self.asked())["intervention_id"]
        given = Settle(command_id=once(), actor=OFFICE, intervention_id=question, action=action, reason="looked at")
        await self.act(given)

    async def signs(self, party: str = "p1", way: SignatureWay = SignatureWay.ELECTRONIC, by: Actor = WEB) -> None:
        await self.stage("signing")
        await self.act(Sign(command_id=once(), actor=by, party=party, way=way))

    async def view(self) -> dict[str, Any]:
        found = await self.made.applications.application(self.id)
        return found.view.model_dump(mode="json") if found else {"stage": None, "outcome": None}

    async def comes_to(self, condition: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
        end = asyncio.get_running_loop().time() + PATIENCE
        while True:
            view = await self.view()
            if condition(view):
                return view
            assert asyncio.get_running_loop().time() < end, {name: view.get(name) for name in _SAID}
            await asyncio.sleep(0.05)

    async def ends(self) -> dict[str, Any]:
        return await self.comes_to(
            lambda view: view["outcome"] and all(each["state"] in ("sent", "dropped") for each in view["notices"])
        )

    async def events(self) -> list[str]:
        return [each.event for each in await self.made.applications.timeline(self.id)]


Begins = Callable[..., Awaitable[Borrower]]


def clock(view: dict[str, Any], name: str) -> dict[str, Any]:
    return [each for each in view["clocks"] if each["name"] == name][-1]


def kinds(view: dict[str, Any]) -> list[str]:
    return [each["kind"] for each in view["notices"]]


async def replays(loan: Borrower) -> None:
    """The history of what was played is what the workflow would do again."""
    replayer = Replayer(workflows=[ApplicationWorkflow], plugins=[throughline_plugin(loan.made.keys, sandbox=True)])
    await loan.handle.result()
    await replayer.replay_workflow(await loan.handle.fetch_history())
