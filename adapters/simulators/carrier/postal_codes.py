"""Postal codes say how their parcel will fare, as tokens do for payments. Any other code is an ordinary one.

| code | what happens |
|---|---|
| 00001 | Northway refuses the label for its address; Kestrel sells one |
| 00002 | every carrier refuses the label for its address |
| 00003 | Northway answers 503 with `Retry-After: 1` whenever a label is asked for |
| 00004 | the label is sold, and the answer is lost the first time |
| 00005 | the parcel is lost |
| 00006 | it is damaged, and goes back |
| 00007 | the customer refuses it, and it goes back |
| 00008 | nobody is there the first time |
| 00009 | nobody is ever there, and it goes back |
| 00010 | the carrier says a word on the way that nobody knows |
| 00011 | it is lost, turns up and is delivered |
| 00099 | no carrier delivers there: there are no rates |
"""

from domain.carriage import ParcelStatus

REFUSED_BY_NORTHWAY = "00001"
REFUSED_BY_ALL = "00002"
NORTHWAY_AWAY = "00003"
ANSWER_LOST = "00004"
UNHEARD_OF = "held_for_inspection"
"""A word of the carrier's that is in nobody's vocabulary."""

_OUT = ParcelStatus.OUT_FOR_DELIVERY
_START = (ParcelStatus.PICKED_UP, ParcelStatus.IN_TRANSIT)
_USUAL = (*_START, _OUT, ParcelStatus.DELIVERED)
_BACK = (ParcelStatus.RETURNING, ParcelStatus.RETURNED)

_LIVES: dict[str, tuple[str, ...]] = {
    "00005": (*_START, ParcelStatus.LOST),
    "00006": (*_START, ParcelStatus.DAMAGED, *_BACK),
    "00007": (*_START, _OUT, ParcelStatus.REFUSED, *_BACK),
    "00008": (*_START, _OUT, ParcelStatus.DELIVERY_FAILED, _OUT, ParcelStatus.DELIVERED),
    "00009": (*_START, _OUT, ParcelStatus.DELIVERY_FAILED, _OUT, ParcelStatus.DELIVERY_FAILED, *_BACK),
    "00010": (*_START, UNHEARD_OF, _OUT, ParcelStatus.DELIVERED),
    "00011": (*_START, ParcelStatus.LOST, ParcelStatus.IN_TRANSIT, _OUT, ParcelStatus.DELIVERED),
}


def life_of_parcel(postal_code: str) -> tuple[str, ...]:
    """What a parcel to this code goes through after its label is bought."""
    return tuple(str(word) for word in _LIVES.get(postal_code, _USUAL))
