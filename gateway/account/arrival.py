"""The customer is outside: the store is told, with bay and car."""

from typing import Any

from domain.groups import GroupStatus
from domain.personal import PersonalData
from gateway.account.visit import Form, Outcome, Visit, new_form
from gateway.showing import arrival_subject
from gateway.stores.counter import put
from workflows.messages import Arrive
from workflows.order import OrderWorkflow


async def show(visit: Visit) -> dict[str, Any]:
    group = visit.group
    if group is None or group.status is not GroupStatus.READY:
        return {"open": False}
    return {
        "open": True,
        "store": visit.place,
        "goods": visit.owed(),
        "deadline": visit.when(group.deadline),
        "once_value": new_form(),
    }


async def act(visit: Visit, form: Form) -> Outcome:
    n = visit.link.group or 1
    bay, vehicle = form.get("bay", "").strip()[:64], form.get("vehicle", "").strip()[:100]
    if vehicle:
        order_id = visit.order.order_id
        car = PersonalData(vehicle=vehicle)
        await put(visit.services, order_id, arrival_subject(order_id, n), car, visit.services.now())
    command = Arrive(command_id=visit.command_id(form), actor=visit.actor, n=n, bay=bay or None)
    await visit.send(OrderWorkflow.arrived, command)
    return Outcome(visit.words["arrival"]["done"])
