"""Items in memory: for tests."""

from collections.abc import Sequence

from adapters.items.port import Item, check_kit


class MemoryItems:
    """See `port.Items`."""

    def __init__(self) -> None:
        self._items: dict[str, Item] = {}

    async def items(self, skus: Sequence[str] | None = None) -> Sequence[Item]:
        return [item for sku, item in sorted(self._items.items()) if skus is None or sku in skus]

    async def page(self, *, after: str | None, limit: int) -> Sequence[Item]:
        return [item for sku, item in sorted(self._items.items()) if after is None or sku > after][:limit]

    async def put(self, item: Item) -> None:
        if item.components:
            used_by = [
                sku for sku, each in self._items.items() if any(part.sku == item.sku for part in each.components)
            ]
            check_kit(item, await self.items([part.sku for part in item.components]), used_by)
        self._items[item.sku] = item
