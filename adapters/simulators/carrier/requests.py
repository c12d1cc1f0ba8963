"""The bodies that the carriers take: strict, and nothing unknown in them."""

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from domain.carriage import Carriage
from domain.intake import Service

Name = Annotated[str, Field(min_length=1, max_length=255)]


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class RatesBody(_Body):
    carriage: Carriage
    service: Service | None = None


class RecipientBody(_Body):
    name: Name
    lines: Annotated[tuple[Name, ...], Field(min_length=1, max_length=5)]


class LabelBody(_Body):
    reference: Annotated[str, Field(min_length=1, max_length=64)]
    shipment: Name
    carrier: Name
    service: Service
    carriage: Carriage
    recipient: RecipientBody


class ScanBody(_Body):
    """Any word: what a carrier says is its own affair."""

    status: Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,40}$")]
    at: AwareDatetime | None = None
