"""Orders that are not sent at once by a place of ours: one waits for a brokering run, one is sent by a partner."""

from typing import Any

from workers.demo import parcels
from workers.demo.addresses import BERLIN, COLOGNE
from workers.demo.callers import Unexpected
from workers.demo.scene import Scene
from workers.demo.story import Ending, Fate, Story

QUEUE = "economy"
AT_NIGHT = {"queue": QUEUE, "at": ["03:30"], "zone": "Europe/Berlin"}
AT_A_PARTNER: dict[str, Any] = {
    "location_id": "D001",
    "kind": "warehouse",
    "name": "Sample Partner, Cologne",
    "address": "Hansaring 97\n50670 Köln",
    "latitude": 50.9479,
    "longitude": 6.9483,
    "email": "d001@stores.example",
    "hours": {
        "zone": "Europe/Berlin",
        "weekly": {day: [["08:00", "18:00"]] for day in ("mon", "tue", "wed", "thu", "fri")},
    },
    "country": "DE",
    "postal_code": "50670",
    "partner": "P-ACCEPTS",
}


async def brokered_by_a_run(scene: Scene) -> None:
    ops = scene.callers.ops()
    await _have_them_wait(scene)
    await scene.place(service="economy")
    await scene.until_group("queued")
    scene.notes("ops starts a run")
    begun = await ops.post("/v1/brokering-runs", {"queue": QUEUE})
    await parcels.is_shipped(scene)
    *_, last = (await ops.get(f"/v1/ops/routing/{scene.order_id}"))["items"]
    if last["run"] != begun["run"]:
        raise Unexpected(f"The order should have been brokered by {begun['run']}; it was by {last['run']}.")


async def sent_by_a_partner(scene: Scene) -> None:
    (sku, quantity), *_ = scene.basket.items()
    place = AT_A_PARTNER["location_id"]
    await scene.callers.ops().put("/v1/locations", AT_A_PARTNER)
    stock = {"kind": "receipt", "sku": sku, "store_id": place, "quantity": 5 * quantity, "reason": "the partner's list"}
    await scene.callers.service("erp").post("/v1/stock/movements", stock)
    await scene.place()
    await scene.until_group("accepted")
    if (sender := scene.group(1)["store_id"]) != place:
        raise Unexpected(f"The partner next door should send it; it is {sender}.")
    scene.notes("the partner sends it")
    await scene.callers.partner_ships(scene.order_id)
    await scene.until_group("shipped")


async def _have_them_wait(scene: Scene) -> None:
    """Orders that need not hurry wait for a run at night; the rules are else what they were."""
    scene.notes("ops has economy wait")
    ops = scene.callers.ops()
    newest, *_ = (await ops.get("/v1/routing-rules"))["items"]
    rules: dict[str, Any] = newest["rules"]
    waiting = {"queue": QUEUE, "services": ["economy"]}
    await ops.put("/v1/routing-rules", rules | {"classes": [waiting, *rules["classes"]], "runs": [AT_NIGHT]})


SOURCED = (
    Story(
        "app",
        "A-2102",
        "",
        {"PAN-28": 1},
        brokered_by_a_run,
        "waited for a run; shipped",
        Ending(Fate.COMPLETED, 1, 5490, ("delivered",)),
        patience=2,
        address=BERLIN,
    ),
    Story(
        "web",
        "W-2003",
        "",
        {"SOFA-3": 1},
        sent_by_a_partner,
        "sent by a partner",
        Ending(Fate.COMPLETED, 1, 129900, ("delivered",)),
        patience=4,
        address=COLOGNE,
    ),
)
