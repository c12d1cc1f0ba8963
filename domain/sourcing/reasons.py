"""Why a place was not used and why a line was left: members of enums with their data, never a sentence."""

from enum import StrEnum

from domain.ids import LineId, Sku, StoreId
from domain.sourcing.request import Fixed


class RemovalKind(StrEnum):
    EXCLUDED = "excluded"
    DECLINED = "declined"
    SHIPS_NOTHING = "ships_nothing"
    PAUSED = "paused"
    CLOSED = "closed"
    WRONG_KIND = "wrong_kind"
    WRONG_GROUP = "wrong_group"
    WRONG_COUNTRY = "wrong_country"
    TOO_FAR = "too_far"
    """`found` and `limit` are km."""
    TOO_LATE = "too_late"
    """`found` and `limit` are instants."""
    NO_CAPACITY = "no_capacity"
    """`found` and `limit` are parcels."""
    NO_STOCK = "no_stock"
    """It has none of the lines whole."""
    STOCK_KEPT_BACK = "stock_kept_back"
    """It has stock, which its buffer or the rule's safety stock keeps; `found` is the number of lines so kept."""


class Removal(Fixed):
    """A place that a rule took out, and the filter that did."""

    location_id: StoreId
    reason: RemovalKind
    found: int | str | None = None
    limit: int | str | None = None


class LeftKind(StrEnum):
    NOWHERE_IN_STOCK = "nowhere_in_stock"
    """No place that was looked at has it in full, whatever the rules say."""
    FILTERED_OUT = "filtered_out"
    """Places have it, and the rule let none of them serve."""
    KEPT_TOGETHER = "kept_together"
    """Its lines or components must leave together, and no place has them all."""
    NOT_WHOLE = "not_whole"
    """The rule serves all that is open or nothing, and cannot serve all."""
    TOO_MANY_PARTS = "too_many_parts"
    BELOW_MIN_VALUE = "below_min_value"
    HOP_LIMIT = "hop_limit"
    ASSIGNED_OUT_OF_STOCK = "assigned_out_of_stock"
    """A person assigned it to a place that does not have it."""
    ASSIGNED_UNKNOWN_PLACE = "assigned_unknown_place"
    HELD_BY_RULE = "held_by_rule"
    """A rule sends such orders to its queue."""


class Left(Fixed):
    """Units that no part holds."""

    line_id: LineId
    sku: Sku
    quantity: int
    reason: LeftKind
    found: int | str | None = None
    limit: int | str | None = None


class Waiting(Fixed):
    """What an order leaves in a queue, and which rule put it there; no rule: the rule set itself."""

    queue: str
    rule: str | None
    lines: tuple[Left, ...]
