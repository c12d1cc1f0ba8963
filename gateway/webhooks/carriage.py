"""What is kept of an event of a carrier, locker operator or partner: who says what of which of our things, no more.

The status stays the word that was sent: what it means, and whether it can be true, is decided where the thing is known.
"""

from datetime import datetime, timedelta
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, StringConstraints

from gateway.fields import Instant, Reference

Word = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
"""A status in the sender's vocabulary: no text, so that nothing personal can be in it."""
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_./:-]{0,127}$")]
"""An id, ours or the sender's."""
AHEAD = timedelta(days=1)
"""So far a sender's clock may be ahead of ours."""
OrderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    reference: OrderName
    """Our order id."""
    status: Word
    at: Instant
    """When the sender saw it: what comes later by this time is newer."""

    def heard(self, now: datetime) -> Self:
        """What lies far ahead was seen when it came at the latest: else nothing would ever be newer."""
        return self if self.at <= now + AHEAD else self.model_copy(update={"at": now})


class CarrierData(_Told):
    carrier: Name
    label_id: Name
    tracking_number: Name
    shipment: Name
    """Our name of the shipment (`shipment/{order_id}/{n}`)."""

    @property
    def type(self) -> str:
        return f"parcel.{self.status}"


class LockerData(_Told):
    locker_id: Name
    compartment_id: Name
    group: Name
    """Our name of the goods (`pickup/{order_id}/{n}`)."""
    collect_by: Instant | None = None
    tracking_number: Name | None = None

    @property
    def type(self) -> str:
        return f"locker.{self.status}"

    @property
    def pickup(self) -> int:
        """The number of the pickup that `group` names; 0 for a name that is none of ours."""
        return _number(self.group, f"pickup/{self.reference}/")


class PartnerData(_Told):
    partner: Name
    request_id: Name
    shipment: Name
    """Our name of the shipment (`shipment/{order_id}/{n}`)."""

    @property
    def type(self) -> str:
        return f"partner.{self.status}"

    @property
    def number(self) -> int:
        """Of the shipment; 0 for a name that is none of ours."""
        return _number(self.shipment, f"shipment/{self.reference}/")


def _number(name: str, prefix: str) -> int:
    number = name.removeprefix(prefix)
    return int(number) if number.isascii() and number.isdecimal() and len(number) < 6 else 0


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    type: Reference
    """Read as a sign of an envelope; what happened is the status."""


class CarrierEvent(_Event):
    data: CarrierData


class LockerEvent(_Event):
    data: LockerData


class PartnerEvent(_Event):
    data: PartnerData
