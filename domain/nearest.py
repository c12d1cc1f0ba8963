"""Which places ship what: all from one place if one has it, else from as few as can be, nearer ones first."""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict

from domain.ids import LineId, Sku, StoreId
from domain.kits import Needs, pieces, whole_units

Wanted = dict[LineId, tuple[Sku, int]]


class PlaceOffer(BaseModel):
    """A place that could ship, and what it could promise."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    location_id: StoreId
    distance_km: float
    available: dict[Sku, int]


class Part(BaseModel):
    """What one place ships."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    location_id: StoreId
    lines: dict[LineId, int]


def choose_places(
    wanted: Wanted, offers: list[PlaceOffer], *, one_place: bool, kits: Mapping[LineId, Needs] | None = None
) -> list[Part]:
    """The parts, each from another place; less than all when that is all there is. `one_place`: whole or not at all.

    A unit of a kit, whose components `kits` names, leaves from one place.
    """
    left = dict(wanted)
    there = {offer.location_id: offer for offer in offers}
    parts: list[Part] = []
    while left and there:
        served = {name: _served(left, offer.available, kits or {}) for name, offer in there.items()}
        best = min(there, key=lambda name: (-sum(served[name].values()), there[name].distance_km, name))
        lines = served[best]
        if not lines or (one_place and lines != {line: n for line, (_, n) in wanted.items()}):
            break
        del there[best]
        parts.append(Part(location_id=best, lines=lines))
        left = {line: (sku, rest) for line, (sku, n) in left.items() if (rest := n - lines.get(line, 0)) > 0}
    return parts


def _served(wanted: Wanted, available: dict[Sku, int], kits: Mapping[LineId, Needs]) -> dict[LineId, int]:
    left, lines = dict(available), dict[LineId, int]()
    for line, (sku, quantity) in wanted.items():
        needs = kits.get(line) or {sku: 1}
        part = min(quantity, whole_units(left, needs))
        if part > 0:
            lines[line] = part
            for piece, taken in pieces(needs, part).items():
                left[piece] -= taken
    return lines
