"""Choosing places by stock, capacity and rules as they are: one answer to one question, and never over a limit."""

from datetime import UTC, datetime
from typing import Any

import pytest

from activities.sourcing import CapacityWanted, ParcelAt, PlacesWanted, SourcingSteps, Wish
from adapters.inventory.port import Reserve, StockMovement
from adapters.places.port import Capacity, Pause, Place, PlaceKind
from adapters.transaction.memory import MemoryTransactions
from domain.actors import Channel
from domain.destinations import Destination
from domain.ids import LineId, OperationKey, OrderId, Sku, StoreId
from domain.intake import Service
from domain.shipping_times import ShippingPolicy
from domain.stock import MovementKind, StockLine
from domain.store_hours import StoreHours, always_open

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
SHOE, A = Sku("SHOE"), LineId("A")
BERLIN = Destination(country="DE", latitude=52.5, longitude=13.4)
ORDER = OrderId("o1")


@pytest.fixture
def books() -> MemoryTransactions:
    return MemoryTransactions()


async def opened(books: MemoryTransactions, name: str, units: int, latitude: float = 52.5, **more: Any) -> None:
    given: dict[str, Any] = {
        "location_id": StoreId(name),
        "kind": PlaceKind.STORE,
        "name": name,
        "address": "Street 1",
        "latitude": latitude,
        "longitude": 13.4,
        "email": f"{name.lower()}@example.org",
        "hours": always_open("Europe/Berlin"),
    }
    async with books.begin() as here:
        await here.places.put(Place(**given | more))
        if units:
            await here.inventory.move(
                StockMovement(
                    key=OperationKey(f"receipt:{name}"),
                    at=NOW,
                    kind=MovementKind.RECEIPT,
                    sku=SHOE,
                    location_id=StoreId(name),
                    quantity=units,
                )
            )


def wanted(quantity: int = 2, key: str = "o1:sourcing:1", **more: Any) -> PlacesWanted:
    wish: dict[str, Any] = {
        "n": 1,
        "lines": {A: quantity},
        "destination": BERLIN,
        "service": Service.STANDARD,
    }
    given = {name: more.pop(name) for name in ("spoken_for", "hours_of") if name in more}
    return PlacesWanted(
        key=OperationKey(key),
        order_id=ORDER,
        at=NOW,
        channel=Channel.WEB,
        policy=ShippingPolicy(),
        skus={A: SHOE},
        wishes=[Wish(**wish | more)],
        **given,
    )


async def chosen(books: MemoryTransactions, question: PlacesWanted) -> dict[str, int]:
    found = await SourcingSteps(books).find_places(question)
    return {part.location_id: part.lines[A] for part in found.parts[1]}


async def test_the_nearest_place_that_has_all_ships_it_and_the_log_says_why(books: MemoryTransactions) -> None:
    await opened(books, "S1", 5, 48.0)
    await opened(books, "S2", 5, 52.4)
    assert await chosen(books, wanted()) == {"S2": 2}
    [entry] = await books.books.routing.decisions(ORDER)
    assert (entry.group, entry.decision.parts[0].location_id, entry.snapshot is not None) == (1, "S2", True)


@pytest.mark.parametrize(
    ("units", "allow_split", "expected"),
    [
        ({"S1": 3, "W1": 9}, True, {"S1": 3}),
        ({"S1": 2, "W1": 9}, True, {"W1": 3}),
        ({"S1": 2, "W1": 1, "W2": 2}, True, {"W1": 1, "W2": 2}),
        ({"S1": 2, "W1": 1}, True, {"S1": 2, "W1": 1}),
        ({"S1": 2, "W1": 1}, False, {}),
    ],
)
async def test_what_goes_to_a_store_stays_there_or_comes_from_others_as_far_as_they_have_it(
    books: MemoryTransactions, units: dict[str, int], allow_split: bool, expected: dict[str, int]
) -> None:
    for name, there in units.items():
        await opened(books, name, there)
    question = wanted(3, to_store=StoreId("S1"), allow_split=allow_split)
    assert await chosen(books, question) == expected
    assert len(await books.books.routing.decisions(ORDER)) == 1


async def test_the_same_question_has_the_same_answer_though_the_stock_is_taken(books: MemoryTransactions) -> None:
    """A task that is played again asks again, when the order holds the units already."""
    await opened(books, "S1", 2)
    await opened(books, "S2", 2, 48.0)
    assert await chosen(books, wanted()) == {"S1": 2}
    line = StockLine(line_id=A, sku=SHOE, location_id=StoreId("S1"), quantity=2)
    async with books.begin() as here:
        await here.inventory.reserve(Reserve(key=OperationKey("r"), at=NOW, order_id=ORDER, lines=(line,)))
    assert await chosen(books, wanted()) == {"S1": 2}
    assert await chosen(books, wanted(key="o1:sourcing:2")) == {"S2": 2}
    assert len(await books.books.routing.decisions(ORDER)) == 2


@pytest.mark.parametrize(
    "closed",
    [
        {"pause": Pause()},
        {"ships": False},
        {"capacity": Capacity(per_day=0)},
        {"capacity": Capacity(concurrent=0)},
        {"hours": StoreHours(zone="Europe/Berlin", weekly={})},
    ],
)
async def test_a_place_that_takes_nothing_on_is_passed_over(books: MemoryTransactions, closed: dict[str, Any]) -> None:
    await opened(books, "S1", 5, **closed)
    await opened(books, "S2", 5, 48.0)
    assert await chosen(books, wanted()) == {"S2": 2}


async def test_places_that_declined_or_are_excluded_are_not_asked(books: MemoryTransactions) -> None:
    for name in ("S1", "S2", "S3"):
        await opened(books, name, 5)
    assert list(await chosen(books, wanted(exclude=["S1"], declined_by=["S2"]))) == ["S3"]


async def test_what_nobody_has_whole_is_split_where_that_is_allowed(books: MemoryTransactions) -> None:
    await opened(books, "S1", 1)
    await opened(books, "S2", 1)
    assert await chosen(books, wanted()) == {"S1": 1, "S2": 1}
    assert await chosen(books, wanted(key="k2", allow_split=False)) == {}


async def test_units_that_the_order_takes_elsewhere_do_not_count(books: MemoryTransactions) -> None:
    await opened(books, "S1", 2)
    spoken_for = (StockLine(line_id=LineId("B"), sku=SHOE, location_id=StoreId("S1"), quantity=1),)
    assert await chosen(books, wanted(spoken_for=spoken_for)) == {"S1": 1}


async def test_opening_hours_come_with_the_choice(books: MemoryTransactions) -> None:
    await opened(books, "S1", 2)
    await opened(books, "S2", 0)
    found = await SourcingSteps(books).find_places(wanted(hours_of=["S2"]))
    assert set(found.hours) == {"S1", "S2"}


# --- capacity ---------------------------------------------------------------------------------------------------------


def taking(*places: str, key: str = "c1", **more: Any) -> CapacityWanted:
    take = [ParcelAt(key=OperationKey(f"{key}:{place}"), location_id=StoreId(place)) for place in places]
    return CapacityWanted(order_id=ORDER, at=NOW, take=take, **more)


async def test_capacity_is_taken_once_and_never_over_the_limit(books: MemoryTransactions) -> None:
    await opened(books, "S1", 5, capacity=Capacity(per_day=1))
    steps = SourcingSteps(books)
    assert await steps.hold_capacity(taking("S1"))
    assert await steps.hold_capacity(taking("S1"))
    assert not await steps.hold_capacity(taking("S1", key="c2"))
    assert await chosen(books, wanted()) == {}
    assert await steps.hold_capacity(taking("S1", key="c3", limited=False))


async def test_all_places_take_their_parcel_on_or_none_does(books: MemoryTransactions) -> None:
    await opened(books, "S1", 5, capacity=Capacity(per_day=1))
    await opened(books, "S2", 5, capacity=Capacity(per_day=0))
    steps = SourcingSteps(books)
    assert not await steps.hold_capacity(taking("S1", "S2"))
    assert await steps.hold_capacity(taking("S1", key="c2"))


async def test_what_came_to_nothing_is_given_back_first(books: MemoryTransactions) -> None:
    await opened(books, "S1", 5, capacity=Capacity(concurrent=1))
    steps = SourcingSteps(books)
    assert await steps.hold_capacity(taking("S1"))
    assert await steps.hold_capacity(taking("S1", key="c2", give_back=[OperationKey("c1:S1")]))
