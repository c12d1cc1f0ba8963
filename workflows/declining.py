"""What a place declined as not in stock it does not have for other orders either: those are told too."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.declining import DecliningSteps, Missing
    from domain.ids import operation_key
    from domain.personal import Readable
    from domain.shipments import ShipmentGroup
    from workflows import options
    from workflows.desk import Desk


class DecliningProcess:
    """Tells the place's other orders. The order itself does not end before that."""

    def __init__(self, desk: Desk, group: ShipmentGroup):
        self.desk = desk
        self.group = group

    async def run(self) -> None:
        group = self.group
        while True:
            await workflow.wait_condition(lambda: bool(group.missing))
            skus, version = list(group.missing), self.desk.order.version
            await workflow.execute_activity_method(
                DecliningSteps.decline_elsewhere,
                Missing(
                    key=operation_key(group.order_id, "decline", group.n, version),
                    order_id=group.order_id,
                    store_id=group.store_id,
                    skus=skus,
                    at=workflow.now(),
                ),
                summary=Readable(f"Decline in other orders of {group.store_id}"),
                **options.HOUSEKEEPING,
            )
            group.missing = [sku for sku in group.missing if sku not in skus]
            self.desk.cashier.wake()
