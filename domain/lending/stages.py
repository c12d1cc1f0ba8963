"""Where an application is, what lies over that, and why it ended. The three never stand for each other."""

from enum import StrEnum


class Stage(StrEnum):
    DRAFT = "draft"
    SUBMITTED = "submitted"
    IN_REVIEW = "in_review"
    CONDITIONALLY_APPROVED = "conditionally_approved"
    OFFERED = "offered"
    ACCEPTED = "accepted"
    SIGNING = "signing"
    COOLING_OFF = "cooling_off"
    DISBURSING = "disbursing"
    BOOKED = "booked"

    @property
    def rank(self) -> int:
        return list(Stage).index(self)


class Overlay(StrEnum):
    AWAITING_DOCUMENTS = "awaiting_documents"
    AWAITING_PARTY = "awaiting_party"
    SCREENING_HOLD = "screening_hold"
    SUSPENDED = "suspended"
    REFERRED = "referred"


class Outcome(StrEnum):
    ORIGINATED = "originated"
    APPROVED_NOT_ACCEPTED = "approved_not_accepted"
    DENIED = "denied"
    WITHDRAWN = "withdrawn"
    CLOSED_INCOMPLETE = "closed_incomplete"
    RESCINDED = "rescinded"
    ABANDONED_DRAFT = "abandoned_draft"
    EXPIRED_OFFER = "expired_offer"
    BOOKING_FAILED_REVERSED = "booking_failed_reversed"


class GroupStatus(StrEnum):
    """How far a party, or all of them, are; the members stand worst first."""

    SCREENING_HOLD = "screening_hold"
    REJECTED_DOCUMENT = "rejected_document"
    AWAITING_PARTY = "awaiting_party"
    AWAITING_DOCUMENTS = "awaiting_documents"
    IN_REVIEW = "in_review"
    READY = "ready"


def worst(statuses: list[GroupStatus]) -> GroupStatus:
    """The status of the whole group."""
    order = list(GroupStatus)
    return min(statuses, key=order.index, default=GroupStatus.READY)
