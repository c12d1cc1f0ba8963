"""More time to collect: a day up to the last one, each to the store's closing."""

from datetime import datetime, timedelta
from typing import Any

from domain.groups import GroupStatus
from domain.store_hours import closing_on_or_after
from domain.views import GroupView
from gateway.account.visit import Form, Outcome, Visit, new_form
from workflows.messages import ExtendWindow
from workflows.order import OrderWorkflow

MOST_DAYS = 60


async def show(visit: Visit) -> dict[str, Any]:
    group = visit.group
    if group is None or group.status is not GroupStatus.READY or group.deadline is None:
        return {"open": False}
    days = [{"value": at.isoformat(), "shown": visit.when(at)} for at in _ends(visit, group)]
    return {
        "open": True,
        "store": visit.place,
        "goods": visit.owed(),
        "deadline": visit.when(group.deadline),
        "days": days,
        "once_value": new_form(),
    }


async def act(visit: Visit, form: Form) -> Outcome:
    until = datetime.fromisoformat(form["until"])
    if until.tzinfo is None:
        raise ValueError("a time without its offset")
    n = visit.link.group or 1
    command = ExtendWindow(command_id=visit.command_id(form), actor=visit.actor, n=n, until=until)
    answer = await visit.send(OrderWorkflow.extend, command)
    return Outcome(visit.words["extension"]["done"].format(when=visit.when(answer.group.deadline)))


def _ends(visit: Visit, group: GroupView) -> list[datetime]:
    """The store's closings after the present deadline, up to the last possible moment."""
    deadline, latest = group.deadline, group.latest_deadline
    if deadline is None or latest is None or latest <= deadline:
        return []
    ends: list[datetime] = []
    at = deadline + timedelta(seconds=1)
    while visit.place is not None and len(ends) < MOST_DAYS:
        closing = closing_on_or_after(visit.place.hours, at)
        if closing is None or closing > latest:
            break
        ends.append(closing)
        at = closing + timedelta(seconds=1)
    return ends or [latest]
