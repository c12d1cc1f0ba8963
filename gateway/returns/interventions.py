"""Money of a return in trouble: what a person is asked about it, and the answer."""

from typing import Any

from adapters.records.port import OpenIntervention
from domain.ids import CommandId, ReturnId
from domain.returns.returned import ReturnView
from gateway.principals import Caller
from gateway.problems import not_found
from gateway.reading import visible_order
from gateway.returns.crediting import check_credit
from gateway.returns.sending import carry_out
from gateway.services import Services
from gateway.showing import order_shown
from workflows import messages
from workflows.messages import InterventionAction
from workflows.returns import ReturnWorkflow

PREFIX = "return-"


def is_of_return(intervention_id: str) -> bool:
    return intervention_id.startswith(PREFIX)


def questions_of(view: ReturnView) -> list[OpenIntervention]:
    return [OpenIntervention(order_id=view.order_id, **question.model_dump()) for question in view.interventions]


async def answer_for_return(
    services: Services,
    caller: Caller,
    intervention_id: str,
    action: InterventionAction,
    reason: str,
    value: str | None,
    command_id: CommandId,
) -> Any:
    return_id = ReturnId(intervention_id.removeprefix(PREFIX).rpartition("-")[0])
    async with services.transactions.begin() as books:
        view = await books.returns.get(return_id)
    if view is None or all(each.intervention_id != intervention_id for each in view.interventions):
        raise not_found()
    order = await visible_order(services, caller, view.order_id)
    await check_credit(services, order, action, value)
    command = messages.Intervene(
        command_id=command_id,
        actor=caller.actor,
        intervention_id=intervention_id,
        action=action,
        reason=reason,
        value=value,
    )
    answer = await carry_out(services, view, ReturnWorkflow.intervene, command)
    if not isinstance(answer, ReturnView):
        return answer
    order = await visible_order(services, caller, view.order_id)
    return {"intervention_id": intervention_id, "order": await order_shown(services, caller, order)}
