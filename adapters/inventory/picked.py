"""What stores have in their hands for orders: the one fact about stock that orders' records know, not the levels."""

from collections.abc import Awaitable, Callable, Mapping

from adapters.inventory.port import Variance
from domain.ids import OrderId, Sku, StoreId

PickedAt = Callable[[Sku, StoreId], Awaitable[Mapping[OrderId, int]]]
"""Units of a SKU that a store has picked or staged and not handed over, by order."""


async def nobody_has_picked(sku: Sku, store_id: StoreId) -> Mapping[OrderId, int]:
    """For an inventory that stands alone, without records of orders."""
    return {}


async def in_hands(request: Variance, picked_at: PickedAt) -> int:
    """The units that stay counted whatever the store says of its shelf.

    The rejecting order's record is older than its rejection: where the two differ, the larger number is the newer.
    """
    picked = dict(await picked_at(request.sku, request.location_id))
    own = picked.pop(request.order_id, 0)
    return max(own, request.found) + sum(picked.values())
