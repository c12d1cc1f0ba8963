"""Orders that are shipped, to the customer or to the store where they are collected."""

import asyncio

from workers.demo import parcels
from workers.demo.addresses import BERLIN, HAMBURG, LEIPZIG, WHERE_PARCELS_ARE_LOST
from workers.demo.scene import Scene
from workers.demo.story import Ending, Fate, Story


async def shipped_whole(scene: Scene) -> None:
    await scene.place()
    await parcels.is_shipped(scene)


async def split_over_places(scene: Scene) -> None:
    await scene.place()
    await asyncio.gather(*(parcels.is_shipped(scene, group["n"]) for group in scene.order["groups"]))


async def declined_then_silence_then_shipped(scene: Scene) -> None:
    await scene.place()
    await parcels.is_declined(scene)
    await parcels.is_put_elsewhere(scene, 2)
    await parcels.is_shipped(scene, 3)


async def collected_and_shipped(scene: Scene) -> None:
    shipped = list(scene.basket)[-1]
    await scene.place(ships=[shipped])
    code, _ = await asyncio.gather(scene.is_made_ready(), parcels.is_shipped(scene, 2))
    await scene.hands_over(code)


async def sent_to_the_store(scene: Scene) -> None:
    await scene.place(method="ship_to_store")
    await parcels.is_sent_to_the_store(scene)
    await scene.makes_ready()
    await scene.hands_over(await scene.code())


async def lost_and_paid_back(scene: Scene) -> None:
    await scene.place()
    await parcels.is_shipped(scene)


async def sold_ahead(scene: Scene) -> None:
    await scene.place()
    await scene.until_group("waiting")
    (sku, quantity), *_ = scene.basket.items()
    await scene.receives(sku, 5 * quantity, "W001")
    await parcels.is_shipped(scene)


def _delivered(units: int, kept: int, *before: str, groups: int = 1) -> Ending:
    return Ending(Fate.COMPLETED, units, kept, (*before, *("delivered",) * groups))


SHIPPED = (
    Story(
        "web",
        "W-2001",
        "",
        {"SHOE-43": 2},
        shipped_whole,
        "shipped whole",
        _delivered(2, 9998),
        address=BERLIN,
    ),
    Story(
        "app",
        "A-2101",
        "",
        {"SCARF-BLUE": 1, "HAT-GREY": 2, "CLOCK-WALL": 1},
        split_over_places,
        "no place had all: 3 parcels",
        _delivered(4, 16487, groups=3),
        address=HAMBURG,
    ),
    Story(
        "marketplace",
        "M-5101",
        "",
        {"PUZZLE-1000": 2},
        declined_then_silence_then_shipped,
        "1 declined, 1 silent; shipped",
        _delivered(2, 3980, "rejected", "rejected"),
        patience=4,
        address=BERLIN,
    ),
    Story(
        "branch",
        "B-7101",
        "S002",
        {"BOOT-38": 1, "SOCKS-3": 2},
        collected_and_shipped,
        "1 collected, 2 shipped",
        Ending(Fate.COMPLETED, 3, 11997, ("collected", "delivered")),
        address=HAMBURG,
    ),
    Story(
        "call_centre",
        "T-3101",
        "S003",
        {"COAT-L": 1},
        sent_to_the_store,
        "sent to the store; collected",
        Ending(Fate.COMPLETED, 1, 18900, ("collected",)),
    ),
    Story(
        "web",
        "W-2002",
        "",
        {"BLOCKS-WOOD": 1},
        lost_and_paid_back,
        "parcel lost; paid back",
        Ending(Fate.CANCELLED, groups=("exception",), lost=1),
        patience=3,
        address=WHERE_PARCELS_ARE_LOST,
    ),
    Story(
        "chat",
        "C-6101",
        "",
        {"SET-BREAKFAST": 1},
        shipped_whole,
        "a kit of 5 pieces, shipped",
        _delivered(1, 8990),
        address=LEIPZIG,
    ),
    Story(
        "social",
        "S-9101",
        "",
        {"CHAIR-OAK": 1},
        sold_ahead,
        "sold ahead; shipped when it came",
        _delivered(1, 15900),
        patience=1,
        address=BERLIN,
    ),
)
