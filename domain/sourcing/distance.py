"""How far a parcel goes: the great circle (haversine, mean radius of the Earth 6,371,008.8 m, IUGG), in metres."""

from collections.abc import Callable
from math import asin, cos, radians, sin, sqrt

DIAMETER = 2 * 6_371_008.8


def metres_from(latitude: float, longitude: float) -> Callable[[float, float], int]:
    """A measure from one point, to be asked about many others."""
    here, there, around = radians(latitude), radians(longitude), cos(radians(latitude))

    def metres(latitude: float, longitude: float) -> int:
        phi = radians(latitude)
        half = sin((phi - here) / 2) ** 2 + around * cos(phi) * sin((radians(longitude) - there) / 2) ** 2
        return round(DIAMETER * asin(min(1.0, sqrt(half))))

    return metres
