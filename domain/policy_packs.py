"""Packs of durations under which orders run: the real ones, and short ones in which a day takes a second."""

from datetime import timedelta

from pydantic import BaseModel, ConfigDict

from domain.change_policy import ChangePolicy
from domain.pickup_windows import Duration, PickupPolicy
from domain.shipping_times import SHORT_SHIPPING, ShippingPolicy


class PolicyPack(BaseModel):
    """All durations of one way to run; `name` and `version` are kept with each order."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    version: int
    pickup: PickupPolicy
    shipping: ShippingPolicy = ShippingPolicy()
    changes: ChangePolicy = ChangePolicy()
    authorisation_lifetime: Duration
    """What the payment simulator grants; the engine itself goes by the provider's answer."""
    renew_authorisation_before: Duration
    """How long before its end an authorisation is renewed."""
    return_window: Duration
    wait_for_stock: Duration
    """How long units wait for stock when the customer chose to wait."""
    wait_for_supply: Duration = timedelta(days=30)
    """How long after the expected date (or the order, when none is known) what is sold beyond stock is cancelled."""
    authorise_before_supply: Duration = timedelta(days=3)
    """How long before the expected date an order of which nothing is in stock has its money authorised."""
    wrong_code_tries: int = 5
    """So many wrong codes lock the group until a manager unlocks it."""
    proof_above: int | None = None
    """Hand-overs worth more minor units than this need a sighted ID or a signature beside the code."""
    no_show_fee: int = 0
    """Kept, in minor units, when nobody collects; never more than the units are worth."""
    day: Duration
    """How long one calendar day of a clock takes."""

    @property
    def change_window(self) -> timedelta:
        """How long after placement no store sees an order, so that it may be changed freely; zero: not at all."""
        return self.pickup.remorse


STANDARD = PolicyPack(
    name="standard",
    version=1,
    pickup=PickupPolicy(
        accept_within=timedelta(minutes=30),
        escalation_within=timedelta(minutes=30),
        ready_within=timedelta(hours=2),
        late_within=timedelta(hours=4),
        cut_off=timedelta(hours=1),
        book_ahead=timedelta(days=30),
        window=timedelta(days=7),
        reminders_after_ready=(timedelta(days=2),),
        reminders_before_deadline=(timedelta(days=3),),
        expiring_notice=timedelta(days=1),
        max_extension=timedelta(days=7),
        curbside_sla=timedelta(minutes=5),
        choice_within=timedelta(days=2),
        pay_in_store_hold=timedelta(days=1),
        payment_within=timedelta(minutes=30),
        approval_within=timedelta(days=1),
        fraud_within=timedelta(days=1),
        hold_within=timedelta(days=3),
        remorse=timedelta(),
    ),
    authorisation_lifetime=timedelta(days=7),
    renew_authorisation_before=timedelta(hours=12),
    return_window=timedelta(days=30),
    wait_for_stock=timedelta(days=14),
    proof_above=50_000,
    day=timedelta(days=1),
)

SHORT = PolicyPack(
    name="short",
    version=1,
    pickup=PickupPolicy(
        accept_within=timedelta(seconds=4),
        escalation_within=timedelta(seconds=2),
        ready_within=timedelta(seconds=4),
        late_within=timedelta(seconds=6),
        cut_off=timedelta(),
        book_ahead=timedelta(days=30),
        window=timedelta(seconds=8),
        reminders_after_ready=(timedelta(seconds=3),),
        reminders_before_deadline=(),
        expiring_notice=timedelta(seconds=2),
        max_extension=timedelta(seconds=30),
        curbside_sla=timedelta(seconds=2),
        choice_within=timedelta(seconds=10),
        pay_in_store_hold=timedelta(seconds=8),
        payment_within=timedelta(seconds=10),
        approval_within=timedelta(seconds=10),
        fraud_within=timedelta(seconds=10),
        hold_within=timedelta(seconds=10),
        remorse=timedelta(),
        ignores_opening_hours=True,
    ),
    shipping=SHORT_SHIPPING,
    authorisation_lifetime=timedelta(seconds=10),
    renew_authorisation_before=timedelta(seconds=3),
    return_window=timedelta(seconds=20),
    wait_for_stock=timedelta(seconds=14),
    wait_for_supply=timedelta(seconds=14),
    authorise_before_supply=timedelta(seconds=3),
    proof_above=50_000,
    day=timedelta(seconds=1),
)

PACKS = {pack.name: pack for pack in (STANDARD, SHORT)}
