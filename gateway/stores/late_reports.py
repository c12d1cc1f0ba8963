"""What is reported after an order's process has ended: a person settles each report, and none is lost."""

from datetime import datetime

from adapters.records.port import OrderChange
from adapters.transaction.port import Transaction
from domain.actors import ENGINE
from domain.ids import OrderId
from domain.refusals import Refusal, RefusalKind, Refused
from domain.timeline import Event, Fact, TimelineEntry
from domain.views import InterventionView, OrderStatus, OrderView
from domain.waits import Wait, WaitKind
from gateway.services import Services
from workflows.messages import GiveOut, Intervene, InterventionAction

FINAL = (OrderStatus.COMPLETED, OrderStatus.CANCELLED)
_MARK = "late"
MOST_EVENTS = 10_000


def is_late_report(intervention_id: str) -> bool:
    """A question about a report that came after the end: no process waits for its answer."""
    return intervention_id.rpartition("-")[2].startswith(_MARK)


def has_ended(order: OrderView) -> bool:
    """Its process is over, also while a person still has to settle what was reported later."""
    questions = order.interventions
    return order.status in FINAL or (
        bool(questions) and all(is_late_report(each.intervention_id) for each in questions)
    )


async def keep(services: Services, order_id: OrderId, command: GiveOut, at: datetime) -> None:
    """Put a report before ops, once, however often it is sent."""
    async with services.transactions.begin() as books:
        await books.records.group(order_id, command.n, locked=True)
        order = await books.records.order(order_id)
        assert order is not None
        reported = {"command": command.kind, "group": command.n, "at": at.isoformat()}
        for stored in await books.records.timeline(order_id, after=0, limit=MOST_EVENTS):
            known = stored.entry.data.model_dump()
            if stored.entry.event is Event.COMMAND_REFUSED and reported.items() <= known.items():
                return
        now = services.now()
        refused = TimelineEntry(
            at=now,
            event=Event.COMMAND_REFUSED,
            actor=command.actor,
            reason="A hand-over in time was reported after the order had ended. A person must settle it.",
            data=Fact.model_validate({**reported, "lines": command.lines or {}, "command_id": command.command_id}),
        )
        step = f"hand-over of pickup {command.n} at {at.isoformat()}, reported after the order had ended"
        error = "the store says that the customer has the goods; stock and money do not know of it"
        await ask(books, order, step, error, refused, now)


async def ask(
    books: Transaction, order: OrderView, step: str, error: str, reported: TimelineEntry, now: datetime
) -> None:
    """Write the report down and put it before ops; the order's lock is held."""
    question = InterventionView(
        intervention_id=f"{order.order_id}-{_MARK}{order.version + 1}",
        step=step,
        error=error,
        since=now,
        choices=[InterventionAction.SKIP.value],
    )
    asked = TimelineEntry(
        at=now,
        event=Event.INTERVENTION_NEEDED,
        actor=ENGINE,
        reason=step,
        data=Fact.model_validate({"intervention_id": question.intervention_id}),
    )
    await _write(books, order, [*order.interventions, question], [reported, asked], now)


async def settle(services: Services, order_id: OrderId, command: Intervene) -> None:
    """A person has settled a report with the customer and the store. Raises `Refused`."""
    async with services.transactions.begin() as books:
        order = await books.records.order(order_id)
        if order is not None and order.groups:
            await books.records.group(order_id, order.groups[0].n, locked=True)
            order = await books.records.order(order_id)
        asked = (
            [each for each in order.interventions if each.intervention_id == command.intervention_id] if order else []
        )
        if order is None or not asked:
            raise _refused(RefusalKind.NOT_FOUND, "Nobody waits for this decision any more.")
        if command.version not in (None, order.version):
            raise _refused(
                RefusalKind.STALE_VERSION,
                f"You saw version {command.version}; it is {order.version} now. Look at it again, then decide.",
            )
        if command.action.value not in asked[0].choices:
            raise _refused(
                RefusalKind.NOT_ALLOWED_NOW,
                f"The order has ended: settle it with customer and store, then {', '.join(asked[0].choices)} with how.",
            )
        made = TimelineEntry(
            at=services.now(),
            event=Event.INTERVENTION_MADE,
            actor=command.actor,
            reason=command.reason,
            data=Fact.model_validate(
                {
                    "intervention_id": command.intervention_id,
                    "action": command.action,
                    "command_id": command.command_id,
                }
            ),
        )
        await _write(books, order, [each for each in order.interventions if each not in asked], [made], made.at)


async def _write(
    books: Transaction,
    order: OrderView,
    questions: list[InterventionView],
    events: list[TimelineEntry],
    at: datetime,
) -> None:
    """The order's next milestone, which its process is not there any more to write."""
    given = any(line.handed_over or line.shipped or line.delivered for line in order.lines)
    final = OrderStatus.COMPLETED if given else OrderStatus.CANCELLED
    head = order.model_copy(
        update={
            "version": order.version + 1,
            "status": OrderStatus.NEEDS_ATTENTION if questions else final,
            "interventions": questions,
            "waiting_for": [
                Wait(
                    id=f"intervention/{each.intervention_id}",
                    kind=WaitKind.INTERVENTION,
                    what=f"a person decides about: {each.step}",
                    who="ops",
                    since=each.since,
                    last_error=each.error,
                )
                for each in questions
            ],
            "lines": [],
            "groups": [],
        }
    )
    await books.records.write(
        OrderChange(
            order_id=order.order_id, sequence=head.version, at=at, head=head, lines=[], groups=[], events=events
        )
    )


def _refused(kind: RefusalKind, detail: str) -> Refused:
    return Refused(Refusal(kind=kind, detail=detail))
