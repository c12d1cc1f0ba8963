"""Changes that somebody might make to the order workflow: one that breaks running orders, one that does not."""

from pydantic import ValidationError
from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from workflows.desk import OrderStart
    from workflows.messages import OrderResult
from workflows.order import OrderWorkflow


@workflow.defn(name="OrderWorkflow", failure_exception_types=[ValidationError])
class MoneyBeforeStock(OrderWorkflow):
    """Authorises before it reserves: the same steps in another order."""

    @workflow.init
    def __init__(self, start: OrderStart) -> None:
        super().__init__(start)

    @workflow.run
    async def run(self, start: OrderStart) -> OrderResult:
        await self.desk.cashier.authorise_tenders()
        return await super().run(start)


@workflow.defn(name="OrderWorkflow", failure_exception_types=[ValidationError])
class PatchedMoneyBeforeStock(OrderWorkflow):
    """The same, for orders that begin from now on."""

    @workflow.init
    def __init__(self, start: OrderStart) -> None:
        super().__init__(start)

    @workflow.run
    async def run(self, start: OrderStart) -> OrderResult:
        if workflow.patched("money-before-stock"):
            await self.desk.cashier.authorise_tenders()
        return await super().run(start)
