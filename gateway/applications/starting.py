"""Taking an application in: the person into the vault, the key bound, the workflow started once."""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from temporalio.common import (
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import WorkflowAlreadyStartedError

from adapters.applications.port import StoredApplication
from adapters.keys.port import application_keeper
from adapters.letters.writing import party_subject
from domain.ids import CommandId, application_workflow_id, derived_id
from domain.lending.answers import NOT_YET, address_lines
from domain.lending.parts import PartyRole
from domain.lending.stages import Stage
from domain.personal import PersonalData, Readable
from gateway.applications.bodies import ApplicationBody, PartyBody
from gateway.applications.persons import officer_of
from gateway.commands import StillWorking
from gateway.principals import Caller
from gateway.problems import Problem, invalid
from gateway.services import Services
from workflows import options, visibility
from workflows.application import ApplicationWorkflow
from workflows.application_messages import ApplicationStart, NewParty

PATIENCE = timedelta(seconds=5)
LOOKS, LOOK_SECONDS = 100, 0.05


async def start_application(
    services: Services, caller: Caller, body: ApplicationBody, command_id: CommandId
) -> StoredApplication:
    """The same command starts the same application. Raises `StillWorking` when its record is not there in time."""
    product = await services.lending.products.latest(body.product)
    if product is None:
        raise invalid("/product", "Unknown product")
    if body.party.role is not PartyRole.APPLICANT:
        raise invalid("/party/role", "Who applies is the applicant")
    must_be_born(services, body.party, "/party")
    application_id = derived_id("application", command_id)
    applicant = new_party("p1", body.party)
    await _keep(services, application_id, applicant, body.party)
    policy = await services.lending.policies.in_force(services.now().astimezone(ZoneInfo(product.zone)).date())
    start = ApplicationStart(
        application_id=application_id,
        product=product,
        policy=policy.in_zone(product.zone),
        channel=body.channel,
        locale=body.locale,
        applicant=applicant,
        actor=caller.actor,
        created_by=caller.principal.id,
        person=officer_of(caller.principal, caller.actor),
    )
    with contextlib.suppress(WorkflowAlreadyStartedError):
        await services.temporal.start_workflow(
            ApplicationWorkflow.run,
            start,
            id=application_workflow_id(application_id),
            task_queue=options.APPLICATIONS,
            task_timeout=options.TASK_TIMEOUT,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            search_attributes=TypedSearchAttributes(
                [
                    SearchAttributePair(visibility.APPLICATION_STAGE, Stage.DRAFT.value),
                    SearchAttributePair(visibility.APPLICATION_PRODUCT, product.product),
                    SearchAttributePair(visibility.CHANNEL, body.channel.value),
                ]
            ),
            static_summary=Readable(f"{product.title} {application_id}, from {body.channel}"),
            rpc_timeout=PATIENCE,
        )
    return await _recorded(services, application_id)


def must_be_born(services: Services, body: PartyBody, pointer: str = "") -> None:
    """Raises 422 for a day of birth that is still to come."""
    if body.birth_date is not None and date.fromisoformat(body.birth_date) > services.now().date():
        raise invalid(f"{pointer}/birth_date", NOT_YET)


def new_party(name: str, body: PartyBody) -> NewParty:
    content = body.model_dump_json()
    return NewParty(party=name, ref=body.ref, role=body.role, digest=hashlib.sha256(content.encode()).hexdigest())


def personal(body: PartyBody) -> PersonalData:
    address = body.address.model_dump(mode="json") if body.address else None
    return PersonalData(
        name=body.name,
        email=body.email,
        phone=body.phone,
        birth_date=body.birth_date,
        address=address_lines(address) if address else (),
        postal_code=address.get("postal_code") if address else None,
    )


async def keep_party(services: Services, application_id: str, name: str, person: PersonalData) -> None:
    """Put a party of a running application into the vault, under the application's key."""
    key = await services.keys.key_of_workflow(application_workflow_id(application_id))
    assert key is not None
    await services.vault.put(party_subject(application_id, name), key.id, person, services.now())


@asynccontextmanager
async def said(
    services: Services, application_id: str, party: str, person: PersonalData, *, before: PersonalData
) -> AsyncIterator[None]:
    """Have the vault hold what is said of a party while the application is told; what it refuses is not kept.

    `before`: what the vault held. What another request has said meanwhile stays.
    """
    await keep_party(services, application_id, party, person)
    try:
        yield
    except Problem as refused:
        taken_maybe = refused.status >= 500
        if not taken_maybe and await services.vault.get(party_subject(application_id, party)) == person:
            await keep_party(services, application_id, party, before)
        raise


async def _keep(services: Services, application_id: str, party: NewParty, body: PartyBody) -> None:
    now = services.now()
    async with services.transactions.begin() as books:
        key = await services.keys.key_for_customer(application_keeper(application_id), now, books.connection)
        await services.keys.bind(application_workflow_id(application_id), key.id, books.connection)
        subject = party_subject(application_id, party.party)
        await services.vault.put(subject, key.id, personal(body), now, books.connection)


async def _recorded(services: Services, application_id: str) -> StoredApplication:
    for _ in range(LOOKS):
        found = await services.lending.applications.application(application_id)
        if found is not None:
            return found
        await asyncio.sleep(LOOK_SECONDS)
    raise StillWorking(application_id)
