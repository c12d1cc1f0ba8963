"""What lies where to begin with: plenty, but for a few units that people compete for; and some safety stock.

A few articles lie at one place alone, and one nowhere yet: it is sold ahead.
"""

from datetime import timedelta

from adapters.inventory.port import BufferRule
from domain.actors import Channel
from domain.ids import Sku, StoreId

_PLENTY_IN_A_STORE = 1_000
_PLENTY_IN_A_WAREHOUSE = 10_000
_PLENTY_OF_THE_EXAMPLE = 20_000
_THE_EXAMPLE = "SHOE-42"
"""The item of the tutorials, the demo and the load tests."""

_ONLY_AT = {"SCARF-BLUE": "S001", "HAT-GREY": "S002", "CLOCK-WALL": "W001"}
"""One place alone has them, so an order for two of them is split."""

SOLD_AHEAD = {Sku("CHAIR-OAK"): (200, timedelta(days=40))}
"""In stock nowhere: so many may be sold until supply comes, which is expected so long from now."""

_SCARCE = {
    ("COAT-L", "S002"): 1,
    ("COAT-L", "S003"): 0,
    ("LAMP-DESK", "S001"): 2,
    ("LAMP-DESK", "S005"): 1,
    ("CAMERA", "S003"): 0,
    ("CAMERA", "S006"): 3,
    ("CAMERA", "W001"): 12,
    ("BEAR", "S004"): 10,
    ("ATLAS", "S008"): 0,
    ("ATLAS", "S009"): 1,
}


def starting_quantity(sku: str, location_id: str) -> int:
    """Units of a SKU at a place to begin with."""
    if sku == _THE_EXAMPLE:
        return _PLENTY_OF_THE_EXAMPLE
    if sku in SOLD_AHEAD or _ONLY_AT.get(sku, location_id) != location_id:
        return 0
    plenty = _PLENTY_IN_A_WAREHOUSE if location_id.startswith("W") else _PLENTY_IN_A_STORE
    return _SCARCE.get((sku, location_id), plenty)


BUFFERS = (
    # A marketplace hears late of what the stores sell.
    BufferRule(sku=Sku("HEADPHONES"), channel=Channel.MARKETPLACE, quantity=20),
    BufferRule(sku=Sku("CAMERA"), channel=Channel.MARKETPLACE, quantity=5),
    # Kept for those who come in.
    BufferRule(sku=Sku("MUG-RED"), location_id=StoreId("S002"), quantity=6),
    BufferRule(sku=Sku("CAMERA"), location_id=StoreId("S006"), quantity=1),
)
