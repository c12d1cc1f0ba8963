"""What must leave from one place: a line, a keep-together group, a kit; and which places have all of it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from domain.ids import LineId, Sku, StoreId
from domain.sourcing.request import SourcingLine, SourcingRequest
from domain.sourcing.subsets import MAX_EXACT

MAX_CONTESTED = 6
"""So many lines that compete for the same stock are decided exactly."""


class Piece(NamedTuple):
    """Units of one SKU for one line; a kit's line has a piece for each component."""

    line_id: LineId
    sku: Sku
    quantity: int
    value: int


class Bundle(NamedTuple):
    pieces: tuple[Piece, ...]
    needs: dict[Sku, int]
    pinned: StoreId | None
    loose: bool
    """Its units may come from several places."""

    @property
    def units(self) -> int:
        return sum(self.needs.values())

    @property
    def value(self) -> int:
        return sum(piece.value for piece in self.pieces)


class OpenLine:
    """What of a line is not allocated yet."""

    __slots__ = ("_units", "_value", "line", "needs")

    def __init__(self, line: SourcingLine) -> None:
        self.line = line
        self.needs = line.needs()
        self._units = sum(self.needs.values())
        self._value = line.value

    def pieces(self) -> list[Piece]:
        """Each with its share of the line's value, by units; the shares of a whole line add up to its value."""
        pieces, done = [], 0
        for sku, quantity in self.needs.items():
            before, done = self._value * done // self._units, done + quantity
            pieces.append(Piece(self.line.line_id, sku, quantity, self._value * done // self._units - before))
        return pieces

    def worth(self, quantity: int) -> int:
        return self._value * quantity // self._units

    def take(self, sku: Sku, quantity: int) -> None:
        self.needs[sku] -= quantity
        if not self.needs[sku]:
            del self.needs[sku]


def open_lines(request: SourcingRequest) -> dict[LineId, OpenLine]:
    return {line.line_id: OpenLine(line) for line in request.lines}


def bundles_of(
    request: SourcingRequest, lines: Mapping[LineId, OpenLine], *, quantity_split: bool = False, kit_split: bool = False
) -> list[Bundle]:
    """The open units, as far as they may be taken apart."""
    found = []
    for members in request.bundles().values():
        pieces = [piece for line in members for piece in lines[line.line_id].pieces()]
        pins = [request.pinned[line.line_id] for line in members if line.line_id in request.pinned]
        alone = members[0] if len(members) == 1 and not request.one_parcel and not members[0].together else None
        if kit_split and not pins and alone is not None and alone.components:
            found += [_bundle([piece], None, loose=False) for piece in pieces]
        elif pieces:
            loose = quantity_split and alone is not None and alone.quantity_split and not alone.components
            found.append(_bundle(pieces, pins[0] if pins else None, loose=loose))
    return found


def _bundle(pieces: Sequence[Piece], pinned: StoreId | None, *, loose: bool) -> Bundle:
    needs: Counter[Sku] = Counter()
    for piece in pieces:
        needs[piece.sku] += piece.quantity
    return Bundle(tuple(pieces), dict(needs), pinned, loose)


class Wanted:
    """Bundles as bits, ready to be asked of many places."""

    __slots__ = ("_composed", "_contested", "_needs", "_shared", "competing", "count", "rough", "simple", "singles")

    def __init__(self, bundles: Sequence[Bundle]) -> None:
        self.count = len(bundles)
        self._needs = [bundle.needs for bundle in bundles]
        self.singles = [
            (sku, need, 1 << n) for n, each in enumerate(self._needs) if len(each) == 1 for sku, need in each.items()
        ]
        self._composed = [(list(each.items()), 1 << n) for n, each in enumerate(self._needs) if len(each) > 1]
        askers = Counter(sku for each in self._needs for sku in each)
        self._shared = [sku for sku, count in sorted(askers.items()) if count > 1]
        self.simple = not self._composed and not self._shared
        """Each wants one SKU, and no other wants it."""
        self._contested = sum(1 << n for n, each in enumerate(self._needs) if any(sku in each for sku in self._shared))
        self.competing = False
        """Some place that was asked has each of two bundles, and not both."""
        self.rough = False
        """So many compete that not every way to serve them was listed: ask again for what is left."""

    def of(self, stock: Mapping[Sku, int], buffers: Mapping[Sku, int], kept: int) -> tuple[int, ...]:
        """The largest sets of bundles that the place can serve together; almost always one."""
        mask = 0
        if buffers or kept:
            for sku, need, bit in self.singles:
                if stock.get(sku, 0) - buffers.get(sku, 0) - kept >= need:
                    mask |= bit
        else:
            for sku, need, bit in self.singles:
                if stock.get(sku, 0) >= need:
                    mask |= bit
        for needs, bit in self._composed:
            if all(stock.get(sku, 0) - buffers.get(sku, 0) - kept >= need for sku, need in needs):
                mask |= bit
        if not mask:
            return ()
        if self._shared:
            free = {sku: max(0, stock.get(sku, 0) - buffers.get(sku, 0) - kept) for sku in self._shared}
            if not self._together(mask, free):
                self.competing = True
                return self._largest(mask, free)
        return (mask,)

    def _together(self, mask: int, free: Mapping[Sku, int]) -> bool:
        return all(
            sum(needs.get(sku, 0) for n, needs in enumerate(self._needs) if mask >> n & 1) <= most
            for sku, most in free.items()
        )

    def _largest(self, mask: int, free: Mapping[Sku, int]) -> tuple[int, ...]:
        """Every largest set; where many bundles compete only one, which takes them in the order's own order."""
        contested = mask & self._contested
        free_of_it = mask & ~contested
        if self.count > MAX_EXACT or contested.bit_count() > MAX_CONTESTED:
            self.rough = True
            fits = free_of_it
            for n in range(self.count):
                if contested >> n & 1 and self._together(fits | 1 << n, free):
                    fits |= 1 << n
            return (fits,) if fits else ()
        found: list[int] = []
        for part in sorted(_parts_of(contested), key=lambda part: (-part.bit_count(), part)):
            if not any(part & known == part for known in found) and self._together(part, free):
                found.append(part)
        return tuple(free_of_it | part for part in found)


def _parts_of(mask: int) -> Iterable[int]:
    """All sets of its bits; the empty one is the last."""
    part = mask
    while part:
        yield part
        part = (part - 1) & mask
