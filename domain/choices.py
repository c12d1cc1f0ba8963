"""What a customer may choose for units that their store cannot give out, in the order in which it is told."""

from enum import StrEnum
from typing import TYPE_CHECKING

from domain.change_policy import EditKind, Until
from domain.groups import WaitsFor
from domain.intake import TenderType
from domain.pickups import PickupGroup

if TYPE_CHECKING:
    from domain.order import Order


class ChoiceOption(StrEnum):
    """The customer's answer after a rejection."""

    OTHER_STORE = "other_store"
    SHIP = "ship"
    WAIT = "wait"
    SUBSTITUTE = "substitute"
    """What the store has instead of it."""
    CANCEL = "cancel"


def choices_of(order: "Order", group: PickupGroup) -> list[ChoiceOption]:
    """Of a pickup that waits for its customer, for stock, or for supply; whoever waits already is not asked to wait."""
    if group.supply is not None:
        return [ChoiceOption.WAIT, ChoiceOption.CANCEL]
    choices = [ChoiceOption.SUBSTITUTE] if group.proposal is not None else []
    choices.append(ChoiceOption.OTHER_STORE)
    if _may_be_sent(order, group):
        choices.append(ChoiceOption.SHIP)
    if group.waits_for is not WaitsFor.STOCK:
        choices.append(ChoiceOption.WAIT)
    return [*choices, ChoiceOption.CANCEL]


def _may_be_sent(order: "Order", group: PickupGroup) -> bool:
    """It would be a change of its way: where the seller offers that, and what is sent is not paid in the store."""
    offered = order.terms.policy.changes.until_of(EditKind.METHOD) is not Until.NEVER
    at_till = any(each.type is TenderType.PAY_IN_STORE and each.expected for each in order.tenders)
    return offered and not at_till and not group.in_transit and order.change is None
