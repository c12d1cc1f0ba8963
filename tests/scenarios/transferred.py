"""An order whose goods are sent to the store where they are collected."""

from typing import Any

from tests.scenarios.placed import Json
from tests.scenarios.shipped import Shipped
from tests.scenarios.world import World, taken

TO_S001 = [{"id": "f1", "method": "ship_to_store", "store_id": "S001"}]


class Transferred(Shipped):
    """Collected at S001; commands go to whoever has something to do with it, unless another place is named."""

    @classmethod
    async def to_store(cls, world: World, **wanted: Any) -> "Transferred":
        answer = await world.channel("POST", "/v1/orders", body := world.body(**wanted) | {"fulfilments": TO_S001})
        return cls(world, body, taken(answer), "web")

    async def tries(self, command: str, body: Json | None = None, *, n: int = 1, place: str | None = None) -> Any:
        group = await self.group(n)
        at = place or (group["from_store"] if group.get("sending") else group["store_id"])
        return await super().tries(command, body, n=n, place=at)

    async def on_its_way(self, *, n: int = 1) -> Json:
        await self.packed(n=n)
        return await self.shipped(n=n)
