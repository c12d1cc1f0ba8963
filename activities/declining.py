"""A place says that it does not have an article: it declines it in all its other open orders too, each once."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict
from temporalio import activity
from temporalio.service import RPCError, RPCStatusCode

from adapters.transaction.port import Transactions
from domain.actors import ENGINE
from domain.ids import LineId, OperationKey, OrderId, Sku, StoreId, derived_id, order_workflow_id
from domain.stock import RejectReason, StockEffect

PATIENCE = timedelta(seconds=2)

Tell = Callable[[OrderId, dict[str, Any]], Awaitable[None]]
"""Leave a store's command with an order; one that has ended needs none."""


class Missing(BaseModel):
    """Articles that a place has just declined as not in stock, in one order."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: OperationKey
    """The business identity of the refusal: the same commands on every attempt."""
    order_id: OrderId
    store_id: StoreId
    skus: list[Sku]
    at: datetime


async def tell_store_command(order_id: OrderId, command: dict[str, Any]) -> None:
    """`OrderWorkflow.store_command`, by its name: steps know no workflows."""
    order = activity.client().get_workflow_handle(order_workflow_id(order_id))
    try:
        await order.signal("store_command", command, rpc_timeout=PATIENCE)
    except RPCError as fault:
        if fault.status is not RPCStatusCode.NOT_FOUND:
            raise


class DecliningSteps:
    def __init__(self, transactions: Transactions, tell: Tell = tell_store_command):
        self.transactions = transactions
        self.tell = tell

    @activity.defn
    async def decline_elsewhere(self, missing: Missing) -> int:
        """Decline unpicked units of these articles in the place's other orders; in how many groups."""
        lines: dict[tuple[OrderId, int], dict[LineId, int]] = {}
        async with self.transactions.begin() as books:
            for sku in missing.skus:
                for unpicked in await books.records.unpicked_at(sku, missing.store_id):
                    if unpicked.order_id != missing.order_id:
                        group = lines.setdefault((unpicked.order_id, unpicked.n), {})
                        group[unpicked.line_id] = unpicked.quantity
        for (order_id, n), units in lines.items():
            await self.tell(
                order_id,
                {
                    "kind": "reject",
                    "command_id": derived_id(missing.key, order_id, str(n)),
                    "actor": ENGINE.model_dump(mode="json"),
                    "n": n,
                    "lines": units,
                    "reason": RejectReason.NOT_IN_STOCK.value,
                    # The shelf was set to zero by the first refusal, for all of them.
                    "stock_effect": StockEffect.NONE.value,
                    "collateral": True,
                },
            )
        return len(lines)
