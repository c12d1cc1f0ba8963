"""What places and carriers do with the part of an order that is shipped, each act one call over HTTP."""

from typing import Any

from workers.demo.scene import Scene


async def is_shipped(scene: Scene, n: int = 1) -> None:
    """Accepted, picked, packed, labelled; the carrier takes the parcel and brings it by itself."""
    await scene.until_group("offered", n)
    await _acts(scene, n, "accept", {}, "takes it on")
    await _leaves(scene, n)


async def is_sent_to_the_store(scene: Scene, n: int = 1) -> None:
    """The same, from the place that has it to the store where it is collected, which receives it."""
    await scene.until_group("requested", n)
    await _acts(scene, n, "accept", {}, "takes it on")
    await _leaves(scene, n)
    await _acts(scene, n, "arrive", {}, "receives it")


async def is_declined(scene: Scene, n: int = 1) -> None:
    await scene.until_group("offered", n)
    await _acts(scene, n, "reject", {"reason": "no_variance"}, "declines it")


async def is_put_elsewhere(scene: Scene, n: int = 1) -> None:
    """The place says nothing until the work is taken from it."""
    await scene.until_group("offered", n)
    await scene.until_group("rejected", n)


async def _leaves(scene: Scene, n: int) -> None:
    lines = [{"line_id": line["line_id"], "quantity": line["quantity"]} for line in scene.group(n)["lines"]]
    await _acts(scene, n, "pick", {"lines": lines}, "picks it")
    await _acts(scene, n, "pack", {"lines": lines, "boxes": 1}, "packs it")
    shipment = await _acts(scene, n, "ship", {}, "ships it")
    await scene.callers.carrier_picks_up(shipment["parcels"][-1]["tracking_number"])


async def _acts(scene: Scene, n: int, verb: str, body: dict[str, Any], words: str) -> Any:
    await scene.look()
    group = scene.group(n)
    place = group["from_store"] if group.get("sending") else group["store_id"]
    return await scene.acts(place, f"/v1/shipments/{scene.order_id}/{n}/{verb}", body, words)
