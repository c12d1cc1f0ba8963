"""A parcel's label: bought when the parcel leaves, and given back if it does not."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.shipping import NO_LABEL, LabelBought, LabelSteps, LabelWanted
    from domain.actors import ENGINE
    from domain.ids import LineId, OperationKey, operation_key
    from domain.personal import Readable
    from domain.pickups import PickupGroup
    from domain.refusals import RefusalKind
    from domain.shipments import ShipmentGroup
    from domain.timeline import Event
    from workflows import options
    from workflows.desk import Desk
    from workflows.refusing import StepFailed, failure_details, failure_text, failure_type, refuse

UNWEIGHED_GRAMS = 500
"""What a unit counts for when nobody weighed the box."""
HEAVIEST_GRAMS = 1_000_000


class Labels:
    """The labels of one order's shipments."""

    def __init__(self, desk: Desk):
        self.desk = desk

    async def buy(self, group: ShipmentGroup, lines: dict[LineId, int]) -> LabelBought:
        """A label for `lines`. Raises `Refused` when no carrier sells one; the goods stay packed."""
        number = len(group.parcels) + 1
        wanted = LabelWanted(
            # A label that was given back does not come again under its key; one whose answer was lost does.
            key=operation_key(group.order_id, "label", group.n, number, group.labels_tried),
            order_id=group.order_id,
            group_id=group.group_id,
            address_of=group.origin,
            place=group.store_id,
            country=group.destination.country,
            service=group.service,
            weight_grams=_weight(group, lines),
            promised_by=group.promised_at,
            to_place=group.bound_for,
        )
        try:
            bought = await workflow.execute_activity_method(
                LabelSteps.buy_label, wanted, summary=Readable("Buy a label"), **options.LABEL_AT_ONCE
            )
        except StepFailed as error:
            away = failure_type(error) != NO_LABEL
            for key in failure_details(error):
                self.give_back(group, OperationKey(str(key)))
            self.desk.book.event(Event.NO_LABEL, ENGINE, reason=failure_text(error), group=group.n)
            await self.desk.book.record()
            raise refuse(
                RefusalKind.NO_LABEL,
                f"No carrier sold a label ({'no answer in time' if away else failure_text(error)}). It stays packed: "
                "try again, or ship it with a carrier and a tracking number by hand.",
            ) from error
        for key in bought.spare:
            self.give_back(group, key)
        return bought

    def give_back(self, group: ShipmentGroup, key: OperationKey) -> None:
        """Have a purchase undone behind the scenes; the next one is another."""
        group.labels_tried += 1
        if key not in group.spare_labels:
            group.spare_labels.append(key)


class SpareLabelProcess:
    """Labels that nobody uses are given back, however long the carrier is away."""

    def __init__(self, desk: Desk, group: PickupGroup | ShipmentGroup):
        self.desk = desk
        self.group = group

    async def run(self) -> None:
        group = self.group
        while True:
            await workflow.wait_condition(lambda: bool(group.spare_labels))
            key = group.spare_labels[0]
            given_back = await workflow.execute_activity_method(
                LabelSteps.give_back_label, key, summary=Readable("Give an unused label back"), **options.LABEL_PATIENT
            )
            async with self.desk.turn:
                group.spare_labels.remove(key)
                if given_back:
                    self.desk.book.event(Event.LABEL_VOIDED, ENGINE, group=group.n)
                await self.desk.book.record()
            self.desk.cashier.wake()


def _weight(group: ShipmentGroup, lines: dict[LineId, int]) -> int:
    weighed = sum(box.weight_g or 0 for box in group.boxes)
    if weighed and lines == group.packed:
        return min(weighed, HEAVIEST_GRAMS)
    return min(UNWEIGHED_GRAMS * sum(lines.values()), HEAVIEST_GRAMS)
