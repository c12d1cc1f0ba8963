"""A loan that pays orders: where its money goes, and telling its orders that it is there."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from temporalio import activity
from temporalio.service import RPCError, RPCStatusCode

from domain.ids import OrderId, order_workflow_id
from domain.lending.financing import DisbursementPlan

PATIENCE = timedelta(seconds=5)

Plan = Callable[[str, DisbursementPlan], Awaitable[DisbursementPlan]]
"""What an application's money is for: what is wanted, unless another word was first."""
OrdersOf = Callable[[str], Awaitable[list[tuple[str, str]]]]
"""The orders that a loan pays, each with its authorisation."""


class FinancingSteps:
    def __init__(self, plan: Plan, orders_of: OrdersOf):
        self.plan = plan
        self.orders_of = orders_of

    @activity.defn
    async def plan_disbursement(self, application_id: str) -> DisbursementPlan:
        """A payout, unless an order has asked for the money before."""
        return await self.plan(application_id, DisbursementPlan.PAYOUT)

    @activity.defn
    async def tell_orders_paid(self, application_id: str) -> None:
        """`OrderWorkflow.payment_event`, by its name: steps know no workflows. Who has ended hears nothing."""
        for order_id, authorisation in await self.orders_of(application_id):
            order = activity.client().get_workflow_handle(order_workflow_id(OrderId(order_id)))
            event = {
                "event_id": f"loan-{authorisation}",
                "type": "authorisation.succeeded",
                "authorisation_id": authorisation,
            }
            try:
                await order.signal("payment_event", event, rpc_timeout=PATIENCE)
            except RPCError as fault:
                if fault.status is not RPCStatusCode.NOT_FOUND:
                    raise
