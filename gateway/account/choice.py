"""The customer's choice after a store could not serve: another store, their home, wait, or cancel."""

from typing import Any

from adapters.notification.format import cleaned
from adapters.places.port import PlaceKind
from domain.alternatives import StoreOffer, in_reach, rank_alternatives
from domain.groups import GroupStatus
from domain.ids import LineId, Sku, StoreId
from domain.intake import Address, Service
from domain.money import Money
from domain.pickups import Proposal
from domain.waits import WaitKind
from gateway.account.visit import Form, Outcome, Visit, new_form
from gateway.channels.wishes import way_home
from workflows.messages import ChoiceOption, Choose
from workflows.order import OrderWorkflow

SHOWN = 4
"""So many other stores are offered, the nearest first; and as many that are far away, folded."""
NEAR_KM = 100


async def show(visit: Visit) -> dict[str, Any]:
    group = visit.group
    waits = (f"choice/{visit.link.group}", f"stock/{visit.link.group}", f"supply/{visit.link.group}")
    wait = next((wait for wait in visit.order.waiting_for if wait.id in waits), None)
    if group is None or wait is None or group.status is not GroupStatus.WAITING:
        return {"open": False}
    owed = {line.line_id: line.quantity for line in group.lines}
    # What was ordered ahead keeps its place in the queue: the customer may wait or cancel.
    others = [] if group.backordered else await _others(visit, group.store_id, owed)
    near, far = [[each for each in others if (each["km"] <= NEAR_KM) is wanted] for wanted in (True, False)]
    waits_for_stock = wait.kind is WaitKind.STOCK
    return {
        "open": True,
        "title": visit.words["choice"]["title_waiting" if waits_for_stock or group.backordered else "title"],
        "store": visit.place,
        "goods": visit.owed(),
        "units": sum(owed.values()),
        "deadline": visit.when(wait.deadline),
        "waits": waits_for_stock,
        "ahead": group.backordered,
        "expected": visit.when(group.expected_at),
        "ships": ChoiceOption.SHIP in (wait.choices or ()),
        "instead": _instead(visit, group.proposal),
        "near": near[:SHOWN],
        "far": far[:SHOWN],
        "country": visit.place.country if visit.place else "",
        "once_value": new_form(),
    }


def _instead(visit: Visit, proposal: Proposal | None) -> dict[str, Any] | None:
    """What the store has instead, in words."""
    if proposal is None:
        return None
    price = Money(amount=proposal.worth, currency=visit.order.currency)
    name = cleaned(visit.names.get(proposal.sku, proposal.sku))
    return {"goods": [{"quantity": proposal.quantity, "name": name}], "price": visit.formats.money(price.model_dump())}


async def act(visit: Visit, form: Form) -> Outcome:
    option = ChoiceOption(form["option"])
    store_id = form.get("store_id") if option is ChoiceOption.OTHER_STORE else None
    command_id = visit.command_id(form)
    home = _address(form) if option is ChoiceOption.SHIP else None
    command = Choose(
        command_id=command_id,
        actor=visit.actor,
        n=visit.link.group,
        option=option,
        store_id=StoreId(store_id) if store_id else None,
        way=await way_home(visit.services, visit.order, command_id, home, Service.STANDARD) if home else None,
    )
    answer = await visit.send(OrderWorkflow.choose, command)
    if option is ChoiceOption.SHIP and answer.group.kind != "shipment":
        return Outcome(visit.words["choice"]["done_ship_unpaid"], "")
    return Outcome(visit.words["choice"][f"done_{option}"])


def _address(form: Form) -> Address:
    """Raises `ValidationError` for what is no address."""
    fields = {name: form[name].strip() for name in ("name", "line1", "postal_code", "city", "country")}
    return Address.model_validate(fields | {"country": fields["country"].upper()})


async def _others(visit: Visit, origin: StoreId | None, owed: dict[LineId, int]) -> list[dict[str, Any]]:
    services, now = visit.services, visit.services.now()
    lines = {line.line_id: line for line in visit.order.lines}
    needs = {line: lines[line].needs for line in owed}
    wanted = {line: (Sku(lines[line].sku), n) for line, n in owed.items() if n}
    async with services.transactions.reading() as books:
        places = {
            place.location_id: place
            for place in await books.places.places()
            if place.kind is PlaceKind.STORE and not place.paused(now)
        }
    stock = await services.transactions.stock.availability(
        sorted({sku for line in wanted for sku in needs[line]}), list(places), visit.order.channel
    )
    available: dict[StoreId, dict[Sku, int]] = {}
    for level in stock:
        available.setdefault(level.location_id, {})[level.sku] = level.available
    offers = [
        StoreOffer(
            store_id=place.location_id,
            latitude=place.latitude,
            longitude=place.longitude,
            country=place.country,
            available=available.get(place.location_id, {}),
        )
        for place in places.values()
    ]
    offered = in_reach(offers, origin, services.policy.pickup.other_store_within_km)
    ranked = rank_alternatives(wanted, offered, origin, [], needs)
    return [
        {
            "store_id": each.store_id,
            "name": places[each.store_id].name,
            "address": places[each.store_id].address,
            "km": each.distance_km,
            "distance": visit.words["choice"]["distance"].format(km=round(each.distance_km)),
            "whole": each.whole,
            "units": sum(each.lines.values()),
        }
        for each in sorted(ranked, key=lambda each: (each.distance_km, each.store_id))
    ]
