"""Goods of one story: an item of its own in some stores, so that every unit of it can be accounted for."""

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.scenarios.world import World

COUNTED = ("on_hand", "allocated", "reserved", "set_aside", "withheld")
SPOKEN_FOR = ("allocated", "reserved", "set_aside")


class Shelf:
    def __init__(self, world: "World", sku: str):
        self.world = world
        self.sku = sku

    async def receives(self, store: str, quantity: int) -> None:
        """Goods come in."""
        movement = {"kind": "receipt", "sku": self.sku, "store_id": store, "quantity": quantity, "reason": "delivery"}
        key = self.world.key_of(store)
        answer = await self.world.call("POST", "/v1/stock/movements", key, movement)
        assert answer.status_code == 201, answer.text

    async def at(self, store: str) -> dict[str, Any]:
        return await self.world.stock(self.sku, store)

    async def levels(self) -> dict[str, dict[str, Any]]:
        answer = await self.world.channel("GET", f"/v1/stock?sku={self.sku}&limit=200")
        return {level["store_id"]: level for level in answer.json()["items"]}

    async def ledger(self) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = []
        cursor = ""
        while cursor is not None:
            after = f"&cursor={cursor}" if cursor else ""
            answer = await self.world.channel("GET", f"/v1/stock/ledger?sku={self.sku}&limit=200{after}")
            page = answer.json()
            items += page["items"]
            cursor = page["next_cursor"]
        return items

    async def becomes(self, store: str, **numbers: int) -> None:
        """Some numbers of a level, once they are so."""

        async def look() -> bool:
            level = await self.at(store)
            return all(level[name] == number for name, number in numbers.items())

        await self.world.until(f"{self.sku} at {store} has {numbers}", look)

    async def adds_up(self, **on_hand: int) -> None:
        """In the end: so many units in the stores, none spoken for, every level the sum of its movements."""
        levels, movements = await asyncio.gather(self.levels(), self.ledger())
        assert {store: level["on_hand"] for store, level in levels.items()} == on_hand
        for store, level in levels.items():
            assert [level[name] for name in SPOKEN_FOR] == [0, 0, 0], level
            here = [each for each in movements if each["store_id"] == store]
            assert {name: level[name] for name in COUNTED} == {
                name: sum(each[name] for each in here) for name in COUNTED
            }
            running = dict.fromkeys(COUNTED, 0)
            for each in here:
                for name in COUNTED:
                    running[name] += each[name]
                assert min(running.values()) >= 0, each
