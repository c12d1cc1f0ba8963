"""An order that ships, with the shortcuts that stories about places and parcels need."""

import uuid
from datetime import UTC, datetime
from typing import Any

import httpx

from tests.scenarios.placed import Json, Placed
from tests.scenarios.world import World, taken

ADDRESS = {
    "name": "Test Customer",
    "line1": "Example Street 1",
    "postal_code": "10115",
    "city": "Berlin",
    "country": "DE",
}


def to_ship(address: Json | None = None, **more: Any) -> Json:
    """A fulfilment that ships to Berlin."""
    return {"id": "f1", "method": "ship", "address": ADDRESS | (address or {}), **more}


class Shipped(Placed):
    """Commands of places go to the place that has the shipment, unless another is named."""

    @classmethod
    async def placed(cls, world: World, body: Json) -> "Shipped":
        answer = await world.channel("POST", "/v1/orders", body)
        return cls(world, body, taken(answer), "web")

    @classmethod
    async def place(cls, world: World, ship: Json | None = None, **wanted: Any) -> "Shipped":
        body = world.body(**wanted)
        body["fulfilments"] = [to_ship(**(ship or {}))]
        return await cls.placed(world, body)

    async def tries(
        self, command: str, body: Json | None = None, *, n: int = 1, place: str | None = None
    ) -> httpx.Response:
        at = place or (await self.group(n))["store_id"]
        return await self.world.call(
            "POST", f"/v1/shipments/{self.id}/{n}/{command}", self.world.key_of(at), body or {}
        )

    async def at_place(self, command: str, body: Json | None = None, **where: Any) -> Json:
        return taken(await self.tries(command, body, **where))

    async def shipment(self, n: int = 1) -> Json:
        return taken(await self.world.channel("GET", f"/v1/shipments/{self.id}/{n}"))

    async def is_offered(self, place: str, *, n: int = 1) -> Json:
        """The shipment is before this place."""
        group = await self.group_reaches("offered", n=n)
        assert group["store_id"] == place, group
        return group

    async def packed(self, *, n: int = 1, found: int | None = None) -> Json:
        """The place accepts, picks all that is asked (or what it found of line 1) and packs it."""
        await self.at_place("accept", n=n)
        lines = [
            {"line_id": line["line_id"], "quantity": line["quantity"] if found is None else found}
            for line in (await self.group(n))["lines"]
        ]
        await self.at_place("pick", {"lines": lines}, n=n)
        return await self.at_place("pack", {"lines": lines, "boxes": 1}, n=n)

    async def shipped(self, *, n: int = 1, lines: dict[str, int] | None = None) -> Json:
        """Packed goods leave under a number by hand; the parcel."""
        body: Json = {"carrier": "Handcart", "tracking_number": f"HC{uuid.uuid4().hex[:12].upper()}x"}
        if lines is not None:
            body["lines"] = [{"line_id": line, "quantity": quantity} for line, quantity in lines.items()]
        parcels: list[Json] = (await self.at_place("ship", body, n=n))["parcels"]
        return parcels[-1]

    async def carrier_says(
        self, parcel: Json, status: str, *, at: datetime | None = None, event_id: str | None = None
    ) -> None:
        data = {
            "reference": self.id,
            "shipment": f"shipment/{self.id}/1",
            "label_id": "by-hand",
            "carrier": parcel["carrier"],
            "tracking_number": parcel["tracking_number"],
            "status": status,
            "at": (at or datetime.now(UTC)).isoformat(),
        }
        answer = await self.world.webhook("carrier", {"type": f"parcel.{status}", "data": data}, event_id=event_id)
        assert answer.status_code == 202, answer.text

    async def carrier_brings(self, parcel: Json, *statuses: str) -> None:
        """The simulated carrier scans a parcel whose label it sold, and tells us of it by itself."""
        path = f"{self.world.record['carriers']}/parcels/{parcel['tracking_number']}/events"
        for status in statuses:
            answer = await self.world.http.post(path, json={"status": status})
            assert answer.status_code < 300, answer.text

    async def claim(self, resolution: str, *, n: int = 1, **more: Any) -> httpx.Response:
        body = {"resolution": resolution, **more}
        return await self.world.channel("POST", f"/v1/shipments/{self.id}/{n}/claim", body)
