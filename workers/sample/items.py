"""Forty items that are stocked, and a kit of some of them.

A price is the usual one in euros' minor units; an order's own prices are the ones that count.
"""

from adapters.items.port import Item, Part
from domain.ids import Sku


def _item(sku: str, name: str, price: int, grams: int, *, pickup: bool = True) -> Item:
    return Item(sku=Sku(sku), name=name, price=price, weight_grams=grams, pickup=pickup)


ITEMS = (
    # Shoes
    _item("SHOE-40", "Trail shoe, size 40", 4999, 780),
    _item("SHOE-41", "Trail shoe, size 41", 4999, 800),
    _item("SHOE-42", "Trail shoe, size 42", 4999, 820),
    _item("SHOE-43", "Trail shoe, size 43", 4999, 840),
    _item("SHOE-44", "Trail shoe, size 44", 4999, 860),
    _item("BOOT-38", "Winter boot, size 38", 8999, 1300),
    _item("BOOT-42", "Winter boot, size 42", 8999, 1500),
    _item("SANDAL-39", "Leather sandal, size 39", 3999, 520),
    # Clothes
    _item("SHIRT-S", "Cotton shirt, S", 2499, 180),
    _item("SHIRT-M", "Cotton shirt, M", 2499, 190),
    _item("SHIRT-L", "Cotton shirt, L", 2499, 200),
    _item("JEANS-32", "Straight jeans, W32", 5999, 650),
    _item("JEANS-34", "Straight jeans, W34", 5999, 680),
    _item("COAT-M", "Wool coat, M", 18900, 1900),
    _item("COAT-L", "Wool coat, L", 18900, 2000),
    _item("SCARF-BLUE", "Merino scarf, blue", 3499, 150),
    _item("HAT-GREY", "Felt hat, grey", 4499, 140),
    _item("SOCKS-3", "Wool socks, three pairs", 1499, 160),
    # Home
    _item("MUG-RED", "Stoneware mug, red", 1290, 380),
    _item("MUG-BLUE", "Stoneware mug, blue", 1290, 380),
    _item("KETTLE-1L", "Kettle, one litre", 4490, 1100),
    _item("PAN-28", "Iron pan, 28 cm", 5490, 2300),
    _item("LAMP-DESK", "Desk lamp", 7900, 1700),
    _item("CLOCK-WALL", "Wall clock", 3990, 900),
    _item("TOWEL-2", "Bath towels, pair", 2990, 1100),
    _item("DUVET-200", "Down duvet, 200 × 200 cm", 22900, 2600),
    _item("CHAIR-OAK", "Oak chair", 15900, 6200),
    _item("TABLE-OAK", "Oak table", 64900, 38000, pickup=False),
    _item("SOFA-3", "Three-seat sofa", 129900, 64000, pickup=False),
    # Electronics
    _item("HEADPHONES", "Headphones, over-ear", 12900, 420),
    _item("EARBUDS", "Earbuds", 7900, 60),
    _item("SPEAKER", "Portable speaker", 9900, 750),
    _item("RADIO-DAB", "Digital radio", 8900, 1300),
    _item("CAMERA", "Compact camera", 44900, 480),
    _item("WATCH", "Sports watch", 24900, 90),
    _item("CHARGER-65W", "Charger, 65 W", 3990, 180),
    # Toys and books
    _item("PUZZLE-1000", "Puzzle, 1000 pieces", 1990, 850),
    _item("BLOCKS-WOOD", "Wooden blocks", 2990, 1400),
    _item("BEAR", "Teddy bear", 2490, 350),
    _item("ATLAS", "World atlas", 3900, 2100),
)

KITS = (
    Item(
        sku=Sku("SET-BREAKFAST"),
        name="Breakfast set: a kettle and four red mugs",
        price=8990,
        components=[Part(sku=Sku("KETTLE-1L"), quantity=1), Part(sku=Sku("MUG-RED"), quantity=4)],
    ),
)
"""Sold as one article, stocked as what they are made of."""
