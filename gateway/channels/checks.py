"""Whether an order can be at all: methods that exist, goods that are sold, stores that are open then."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime

from babel.numbers import is_currency

from adapters.places.port import Place, PlaceKind
from domain.ids import StoreId
from domain.intake import VIRTUAL, Method, OrderBody, PickupMode, TenderType
from domain.pickup_windows import (
    PAUSED_INDEFINITELY,
    PickupPolicy,
    PickupTimeProblem,
    PickupTimeReason,
    check_requested,
)
from gateway.channels.tenders import not_taken
from gateway.problems import FieldError, Problem, ProblemKind

NO_MONEY = frozenset({"XXX", "XTS", "XAU", "XAG", "XPT", "XPD", "XBA", "XBB", "XBC", "XBD", "XDR", "XSU", "XUA"})
"""ISO 4217 codes in which nobody pays: none, tests, metals and units of account."""

_WORDS = {
    PickupTimeReason.PAST: "This time is over",
    PickupTimeReason.TOO_FAR_AHEAD: "This is too far ahead",
    PickupTimeReason.PAUSED: "The store takes no pickups then: it is paused",
    PickupTimeReason.HOLIDAY: "The store is closed all that day",
    PickupTimeReason.CLOSED: "The store is closed then",
}


def check_supported(body: OrderBody) -> None:
    """What the contract names and nobody has built yet."""
    errors = not_taken(body.tenders)
    if errors:
        raise Problem(ProblemKind.NOT_SUPPORTED, "See errors.", errors=errors)


def check_places(
    body: OrderBody, places: Mapping[StoreId, Place], skus: Collection[str], policy: PickupPolicy, now: datetime
) -> None:
    """Raises 422 with every field that is wrong; for a time that cannot be, with the next that can."""
    errors = [
        FieldError(pointer=f"/lines/{n}/sku", reason="Unknown SKU")
        for n, line in enumerate(body.lines)
        if line.sku not in skus
    ]
    if body.currency in NO_MONEY or not is_currency(body.currency):
        errors.append(FieldError(pointer="/currency", reason="Should be an ISO 4217 code"))
    if body.total > 0:
        errors += [
            FieldError(pointer=f"/tenders/{n}/amount", reason="Should be greater than 0")
            for n, tender in enumerate(body.tenders)
            if tender.amount == 0
        ]
    paid_before = any(line.kind in VIRTUAL for line in body.lines)
    if paid_before or any(each.method is Method.SHIP or each.mode is PickupMode.LOCKER for each in body.fulfilments):
        errors += [
            FieldError(
                pointer=f"/tenders/{n}/type",
                reason="What is shipped, put in a locker, or never shipped, is not paid in a store",
            )
            for n, tender in enumerate(body.tenders)
            if tender.type is TenderType.PAY_IN_STORE
        ]
    possible: list[datetime] = []
    for n, fulfilment in enumerate(body.fulfilments):
        if fulfilment.method in (Method.SHIP, Method.VIRTUAL):
            continue
        here = f"/fulfilments/{n}"
        place = places.get(StoreId(fulfilment.store_id or ""))
        if place is None or place.kind is not PlaceKind.STORE:
            errors.append(FieldError(pointer=f"{here}/store_id", reason="Unknown store"))
            continue
        if fulfilment.method is Method.SHIP_TO_STORE:
            if fulfilment.mode is not PickupMode.COUNTER:
                errors.append(FieldError(pointer=f"{here}/mode", reason="What is sent to a store is collected inside"))
            continue
        if fulfilment.mode is PickupMode.CURBSIDE and not place.curbside:
            errors.append(FieldError(pointer=f"{here}/mode", reason="This store has no curbside pickup"))
        if fulfilment.mode is PickupMode.LOCKER and fulfilment.locker_id not in place.lockers:
            errors.append(FieldError(pointer=f"{here}/locker_id", reason=_no_such_locker(place)))
        requested = fulfilment.requested_pickup_at or body.requested_pickup_at
        problem = check_requested(place.hours, policy, now, requested, paused_until(place, now))
        if problem is not None:
            own = fulfilment.requested_pickup_at is not None
            at_time = f"{here}/requested_pickup_at" if own else "/requested_pickup_at"
            errors.append(FieldError(pointer=at_time if requested else f"{here}/store_id", reason=in_words(problem)))
            if problem.next_possible is not None:
                possible.append(problem.next_possible)
    if errors:
        extra = {"next_possible": instant(max(possible))} if possible else {}
        raise Problem(ProblemKind.VALIDATION, "See errors.", errors=errors, extra=extra)


def _no_such_locker(place: Place) -> str:
    if not place.lockers:
        return "This store has no locker"
    return f"Should be a locker at this store: {', '.join(place.lockers)}"


def paused_until(place: Place, now: datetime) -> datetime | None:
    if place.pause is None or not place.paused(now):
        return None
    return place.pause.until or PAUSED_INDEFINITELY


def in_words(problem: PickupTimeProblem) -> str:
    why = _WORDS[problem.reason]
    if problem.next_possible is None:
        return f"{why}; no later time is in sight, choose another store"
    return f"{why}; the next possible time is {instant(problem.next_possible)}"


def instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
