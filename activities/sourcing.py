"""Where shipments leave from: the rules' decision on stock and capacity as they are now, and the capacity it uses."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict
from temporalio import activity

from activities.calendars import Calendars, day_of
from activities.milestones import hours_by_id
from adapters.capacity.port import NoCapacity, TakeCapacity, Used
from adapters.inventory.port import AvailableStock
from adapters.places.port import Capacity, Place
from adapters.routing.port import RoutingEntry
from adapters.transaction.port import Transaction, Transactions
from domain import sourcing
from domain.actors import Channel
from domain.destinations import Destination
from domain.dropship import PartnerId
from domain.ids import LineId, OperationKey, OrderId, Sku, StoreId
from domain.intake import Service
from domain.kits import pieces, whole_units
from domain.shipping_times import ShippingPolicy
from domain.sourcing import (
    Candidate,
    PlaceKind,
    RoutingRules,
    SourcingDecision,
    SourcingLine,
    SourcingRequest,
    snapshot_of,
)
from domain.sourcing.queues import Queue
from domain.stock import StockLine
from domain.store_hours import StoreHours
from domain.supply import ANYWHERE

UNTIL_THE_RUN = "until the run"
"""In the log, of a decision that keeps stock for a shipment whose places a run will find."""
Needs = Callable[[LineId], dict[Sku, int]]
"""What one unit of a line asks of the shelves."""


class Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Wish(Message):
    """What is to be shipped together, and what the order and its past say about where from."""

    n: int
    """The shipment's number."""
    lines: dict[LineId, int]
    values: dict[LineId, int] = {}
    """What the units of each line are worth, minor units."""
    destination: Destination
    service: Service
    allow_split: bool = True
    keep_together: bool = False
    exclude: list[StoreId] = []
    declined_by: list[StoreId] = []
    hops: int = 0
    leave_by: datetime | None = None
    """When it was first promised to leave."""
    to_store: StoreId | None = None
    """The store that it is sent to, unless it goes to the customer."""
    held: dict[StoreId, dict[LineId, int]] = {}
    """Where its units are reserved until a run finds their places."""
    may_wait: bool = False
    """It waits for the next run of its class, if that has runs."""


class PlacesWanted(Message):
    key: OperationKey
    """The business identity of the decision: it stands in the routing log once."""
    order_id: OrderId
    at: datetime
    channel: Channel
    policy: ShippingPolicy
    skus: dict[LineId, Sku]
    kits: dict[LineId, dict[Sku, int]] = {}
    """What one unit of a kit's line is made of; its own SKU is stocked nowhere."""
    wishes: list[Wish]
    spoken_for: tuple[StockLine, ...] = ()
    """Units that the same order takes elsewhere in the same step, so that two lines never count on one unit."""
    hours_of: list[StoreId] = []
    """Places whose opening hours are asked for whatever is decided."""

    def needs(self, line: LineId) -> dict[Sku, int]:
        return self.kits.get(line) or {self.skus[line]: 1}


class Part(Message):
    """What one place ships."""

    location_id: StoreId
    lines: dict[LineId, int]


class RunAwaited(Message):
    """A shipment waits for the next run of its queue, and for so long at most."""

    queue: Queue
    within: timedelta


class PlacesFound(Message):
    parts: dict[int, list[Part]]
    """By the shipment's number; lines that nobody can serve are in no part."""
    sold_ahead: list[LineId] = []
    """Of the lines that nobody can serve whole, those that may be sold beyond stock."""
    queues: dict[int, str] = {}
    """Where the rules have such lines wait, by the shipment's number."""
    awaited: dict[int, RunAwaited] = {}
    """Shipments that a later run finds the places of, by number; what was found is where they are reserved for now."""
    hours: dict[StoreId, StoreHours]
    partners: dict[StoreId, PartnerId] = {}
    """Of the places that were found, those that are a partner's."""


class ParcelAt(Message):
    """A parcel that a place is to take on."""

    key: OperationKey
    location_id: StoreId


class CapacityWanted(Message):
    order_id: OrderId
    at: datetime
    take: list[ParcelAt]
    give_back: list[OperationKey] = []
    """Taken before, for a choice that did not come to be."""
    limited: bool = True
    """False: a person has decided, whatever the place's limits are."""


Stock = dict[StoreId, dict[Sku, int]]
"""What can be promised, by place."""


class SourcingSteps:
    def __init__(self, transactions: Transactions):
        self.transactions = transactions

    @activity.defn
    async def find_places(self, wanted: PlacesWanted) -> PlacesFound:
        """Decide where each wish is shipped from, and log why. Others may take what is found before it is held.

        What was decided under this key before is the answer again: by now the order itself may hold the stock.
        """
        async with self.transactions.reading() as books:
            places = await books.places.places()
        skus = sorted({sku for line in wanted.skus for sku in wanted.needs(line)})
        stock = await stock_now(self.transactions.stock, places, skus, wanted.channel) if wanted.wishes else {}
        async with self.transactions.begin() as books:
            rules = await books.routing.rules()
            assert rules is not None, "there are always rules"
            awaited = _awaited(wanted, rules)
            limited = len(awaited) < len(wanted.wishes)
            candidates = await _candidates(books, places, stock, wanted, limited=limited) if wanted.wishes else []
            logged = {entry.key: entry for entry in await books.routing.decisions(wanted.order_id)}
            parts, queues = {}, {}
            for wish in wanted.wishes:
                key = OperationKey(f"{wanted.key}:{wish.n}")
                entry = logged.get(key) or _decided_for_its_end(
                    key, wanted, wish, with_held(candidates, wish.held, wanted.needs), rules
                )
                if wish.n in awaited:
                    entry = entry.model_copy(update={"run": UNTIL_THE_RUN})
                await books.routing.record(entry)
                decision = entry.decision
                parts[wish.n] = parts_of(decision, wanted.needs)
                if decision.queue is not None:
                    queues[wish.n] = decision.queue
                candidates = without(candidates, lines_of(parts[wish.n], wanted.needs))
            sold_ahead = await _sold_ahead(books, wanted, parts)
        chosen = {part.location_id for found in parts.values() for part in found} | set(wanted.hours_of)
        hours = hours_by_id([place for place in places if place.location_id in chosen], wanted.at)
        return PlacesFound(
            parts=parts,
            sold_ahead=sold_ahead,
            queues=queues,
            awaited=awaited,
            hours=hours,
            partners={
                place.location_id: place.partner
                for place in places
                if place.partner is not None and place.location_id in chosen
            },
        )

    @activity.defn
    async def hold_capacity(self, wanted: CapacityWanted) -> bool:
        """Have places take parcels on, all or none; False when one of them cannot. Repeating it changes nothing."""
        if wanted.give_back:
            async with self.transactions.begin() as books:
                for key in wanted.give_back:
                    await books.capacity.give_back(key, wanted.at)
        try:
            async with self.transactions.begin() as books:
                ids = sorted({parcel.location_id for parcel in wanted.take})
                places = {place.location_id: place for place in await books.places.places(ids)}
                # In one order, so that two orders that take from the same places never wait for each other.
                for parcel in sorted(wanted.take, key=lambda each: (each.location_id, each.key)):
                    place = places[parcel.location_id]
                    limits = place.capacity if wanted.limited else None
                    await books.capacity.take(
                        TakeCapacity(
                            key=parcel.key,
                            at=wanted.at,
                            location_id=place.location_id,
                            day=day_of(place, wanted.at),
                            per_day=limits.per_day if limits else None,
                            concurrent=limits.concurrent if limits else None,
                        )
                    )
        except NoCapacity:
            return False
        return True


def _decided_for_its_end(
    key: OperationKey, wanted: PlacesWanted, wish: Wish, candidates: list[Candidate], rules: RoutingRules
) -> RoutingEntry:
    """What goes to a store stays there when the store has all of it; else all is sent, as far as others have it."""
    if wish.to_store is not None:
        here = [each for each in candidates if each.location_id == wish.to_store]
        elsewhere = [each for each in candidates if each.location_id != wish.to_store]
        for among in (here, elsewhere):
            entry = _decided(key, wanted, wish, among, rules)
            if sum(sum(part.lines.values()) for part in parts_of(entry.decision, wanted.needs)) == sum(
                wish.lines.values()
            ):
                return entry
    return _decided(key, wanted, wish, candidates, rules)


def _decided(
    key: OperationKey, wanted: PlacesWanted, wish: Wish, candidates: list[Candidate], rules: RoutingRules
) -> RoutingEntry:
    request = request_of(wanted, wish)
    return RoutingEntry(
        key=key,
        order_id=wanted.order_id,
        group=wish.n,
        at=wanted.at,
        decision=sourcing.source(request, candidates, rules),
        snapshot=snapshot_of(request, candidates),
    )


def _awaited(wanted: PlacesWanted, rules: RoutingRules) -> dict[int, RunAwaited]:
    """Which of the wishes wait for a run of their class. What goes to a store of ours is decided at once."""
    found = {}
    for wish in wanted.wishes:
        if wish.may_wait and wish.to_store is None and (runs := rules.awaits(request_of(wanted, wish))) is not None:
            found[wish.n] = RunAwaited(queue=runs.queue, within=runs.longest_wait)
    return found


async def _candidates(
    books: Transaction, places: Sequence[Place], stock: Stock, wanted: PlacesWanted, *, limited: bool
) -> list[Candidate]:
    found = await candidates_now(books, places, stock, at=wanted.at, policy=wanted.policy, limited=limited)
    return without(found, wanted.spoken_for)


async def stock_now(available: AvailableStock, places: Sequence[Place], skus: list[Sku], channel: Channel) -> Stock:
    """What a channel can be promised of these SKUs at each place."""
    stock: Stock = {place.location_id: {} for place in places}
    for level in await available.availability(skus, list(stock), channel):
        stock[level.location_id][level.sku] = level.available
    return stock


async def candidates_now(
    books: Transaction,
    places: Sequence[Place],
    stock: Stock,
    *,
    at: datetime,
    policy: ShippingPolicy,
    limited: bool = True,
) -> list[Candidate]:
    """The places that ship, with that stock and the room that they have.

    `limited`: whether their capacity counts.
    """
    calendars = Calendars(at, policy)
    used = await books.capacity.used({place.location_id: calendars.day_of(place) for place in places})
    return [
        _candidate(
            place,
            stock[place.location_id],
            used[place.location_id],
            paused=place.paused(at),
            dispatches_at=calendars.dispatches_at(place),
            limited=limited,
        )
        for place in places
        if place.ships
    ]


def _candidate(
    place: Place,
    stock: dict[Sku, int],
    used: Used,
    *,
    paused: bool,
    dispatches_at: datetime | None,
    limited: bool,
) -> Candidate:
    limits = place.capacity if limited else Capacity()
    return Candidate(
        location_id=place.location_id,
        kind=PlaceKind(place.kind.value),
        groups=place.groups,
        latitude=place.latitude,
        longitude=place.longitude,
        country=place.country,
        ships=place.ships,
        paused=paused,
        dispatches_at=dispatches_at,
        capacity_today=None if limits.per_day is None else max(0, limits.per_day - used.today),
        capacity_concurrent=None if limits.concurrent is None else max(0, limits.concurrent - used.open),
        handling_cost=place.handling_cost,
        open_load=used.open,
        stock=stock,
    )


def request_of(wanted: PlacesWanted, wish: Wish) -> SourcingRequest:
    """A wish as the rules are asked about it."""
    to = wish.destination
    return SourcingRequest(
        order_id=wanted.order_id,
        lines=tuple(
            SourcingLine(
                line_id=line,
                sku=wanted.skus[line],
                quantity=quantity,
                value=wish.values.get(line, 0),
                quantity_split=wish.allow_split,
                components=wanted.kits.get(line, {}),
            )
            for line, quantity in wish.lines.items()
        ),
        # A country that lies nowhere is equally far from everywhere that counts.
        destination=sourcing.Destination(
            latitude=to.latitude or 0.0, longitude=to.longitude or 0.0, country=to.country
        ),
        service=wish.service,
        channel=wanted.channel,
        allow_split=wish.allow_split,
        keep_together=wish.keep_together,
        exclude=tuple(wish.exclude),
        declined=tuple(wish.declined_by),
        hops=wish.hops,
        promise=wish.leave_by,
    )


def parts_of(decision: SourcingDecision, needs: Needs) -> list[Part]:
    """Whole units, place by place: of a kit as many as the components there make."""
    parts = []
    for part in decision.parts:
        found: dict[LineId, dict[Sku, int]] = {}
        for each in part.allocations:
            there = found.setdefault(each.line_id, {})
            there[each.sku] = there.get(each.sku, 0) + each.quantity
        lines = {line: n for line, there in found.items() if (n := whole_units(there, needs(line))) > 0}
        if lines:
            parts.append(Part(location_id=part.location_id, lines=lines))
    return parts


async def _sold_ahead(books: Transaction, wanted: PlacesWanted, parts: dict[int, list[Part]]) -> list[LineId]:
    """Lines of which some is nowhere, and of which more may be sold than is in stock, whichever place ships them."""
    short = [
        line
        for wish in wanted.wishes
        for line, quantity in wish.lines.items()
        if sum(part.lines.get(line, 0) for part in parts[wish.n]) < quantity
    ]
    if not short:
        return []
    rules = await books.backorders.rules(sorted({sku for line in short for sku in wanted.needs(line)}))
    open_to_all = {rule.sku for rule in rules if rule.location_id == ANYWHERE and rule.left}
    return sorted({line for line in short if open_to_all & set(wanted.needs(line))})


def lines_of(parts: Iterable[Part], needs: Needs) -> tuple[StockLine, ...]:
    """What these parts take from the shelves."""
    return tuple(
        StockLine(line_id=line, sku=sku, location_id=part.location_id, quantity=asked)
        for part in parts
        for line, n in part.lines.items()
        for sku, asked in pieces(needs(line), n).items()
    )


def with_held(
    candidates: list[Candidate], held: Mapping[StoreId, Mapping[LineId, int]], needs: Needs
) -> list[Candidate]:
    """The places with these units free: they are reserved for who asks."""
    parts = [Part(location_id=location, lines=dict(lines)) for location, lines in held.items()]
    return _moved(candidates, lines_of(parts, needs), 1)


def without(candidates: list[Candidate], lines: Iterable[StockLine]) -> list[Candidate]:
    """The places with these units gone."""
    return _moved(candidates, lines, -1)


def _moved(candidates: list[Candidate], lines: Iterable[StockLine], sign: int) -> list[Candidate]:
    moved: dict[StoreId, dict[Sku, int]] = {}
    for line in lines:
        here = moved.setdefault(line.location_id, {})
        here[line.sku] = here.get(line.sku, 0) + sign * line.quantity
    return [
        each.model_copy(
            update={"stock": {sku: max(0, n + moved[each.location_id].get(sku, 0)) for sku, n in each.stock.items()}}
        )
        if each.location_id in moved
        else each
        for each in candidates
    ]
