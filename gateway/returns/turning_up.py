"""Goods of a claim that turn up once it is over: they are stocked, and no money goes back a second time."""

from adapters.inventory.port import StockMovement
from adapters.returns.port import ReturnChange
from domain.ids import OperationKey
from domain.refusals import Refusal, RefusalKind, Refused
from domain.returns.returned import ReturnView
from domain.returns.words import ReturnDisposition
from domain.stock import MovementKind
from domain.timeline import Event, Fact, TimelineEntry
from gateway.services import Services
from workflows.return_messages import ReceiveReturn


async def take_in_late(services: Services, view: ReturnView, command: ReceiveReturn) -> ReturnView:
    """In one transaction. Raises `Refused` for what was not paid back as missing or to be kept."""
    async with services.transactions.begin() as books:
        order = await books.records.order(view.order_id)
        needs = {line.line_id: line.needs for line in order.lines} if order else {}
        lines = {line.line_id: line for line in view.lines}
        for number, units in enumerate(command.lines, start=1):
            line = lines.get(units.line_id) if units.line_id else None
            if line is None or not line.decision.keeps_item or units.quantity > line.accepted - line.turned_up:
                detail = f"This return is {view.status} and over. Ask for another one for what came now."
                raise Refused(Refusal(kind=RefusalKind.NOT_ALLOWED_NOW, detail=detail))
            lines[line.line_id] = line.model_copy(update={"turned_up": line.turned_up + units.quantity})
            if units.disposition is not ReturnDisposition.RESTOCK:
                continue
            for sku, pieces in needs.get(line.line_id, {}).items():
                await books.inventory.move(
                    StockMovement(
                        key=OperationKey(f"turned-up:{command.command_id}:{number}:{sku}"),
                        at=services.now(),
                        kind=MovementKind.RETURNED,
                        sku=sku,
                        location_id=command.store_id,
                        quantity=pieces * units.quantity,
                        reason="turned up",
                        order_id=view.order_id,
                    )
                )
        after = view.model_copy(update={"version": view.version + 1, "lines": list(lines.values())})
        await books.returns.lock_order(view.order_id)
        written = await books.returns.write(
            ReturnChange(
                return_id=view.return_id,
                order_id=view.order_id,
                sequence=after.version,
                at=services.now(),
                view=after,
                claimed={
                    line.line_id: line.quantity - line.refused - line.closed - line.declined for line in after.lines
                },
                accepted={line.line_id: line.accepted for line in after.lines},
                refunded=after.refunded,
            )
        )
        if not written:
            raise Refused(Refusal(kind=RefusalKind.STALE_VERSION, detail="Somebody was faster. Look again."))
        await books.records.append(
            view.order_id,
            TimelineEntry(
                at=services.now(),
                event=Event.RETURN_TURNED_UP,
                actor=command.actor,
                data=Fact(
                    return_id=view.return_id,
                    lines={each.line_id: each.quantity for each in command.lines},
                    store=command.store_id,
                ),
            ),
        )
    return after
