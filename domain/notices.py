"""A notice says that something happened which a customer or a store must hear of, once.

It holds facts, never words and never a person: who receives it is looked up when it is sent, so that an erased customer
is erased here too, and a hand-over code is worked out again from its serial number instead of being stored.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from domain.balances import BalanceId
from domain.ids import GroupId, OrderId, Sku, StoreId
from domain.lockers import CompartmentId, LockerId
from domain.money import Money


class Audience(StrEnum):
    CUSTOMER = "customer"
    STORE = "store"


class NoticeKind(StrEnum):
    """The catalogue. What begins with `store_` is for the people in the store."""

    ORDER_CONFIRMED = "order_confirmed"
    ACTION_NEEDED = "action_needed"
    """The order is held until the customer pays again or confirms with the bank (3-D Secure)."""
    PAYMENT_FAILED = "payment_failed"
    DATE_CHANGED = "date_changed"
    SUPPLY_DATE_CHANGED = "supply_date_changed"
    """What was sold beyond stock comes at another time."""
    READY_FOR_PICKUP = "ready_for_pickup"
    PICKUP_REMINDER = "pickup_reminder"
    PICKUP_EXPIRING = "pickup_expiring"
    COLLECTED = "collected"
    PARTLY_COLLECTED = "partly_collected"
    CHOICE_NEEDED = "choice_needed"
    CHOICE_APPLIED = "choice_applied"
    PICKUP_EXPIRED = "pickup_expired"
    ORDER_CANCELLED = "order_cancelled"
    LINES_CANCELLED = "lines_cancelled"
    SUBSTITUTED = "substituted"
    ORDER_CHANGED = "order_changed"
    CHANGE_AWAITS_PAYMENT = "change_awaits_payment"
    CHANGE_DROPPED = "change_dropped"
    REFUND_STARTED = "refund_started"
    REFUND_DONE = "refund_done"
    REFUND_FAILED = "refund_failed"
    CODE_RESENT = "code_resent"
    WINDOW_EXTENDED = "window_extended"

    SHIPPED = "shipped"
    DELIVERED = "delivered"
    DELIVERY_LATE = "delivery_late"
    DELIVERY_EXCEPTION = "delivery_exception"
    CLAIM_DECIDED = "claim_decided"
    CANCEL_TOO_LATE = "cancel_too_late"
    """The goods left before their place could stop."""
    SENT_TO_STORE = "sent_to_store"
    ARRIVED_AT_STORE = "arrived_at_store"
    TRANSFER_LATE = "transfer_late"
    """It is on its way to the customer's store longer than it should be."""
    READY_IN_LOCKER = "ready_in_locker"
    COUNTER_INSTEAD = "counter_instead"
    """It waits, or will wait, at the counter and not in the parcel machine that the customer wanted."""

    RETURN_APPROVED = "return_approved"
    RETURN_REQUESTED = "return_requested"
    """Somebody looks at it first."""
    RETURN_LABEL = "return_label"
    RETURN_LOCKER = "return_locker"
    """A compartment of a parcel machine is kept for it, with the code that opens it."""
    RETURN_DROPPED_OFF = "return_dropped_off"
    RETURN_ADVANCED = "return_advanced"
    """Its money goes back before it has come."""
    RETURN_SECURED = "return_secured"
    """A card stands for what the customer has before the goods have come."""
    RETURN_CHARGED = "return_charged"
    RETURN_REJECTED = "return_rejected"
    RETURN_RECEIVED = "return_received"
    RETURN_SETTLED = "return_settled"
    RETURN_EXPIRED = "return_expired"
    RETURN_DECLINED = "return_declined"
    """Inspected and not accepted: it goes back to the customer."""
    BLIND_RECEIVED = "blind_received"
    """Taken back without an order."""
    BLIND_CREDITED = "blind_credited"
    """What that brought as store credit; its number is on the receipt."""
    APPEASED = "appeased"
    """Money goes back as goodwill."""
    BALANCE_GIVEN = "balance_given"
    """Store credit, or a gift card, with the number that pays."""

    EXCHANGE_RESERVED = "exchange_reserved"
    """What replaces the goods is kept for the customer until they have come."""
    EXCHANGE_PAYMENT = "exchange_payment"
    """What the customer wants instead is dearer: the difference is asked for."""
    EXCHANGE_FELL_THROUGH = "exchange_fell_through"
    EXCHANGE_CHARGED = "exchange_charged"

    STORE_NEW_ORDER = "store_new_order"
    STORE_NEW_SHIPMENT = "store_new_shipment"
    STORE_ASKED_TO_STOP = "store_asked_to_stop"
    STORE_TRANSFER_COMING = "store_transfer_coming"
    STORE_ARRIVED_SHORT = "store_arrived_short"
    """To who sent it: what did not come, or not whole."""
    STORE_GOODS_RETURNED = "store_goods_returned"
    STORE_WAITING = "store_waiting"
    """The store's time to accept is over and it has not answered."""
    STORE_CUSTOMER_ARRIVED = "store_customer_arrived"
    STORE_ABOUT_TO_EXPIRE = "store_about_to_expire"
    STORE_CANCELLED_WHILE_PICKING = "store_cancelled_while_picking"
    STORE_PUT_BACK = "store_put_back"
    STORE_ORDER_CHANGED = "store_order_changed"

    @property
    def audience(self) -> Audience:
        return Audience.STORE if self.value.startswith("store_") else Audience.CUSTOMER

    @property
    def may_be_declined(self) -> bool:
        """Whether a customer's opt-out counts; what concerns money, rights or the code is always sent."""
        return self in _MAY_BE_DECLINED

    @property
    def shows_code(self) -> bool:
        """Whether the hand-over code belongs into it; no notice to a store ever carries one."""
        return self in _SHOWS_CODE

    @property
    def shows_number(self) -> bool:
        """Whether the number of a gift card or of store credit belongs into it: only what goes to its holder."""
        return self in _SHOWS_NUMBER


_SHOWS_NUMBER = frozenset({NoticeKind.BALANCE_GIVEN})
_MAY_BE_DECLINED = frozenset({NoticeKind.PICKUP_REMINDER, NoticeKind.WINDOW_EXTENDED})
_SHOWS_CODE = frozenset(
    {
        NoticeKind.READY_IN_LOCKER,
        NoticeKind.RETURN_LABEL,
        NoticeKind.RETURN_LOCKER,
        NoticeKind.READY_FOR_PICKUP,
        NoticeKind.PICKUP_REMINDER,
        NoticeKind.PICKUP_EXPIRING,
        NoticeKind.PARTLY_COLLECTED,
        NoticeKind.CODE_RESENT,
        NoticeKind.WINDOW_EXTENDED,
    }
)


class LinkKind(StrEnum):
    """What the button of a notice leads to; the signed address is made when the notice is sent."""

    CHOICE = "choice"
    ARRIVAL = "arrival"
    EXTENSION = "extension"
    PAYMENT = "payment"


NoticeKey = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,200}$")]
"""The event's key, unique for ever: `{order_id}:ready:1`. A copy that somebody asked for is `{key}#2`."""
LOCALE = r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*$"
TextKey = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
"""A word of some vocabulary (a reason, a choice), put into the reader's language by the templates."""


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class NoticeLine(_Value):
    sku: Sku
    quantity: Annotated[int, Field(strict=True, ge=1)]
    name: str | None = None


class Place(_Value):
    """A store as a customer reads it. Address and hours may have several lines."""

    name: str
    address: str | None = None
    hours: str | None = None


class NoticeFacts(_Value):
    """What the templates may say. Everything is optional; nothing here is personal."""

    contact: int | None = None
    """Under which the vault keeps where the customer is told; none: where the order was placed with."""
    order_number: str | None = None
    """The channel's own order id, which the customer knows."""
    lines: tuple[NoticeLine, ...] = ()
    """What the notice is about."""
    remaining: tuple[NoticeLine, ...] = ()
    """What is still to come after it, e.g. not yet collected."""

    total: Money | None = None
    charged: Money | None = None
    released: Money | None = None
    """Reserved money that is free again."""
    secured: Money | None = None
    """What a card stands for until goods have come back."""
    refund: Money | None = None
    refund_target: TextKey | None = None
    """Where it goes, if not the way it was paid: `store_credit`, `gift_card`."""
    balance_id: BalanceId | None = None
    """Whose number the mail names: it is derived when the mail is sent."""
    last_four: Annotated[str, StringConstraints(pattern=r"^[A-Z]{4}$")] | None = None
    """The end of a number that the reader has elsewhere."""
    at_till: bool = False
    """The refund is paid out in the store, where the money was paid."""
    fee: Money | None = None
    price: Money | None = None
    """Of what is given, or offered, instead of something else."""
    due: Money | None = None

    ready_at: AwareDatetime | None = None
    """When it was or will be ready."""
    previous_ready_at: AwareDatetime | None = None
    deadline: AwareDatetime | None = None
    """Until when the reader must act."""
    zone: str | None = None
    """IANA name; times are shown in it, else in UTC."""

    store: Place | None = None
    location: str | None = None
    """Where the goods lie in the store; for staff."""
    bay: str | None = None
    curbside: bool = False
    id_needed: bool = False

    expected_at: AwareDatetime | None = None
    """When what is not in stock is expected."""
    ships: bool = False
    """It comes to the customer; nobody needs to fetch it."""
    delivery_by: AwareDatetime | None = None
    """When the customer may expect it."""
    carrier: str | None = None
    tracking_number: str | None = None

    code_serial: Annotated[int, Field(ge=1)] | None = None
    """Which hand-over code of the group."""
    locker_id: LockerId | None = None
    """The parcel machine in which it lies."""
    compartment_id: CompartmentId | None = None
    """Whose code, which only the operator knows, opens it: it is asked for when the notice is sent."""
    link_kind: LinkKind | None = None
    reason: TextKey | None = None
    choice: TextKey | None = None
    """What was chosen, by the customer or by default."""
    choices: tuple[TextKey, ...] = ()
    default_choice: TextKey | None = None
    """What happens at the deadline if nobody answers."""


class Notice(_Value):
    key: NoticeKey
    kind: NoticeKind
    order_id: OrderId
    group_id: GroupId | None = None
    store_id: StoreId | None = None
    locale: Annotated[str, StringConstraints(pattern=LOCALE)] = "en"
    at: AwareDatetime
    """When it happened."""
    until: AwareDatetime | None = None
    """Not sent any more after this instant, e.g. a reminder after its deadline."""
    facts: NoticeFacts = NoticeFacts()

    @model_validator(mode="after")
    def _knows_its_place(self) -> Self:
        if self.audience is Audience.STORE and self.store_id is None:
            raise ValueError(f"{self.kind} goes to a store: name it in store_id")
        if self.facts.code_serial is not None and self.group_id is None:
            raise ValueError("a hand-over code belongs to a group: name it in group_id")
        return self

    @property
    def audience(self) -> Audience:
        return self.kind.audience

    def copy_for(self, number: int, at: datetime, contact: int | None = None) -> "Notice":
        """The same notice once more, asked for at `at`: the `number`th of its event. `contact`: not to the first's."""
        original = self.key.partition("#")[0]
        facts = self.facts if contact is None else self.facts.model_copy(update={"contact": contact})
        return self.model_copy(update={"key": f"{original}#{number}", "at": at, "until": None, "facts": facts})


def notice_key(order: OrderId, event: str, *sequence: str | int) -> NoticeKey:
    """`{order_id}:{event}:{sequence…}`: built from what happened, never from an attempt or a run."""
    return ":".join([str(order), event, *map(str, sequence)])
