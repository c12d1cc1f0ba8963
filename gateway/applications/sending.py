"""Commands to an application, and its record as far as a caller may read it."""

from dataclasses import dataclass
from typing import Annotated, TypedDict

from fastapi import Depends
from fastapi.responses import JSONResponse

from adapters.access.port import PrincipalKind
from adapters.applications.port import StoredApplication
from domain.actors import Actor
from domain.ids import CommandId, application_workflow_id
from domain.lending.application_view import ApplicationView, PublicApplicationView, public
from domain.lending.products import ProductDefinition
from domain.refusals import Refusal, RefusalKind, Refused
from gateway.answering import pending, problem_of
from gateway.applications.bodies import Versioned
from gateway.commands import Ended, StillWorking, update_of
from gateway.idempotency import CurrentCommandId
from gateway.principals import Caller, CurrentCaller
from gateway.problems import not_found, unavailable
from gateway.rights import must_act_as, must_run_operations
from gateway.services import CurrentServices, Services
from workflows.application import ApplicationWorkflow
from workflows.application_messages import Act, ApplicationCommand
from workflows.refusing import in_words

ENGINE = "application engine"
Shown = ApplicationView | PublicApplicationView
CUSTOMER_SIDE = (PrincipalKind.CHANNEL, PrincipalKind.OPS)
STAFF_SIDE = (PrincipalKind.OPS, PrincipalKind.UNDERWRITER, PrincipalKind.CHANNEL)
STAFF = (PrincipalKind.OPS, PrincipalKind.UNDERWRITER)


async def visible_application(services: Services, caller: Caller, application_id: str) -> StoredApplication:
    """The record, if the caller may know of it. Raises 404, with an audit row when it is another's."""
    found = await services.lending.applications.application(application_id)
    if found is None:
        raise not_found()
    staff = caller.principal.kind is PrincipalKind.UNDERWRITER
    if not (staff or caller.sees_all_orders or found.created_by == caller.principal.id):
        raise await caller.hidden("another's application")
    return found


def shown(caller: Caller, stored: StoredApplication) -> Shown:
    """Staff see what they weigh; channels see what the customer may know."""
    return stored.view if caller.principal.kind in STAFF else public(stored.view)


async def product_of(services: Services, view: ApplicationView) -> ProductDefinition:
    """The definition under which the application was started."""
    found = await services.lending.products.version(view.product, view.product_version)
    if found is None:
        raise not_found()
    return found


async def carry_out(
    services: Services, caller: Caller, application_id: str, command: ApplicationCommand
) -> Shown | JSONResponse:
    """Send the command and answer with the application as it is after it; refusals carry the present state."""
    handle = services.temporal.get_workflow_handle(application_workflow_id(application_id))
    try:
        try:
            await update_of(handle, ApplicationWorkflow.act, Act(command=command), command.command_id, ENGINE)
        except Ended:
            raise await _over(services, application_id) from None
    except StillWorking:
        return pending(f"/v1/applications/{application_id}")
    except Refused as refused:
        raise await problem_of(refused, lambda: _current(services, caller, application_id)) from None
    return await _current(services, caller, application_id)


class Heading(TypedDict):
    """What every command on an application begins with."""

    command_id: CommandId
    actor: Actor
    version: int | None


@dataclass(frozen=True)
class ApplicationRequest:
    """A command on an application as it comes in: whose it is, and what it is about."""

    application_id: str
    caller: CurrentCaller
    services: CurrentServices
    command_id: CurrentCommandId

    async def by(self, *kinds: PrincipalKind) -> StoredApplication:
        """The application, for a caller of one of the kinds who may act. Raises 403, or 404 for another's."""
        await must_act_as(self.caller, *kinds)
        return await self.visible()

    async def by_operations(self) -> StoredApplication:
        await must_run_operations(self.caller)
        return await self.visible()

    async def visible(self) -> StoredApplication:
        return await visible_application(self.services, self.caller, self.application_id)

    def heading(self, body: Versioned | None = None) -> Heading:
        return Heading(
            command_id=self.command_id, actor=self.caller.actor, version=body.version if body is not None else None
        )

    async def carry_out(self, command: ApplicationCommand) -> Shown | JSONResponse:
        return await carry_out(self.services, self.caller, self.application_id, command)


CurrentApplicationRequest = Annotated[ApplicationRequest, Depends()]


async def _current(services: Services, caller: Caller, application_id: str) -> Shown:
    stored = await services.lending.applications.application(application_id)
    if stored is None:
        raise not_found()
    return shown(caller, stored)


async def _over(services: Services, application_id: str) -> Exception:
    stored = await services.lending.applications.application(application_id)
    if stored is None or stored.view.outcome is None:
        return unavailable(ENGINE, 2)
    detail = f"This application has ended: {in_words(stored.view.outcome)}."
    return Refused(Refusal(kind=RefusalKind.NOT_ALLOWED_NOW, detail=detail))
