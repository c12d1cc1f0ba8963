"""A step that inventory may refuse: what the shipments and the book were before it, to be so again."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.faults import OUT_OF_STOCK
    from workflows.desk import Desk, process_of
    from workflows.refusing import StepFailed, failure_type


class Try:
    """Made before the step; `record` tells whether it was done. Nothing is left of one that was refused."""

    def __init__(self, desk: Desk):
        self.desk = desk
        self.earlier = desk.book.collected()
        self.groups = list(desk.order.groups)
        self.shipments = {group.n: group.model_copy(deep=True) for group in desk.order.shipments}

    async def record(self) -> bool:
        """Commit the step. False, with everything as it was, when the stock is gone."""
        try:
            await self.desk.book.record()
        except StepFailed as error:
            if failure_type(error) != OUT_OF_STOCK:
                raise
            self.undo()
            # What was collected before it went with it.
            self.desk.book.collect_again(self.earlier)
            return False
        return True

    def undo(self) -> None:
        """The shipments as they were; capacity that was taken for the step is given back later."""
        groups = self.desk.order.groups
        held = {group.capacity_key for group in self.shipments.values()}
        self.desk.order.spare_capacity += [
            group.capacity_key
            for group in self.desk.order.shipments
            if group.capacity_key is not None and group.capacity_key not in held
        ]
        for group in groups:
            if all(group is not known for known in self.groups):
                # The next one gets the same number, and a process of its own.
                self.desk.crew.dismiss(process_of(group))
                self.desk.crew.dismiss(f"partner {group.n}")
        groups[:] = self.groups
        for group in self.desk.order.shipments:
            before = self.shipments[group.n]
            for field in type(group).model_fields:
                # A parcel has a process that knows it by itself.
                if field != "parcels":
                    setattr(group, field, getattr(before, field))
