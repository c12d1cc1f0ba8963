"""Orders that are collected from a parcel machine: put in by the store, taken out with a code by mail."""

from workers.demo.callers import Unexpected
from workers.demo.scene import Scene
from workers.demo.story import Ending, Fate, Story

LOCKER, FULL = "L001", "L-FULL"
"""Machines at S001 and at S002; the second one never has a compartment."""


async def collected_from_the_locker(scene: Scene) -> None:
    await scene.place(locker=LOCKER)
    await _is_put_in(scene)
    code = await _reads_the_mail(scene)
    scene.notes("customer opens locker")
    await scene.callers.opens_locker(LOCKER, "collect", code)
    await scene.until_over()
    if (by := [each["by"] for each in scene.group(1)["hand_overs"]]) != [f"locker {LOCKER}"]:
        raise Unexpected(f"The locker should have handed it over, once; it was handed over by {by}.")


async def counter_instead_of_a_full_locker(scene: Scene) -> None:
    await scene.place(locker=FULL)
    await scene.accepts()
    await _until_locker_is(scene, "full")
    await scene.picks()
    await scene.makes_ready()
    await scene.hands_over(await scene.code())


async def _is_put_in(scene: Scene) -> None:
    """A compartment is reserved, the associate opens it with the operator's code for that, and the operator tells."""
    await scene.accepts()
    await scene.picks()
    await _until_locker_is(scene, "reserved")
    store = scene.callers.store(scene.store_id)
    door = await store.get(f"/v1/pickups/{scene.order_id}/1/deposit-code")
    scene.notes(f"{scene.store_id} fills the locker")
    await scene.callers.opens_locker(LOCKER, "deposit", door["code"])
    await scene.until_group("ready")


async def _reads_the_mail(scene: Scene) -> str:
    """The operator's code, which stands in the customer's mail and nowhere in the order."""
    code = await scene.code()
    [mail] = [mail for mail in await scene.callers.mails(scene.email) if code in mail["text"]]
    if LOCKER not in mail["text"]:
        raise Unexpected("The mail with the locker's code does not name the locker.")
    shop = scene.shop
    kept = str([await scene.look(), await shop.get(f"/v1/orders/{scene.order_id}/timeline", limit=200)])
    if code in kept:
        raise Unexpected("The locker's code stands in the order or in its timeline.")
    return code


async def _until_locker_is(scene: Scene, status: str) -> None:
    await scene.until(
        lambda order: any(group["locker"] and group["locker"]["status"] == status for group in order["groups"]),
        f"the locker is {status}",
    )


def _collected(units: int, kept: int) -> Ending:
    return Ending(Fate.COMPLETED, units, kept, ("collected",))


IN_LOCKERS = (
    Story(
        "web",
        "W-1006",
        "S001",
        {"EARBUDS": 1, "CHARGER-65W": 1},
        collected_from_the_locker,
        "taken from a locker",
        _collected(2, 11890),
        patience=1,
    ),
    Story(
        "app",
        "A-2004",
        "S002",
        {"SHIRT-S": 1},
        counter_instead_of_a_full_locker,
        "locker full; at the counter",
        _collected(1, 2499),
    ),
)
