"""The bodies of a store's calls."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from domain.ids import LineId, Sku
from domain.intake import MAX_LINES, MAX_QUANTITY, Key, Person, misplaced
from domain.kits import MOST_COMPONENTS
from domain.parcels import Box, Resolution
from domain.pickups import ProofKind
from domain.stock import RejectReason, StockEffect
from gateway.fields import TRACKING, Body, Deadline, Instant, LongText, Reference, ShortText, Version
from gateway.problems import invalid
from workflows.messages import Disposition, ShortageResolution

Place = Annotated[str, StringConstraints(min_length=1, max_length=64)]
"""A shelf, a bay, a desk."""


MAX_PIECES = 1_000_000_000


class LineQuantity(Body):
    line_id: Key
    quantity: Annotated[int, Field(ge=1, le=MAX_QUANTITY)]


class FoundPieces(Body):
    sku: Key
    quantity: Annotated[int, Field(ge=0, le=MAX_PIECES)]


class ArrivedLine(Body):
    line_id: Key
    quantity: Annotated[int, Field(ge=0, le=MAX_QUANTITY)]
    """Zero: none came."""


class PickedLine(Body):
    """What was found: `quantity` in whole units, or of a kit the pieces of each component."""

    line_id: Key
    quantity: Annotated[int, Field(ge=0, le=MAX_QUANTITY)] | None = None
    """Zero: none was found."""
    components: Annotated[list[FoundPieces], Field(min_length=1, max_length=MOST_COMPONENTS)] | None = None
    """Whole units are made of them; pieces that make none stay on the shelf."""

    @model_validator(mode="after")
    def _says_one_of_both(self) -> Self:
        if (self.quantity is None) == (self.components is None):
            raise misplaced(("quantity",), "Name quantity, or for a kit components, and not both")
        return self


class SubstituteLine(Body):
    line_id: Key
    sku: Key
    quantity: Annotated[int, Field(ge=1, le=MAX_QUANTITY)]


class RejectedLine(Body):
    line_id: Key
    quantity: Annotated[int, Field(ge=1, le=MAX_QUANTITY)]
    missing: Annotated[list[Key], Field(max_length=MOST_COMPONENTS, default_factory=list)]
    """Of a kit: which components are not there. The stock of no other one is corrected."""


class RefusedLine(LineQuantity):
    reason: ShortText | None = None
    """What the customer said. It is shown in the timeline."""


Lines = Annotated[list[LineQuantity], Field(min_length=1, max_length=MAX_LINES)]


def quantities(
    lines: Iterable[LineQuantity | RejectedLine | ArrivedLine], pointer: str = "/lines"
) -> dict[LineId, int]:
    """By line. Raises 422 when a line is named twice."""
    found: dict[LineId, int] = {}
    for position, line in enumerate(lines):
        if line.line_id in found:
            raise invalid(f"{pointer}/{position}/line_id", "The line is named twice")
        found[LineId(line.line_id)] = line.quantity
    return found


def found(lines: Sequence[PickedLine]) -> tuple[dict[LineId, int], dict[LineId, dict[Sku, int]]]:
    """Whole units by line, and of kits the pieces of each component. Raises 422 when something is named twice."""
    units: dict[LineId, int] = {}
    components: dict[LineId, dict[Sku, int]] = {}
    for position, line in enumerate(lines):
        line_id = LineId(line.line_id)
        if line_id in units or line_id in components:
            raise invalid(f"/lines/{position}/line_id", "The line is named twice")
        if line.quantity is not None:
            units[line_id] = line.quantity
            continue
        pieces = {Sku(each.sku): each.quantity for each in line.components or ()}
        if len(pieces) < len(line.components or ()):
            raise invalid(f"/lines/{position}/components", "A component is named twice")
        components[line_id] = pieces
    return units, components


class CommandBody(Body):
    version: Version | None = None
    """The order's version that the caller saw; a stale one is refused."""


class RejectBody(CommandBody):
    lines: Annotated[list[RejectedLine], Field(min_length=1, max_length=MAX_LINES)] | None = None
    reason: RejectReason
    stock_effect: StockEffect | None = None

    @property
    def missing(self) -> dict[LineId, list[Sku]]:
        return {LineId(line.line_id): [Sku(sku) for sku in line.missing] for line in self.lines or () if line.missing}


class PickBody(CommandBody):
    lines: Annotated[list[PickedLine], Field(min_length=1, max_length=MAX_LINES)]
    staged_at: Place | None = None
    substitutes: Annotated[list[SubstituteLine], Field(max_length=MAX_LINES, default_factory=list)]
    """Found instead of units that are missing: taken at once, or put to the customer, as the line's rule says."""


class ReadyBody(CommandBody):
    location: Place | None = None


class ArrivedBody(CommandBody):
    bay: Place | None = None
    vehicle: Annotated[str, StringConstraints(min_length=1, max_length=100)] | None = None
    """What the store looks out for. Kept with the customer's data, never in a log."""


class Proof(Body):
    kind: ProofKind
    ref: Reference | None = None
    """A till's or scanner's own reference, kept in the timeline as given: no document's number belongs here."""


class HandOverBody(CommandBody):
    code: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    lines: Lines | None = None
    """None: everything that is ready and not refused."""
    refused: Annotated[list[RefusedLine], Field(max_length=MAX_LINES, default_factory=list)]
    person: Person | None = None
    proof: Proof | None = None
    at: Instant | None = None
    """When it truly happened, from a store that was offline."""


class ShortageBody(CommandBody):
    lines: Lines
    resolution: ShortageResolution


class RefuseBody(CommandBody):
    lines: Lines
    reason: LongText
    disposition: Disposition = Disposition.RESTOCK


class ExtendBody(CommandBody):
    until: Instant


class PutBackBody(CommandBody):
    lines: Lines | None = None


class PackedLine(LineQuantity):
    sku: Key | None = None
    """What was scanned off the units; another article is refused."""


class PackBody(CommandBody):
    lines: Annotated[list[PackedLine], Field(min_length=1, max_length=MAX_LINES)]
    boxes: Annotated[list[Box], Field(max_length=500)] | Annotated[int, Field(ge=1, le=500)] = Field(
        default_factory=list
    )
    """Each box with what was measured of it, or only how many."""


class UnpackBody(CommandBody):
    lines: Lines | None = None
    """None: everything that is packed."""


class ShipBody(CommandBody):
    lines: Lines | None = None
    """None: everything that is packed."""
    carrier: ShortText | None = None
    tracking_number: Annotated[str, StringConstraints(pattern=TRACKING)] | None = None
    """With `carrier`: what was written by hand. Without both a label is bought."""

    @model_validator(mode="after")
    def _by_hand_or_bought(self) -> Self:
        if (self.carrier is None) is not (self.tracking_number is None):
            missing = "carrier" if self.carrier is None else "tracking_number"
            raise misplaced((missing,), "carrier and tracking_number go together; without both a label is bought")
        return self


class ArriveBody(CommandBody):
    lines: Annotated[list[ArrivedLine], Field(min_length=1, max_length=MAX_LINES)] | None = None
    """What came in good order. None: everything that is not damaged."""
    damaged: Annotated[list[LineQuantity], Field(max_length=MAX_LINES)] = Field(default_factory=list)
    """What came and cannot be given to the customer."""


class CancelAnswerBody(CommandBody):
    stopped: bool


class ClaimBody(CommandBody):
    parcel: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """Which parcel of the shipment; needed only when it left in several."""
    resolution: Resolution
    until: Instant | None = None
    """With `wait`: until when the decision is put off."""
    reason: ShortText | None = None

    @model_validator(mode="after")
    def _puts_off_what_waits(self) -> Self:
        if self.until is not None and self.resolution is not Resolution.WAIT:
            raise misplaced(("until",), "goes with wait, and with nothing else")
        return self


class AutoCancelBody(CommandBody):
    until: Deadline | None
    """None: it waits for a place without an end."""


class ProxyBody(CommandBody, Person):
    """Whom the buyer lets collect."""
