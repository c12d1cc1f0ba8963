"""Until when each side of a shipment must act: the place, the search for one, the carrier, who decides a claim."""

from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict

from domain.intake import Service
from domain.pickup_windows import Duration


class ShippingPolicy(BaseModel):
    """The durations of a shipment, fixed for an order when it is placed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    accept_within: Duration = timedelta(minutes=30)
    """Opening time for the place to answer an offer; then it is reminded."""
    escalation_within: Duration = timedelta(minutes=30)
    """Opening time for an answer after that; then the work goes to another place."""
    ready_within: Duration = timedelta(hours=4)
    """Opening time from the offer until the goods are with the carrier; then the place is reminded."""
    late_within: Duration = timedelta(hours=8)
    """Opening time for the place after that; then the work goes to another place."""
    cut_off: Duration = timedelta(hours=2)
    """An offer that comes this close to closing counts as the next opening day's."""
    ignores_opening_hours: bool = False
    look_again_every: Duration = timedelta(hours=6)
    """How often a place is looked for while units wait for one; stock that arrives is told at once."""
    unfillable_within: Duration = timedelta(days=7)
    """How long a place is looked for; then the units are cancelled."""
    most_hops: int = 5
    """So often units go to another place; then they wait for a person or for stock."""
    answer_within: Duration = timedelta(hours=2)
    """How long a place at work has to say whether it could stop."""
    look_at_partner_every: Duration = timedelta(minutes=15)
    """How often a partner is asked how its work stands."""
    delivery_within: dict[Service, Duration] = {
        Service.ECONOMY: timedelta(days=7),
        Service.STANDARD: timedelta(days=4),
        Service.EXPRESS: timedelta(days=2),
    }
    """From the dispatch until the customer has it, by service."""
    overdue_within: Duration = timedelta(days=10)
    """How long a parcel may be late before it counts as lost, or as delivered when no carrier ever told of it."""
    claim_within: Duration = timedelta(days=3)
    """How long somebody has to decide what becomes of a parcel that went wrong; then it is refunded."""
    longest_claim: Duration = timedelta(days=30)
    """How long a claim may be put off altogether."""

    def delivered_by(self, service: Service, at: datetime) -> datetime:
        """When what leaves at `at` should be there."""
        return at + self.delivery_within[service]


SHORT_SHIPPING = ShippingPolicy(
    accept_within=timedelta(seconds=4),
    escalation_within=timedelta(seconds=2),
    ready_within=timedelta(seconds=6),
    late_within=timedelta(seconds=6),
    cut_off=timedelta(),
    ignores_opening_hours=True,
    look_again_every=timedelta(seconds=4),
    unfillable_within=timedelta(seconds=7),
    answer_within=timedelta(seconds=4),
    look_at_partner_every=timedelta(seconds=1),
    delivery_within={
        Service.ECONOMY: timedelta(seconds=7),
        Service.STANDARD: timedelta(seconds=4),
        Service.EXPRESS: timedelta(seconds=2),
    },
    overdue_within=timedelta(seconds=10),
    claim_within=timedelta(seconds=4),
    longest_claim=timedelta(seconds=30),
)
