"""The business events of an order, in order, with who did what, where, through which channel, and why."""

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from domain.actors import Actor


class Event(StrEnum):
    ORDER_PLACED = "order_placed"
    ORDER_CONFIRMED = "order_confirmed"
    ORDER_COMPLETED = "order_completed"
    ORDER_CANCELLED = "order_cancelled"
    UNITS_CANCELLED = "units_cancelled"
    ORDER_CHANGED = "order_changed"
    CHANGE_OPENED = "change_opened"
    """It waits for its payment."""
    CHANGE_DROPPED = "change_dropped"
    HOLD_PLACED = "hold_placed"
    HOLD_RESOLVED = "hold_resolved"
    PAYMENT_AUTHORISED = "payment_authorised"
    PAYMENT_DECLINED = "payment_declined"
    PAYMENT_CAPTURED = "payment_captured"
    PAYMENT_VOIDED = "payment_voided"
    PAYMENT_REFUNDED = "payment_refunded"
    PAYMENT_RENEWED = "payment_renewed"
    PAYMENT_PENDING = "payment_pending"
    PAID_IN_STORE = "paid_in_store"
    STORE_OFFERED = "store_offered"
    STORE_REMINDED = "store_reminded"
    STORE_ACCEPTED = "store_accepted"
    STORE_REJECTED = "store_rejected"
    STORE_SILENT = "store_silent"
    PICKED = "picked"
    SHORT_PICK = "short_pick"
    CHOICE_ASKED = "choice_asked"
    CHOICE_MADE = "choice_made"
    CHOICE_DEFAULTED = "choice_defaulted"
    STOCK_ARRIVED = "stock_arrived"
    BACKORDERED = "backordered"
    """Units were sold beyond stock."""
    SUPPLY_RESCHEDULED = "supply_rescheduled"
    SUPPLY_NEAR = "supply_near"
    """Money is asked for, of an order that had none authorised."""
    MOVED_TO_STORE = "moved_to_store"
    READY = "ready"
    REMINDER_SENT = "reminder_sent"
    WINDOW_EXTENDED = "window_extended"
    WINDOW_EXPIRED = "window_expired"
    CUSTOMER_ARRIVED = "customer_arrived"
    HANDED_OVER = "handed_over"
    REFUSED_AT_COUNTER = "refused_at_counter"
    SHORTAGE_AT_COUNTER = "shortage_at_counter"
    WRONG_CODE = "wrong_code"
    CODE_LOCKED = "code_locked"
    CODE_UNLOCKED = "code_unlocked"
    CODE_RESENT = "code_resent"
    PUT_BACK = "put_back"
    MOVED_ON = "moved_on"
    """Units left their place; another is looked for."""
    QUEUED = "queued"
    """No place can serve units now."""
    AUTO_CANCEL_MOVED = "auto_cancel_moved"
    ASSIGNED = "assigned"
    """A person chose the place."""
    PACKED = "packed"
    UNPACKED = "unpacked"
    NO_LABEL = "no_label"
    LABEL_VOIDED = "label_voided"
    SHIPPED = "shipped"
    SENT_TO_STORE = "sent_to_store"
    ARRIVED_AT_STORE = "arrived_at_store"
    STOP_ASKED = "stop_asked"
    STOP_ANSWERED = "stop_answered"
    STOP_TOO_LATE = "stop_too_late"
    CARRIER_EVENT = "carrier_event"
    DELIVERED = "delivered"
    DELIVERY_LATE = "delivery_late"
    DELIVERY_EXCEPTION = "delivery_exception"
    CLAIM_DECIDED = "claim_decided"
    PARCEL_RETURNED = "parcel_returned"
    PARCEL_TURNED_UP = "parcel_turned_up"
    """It was given up as lost, and is there."""
    LATE_ANSWER_REFUSED = "late_answer_refused"
    COMMAND_REFUSED = "command_refused"
    INTERVENTION_NEEDED = "intervention_needed"
    INTERVENTION_MADE = "intervention_made"


class Fact(BaseModel):
    """What an event says beyond its name: numbers, ids and enum values, never personal data."""

    model_config = ConfigDict(frozen=True, extra="allow")


class TimelineEntry(BaseModel):
    """One business event."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: datetime
    event: Event
    actor: Actor
    reason: str | None = None
    data: Fact = Field(default_factory=Fact)
