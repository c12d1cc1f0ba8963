"""Orders that are changed after they were placed: what is owed is paid first, what is due is given back."""

from typing import Any

from workers.demo import parcels
from workers.demo.addresses import BERLIN, HAMBURG
from workers.demo.callers import Unexpected
from workers.demo.scene import PRICES, Scene
from workers.demo.story import Ending, Fate, Story

COSTS = ("before", "after", "owed", "due")


async def one_more_to_another_address(scene: Scene) -> None:
    await scene.place()
    (sku, quantity), *_ = scene.basket.items()
    opened = await _changes(scene, {"quantity": {"1": quantity + 1}}, "wants one more", owed=PRICES[sku])
    if opened["applied"] or opened["next_action"]["kind"] != "pay_change":
        raise Unexpected("A change that is owed was made before it was paid.")
    await scene.asks("payments", {"tenders": [_card(opened["owed"])]}, "pays for it")
    await _changes(scene, {"address": HAMBURG}, "moves to Hamburg")
    label = await scene.callers.ops().get(f"/v1/shipments/{scene.order_id}/1")
    if HAMBURG["city"] not in str(label["address"]):
        raise Unexpected("The parcel's address is not the new one.")
    await parcels.is_shipped(scene)


async def two_fewer(scene: Scene) -> None:
    await scene.place()
    (sku, quantity), *_ = scene.basket.items()
    await scene.accepts()
    await _changes(scene, {"quantity": {"1": quantity - 2}}, "wants two fewer", due=2 * PRICES[sku])
    await scene.picks()
    await scene.makes_ready()
    await scene.hands_over(await scene.code())


async def _changes(scene: Scene, wish: dict[str, Any], words: str, *, owed: int = 0, due: int = 0) -> dict[str, Any]:
    """Look at what a change would cost, then make it: both say the same, and it is what it should be."""
    seen = await scene.shop.post(f"/v1/orders/{scene.order_id}/changes", wish | {"preview": True})
    made: dict[str, Any] = await scene.asks("changes", wish, words)
    if [seen[name] for name in COSTS] != [made[name] for name in COSTS]:
        raise Unexpected("A change cost something else than its preview had said.")
    if (made["owed"], made["due"]) != (owed, due):
        raise Unexpected(f"Owed {made['owed']} and due {made['due']}; expected {owed} and {due}.")
    await scene.look()
    return made


def _card(amount: int) -> dict[str, Any]:
    return {"type": "card", "token": "tok_ok", "amount": amount}


CHANGED = (
    Story(
        "call_centre",
        "T-3003",
        "",
        {"SANDAL-39": 1},
        one_more_to_another_address,
        "1 more; another address",
        Ending(Fate.COMPLETED, 2, 7998, ("delivered",)),
        patience=1,
        address=BERLIN,
    ),
    Story(
        "kiosk",
        "K-4003",
        "S004",
        {"MUG-RED": 4},
        two_fewer,
        "2 fewer; their money freed",
        Ending(Fate.COMPLETED, 2, 2580, ("collected",)),
    ),
)
