"""All places, with what is still free there: what one order takes, the next does not find."""

from collections.abc import Iterable

from domain.ids import Sku, StoreId
from domain.sourcing.candidates import Candidate


class Field:
    """Places by id. The candidates themselves are never changed."""

    def __init__(self, candidates: Iterable[Candidate]) -> None:
        by_id = {candidate.location_id: candidate for candidate in candidates}
        self.places = [by_id[location_id] for location_id in sorted(by_id)]
        self.position: dict[StoreId, int] = {place.location_id: n for n, place in enumerate(self.places)}
        self.stock: list[dict[Sku, int]] = [place.stock for place in self.places]
        self.room: list[int | None] = [place.capacity_left for place in self.places]
        """Parcels that each place can still take on."""
        self._own: set[int] = set()

    def take(self, position: int, sku: Sku, quantity: int) -> None:
        """A negative quantity comes back."""
        if position not in self._own:
            self._own.add(position)
            self.stock[position] = dict(self.stock[position])
        self.stock[position][sku] = self.stock[position].get(sku, 0) - quantity

    def open_part(self, position: int, parcels: int = 1) -> None:
        room = self.room[position]
        if room is not None:
            self.room[position] = room - parcels
