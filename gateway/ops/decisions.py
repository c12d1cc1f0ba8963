"""Decisions that were made about what waited for a person: the timeline has each under its command's id."""

from domain.ids import CommandId, OrderId
from domain.timeline import Event
from gateway.services import Services

MOST_EVENTS = 10_000


def order_of(intervention_id: str) -> OrderId:
    """A question's id is its order's, and what tells it from the order's other ones."""
    return OrderId(intervention_id.rpartition("-")[0])


async def was_made(services: Services, order_id: OrderId, command_id: CommandId) -> bool:
    """This very command has decided a question of the order."""
    async with services.transactions.begin() as books:
        events = await books.records.timeline(order_id, after=0, limit=MOST_EVENTS)
    return any(
        stored.entry.event is Event.INTERVENTION_MADE and stored.entry.data.model_dump().get("command_id") == command_id
        for stored in events
    )
