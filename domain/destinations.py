"""Where a shipment goes, as coarse as choosing a place for it needs; the address itself is in the vault."""

from pydantic import BaseModel, ConfigDict, Field

from domain.geography import point_of
from domain.intake import Address


class Destination(BaseModel):
    """A country and about where in it: a region of many thousands."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    country: str
    latitude: float | None = Field(default=None, ge=-90, le=90)
    longitude: float | None = Field(default=None, ge=-180, le=180)


def destination_of(address: Address) -> Destination:
    point = point_of(address.country, address.postal_code.strip())
    if point is None:
        return Destination(country=address.country)
    return Destination(country=address.country, latitude=point.latitude, longitude=point.longitude)
