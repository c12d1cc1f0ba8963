"""Places and items to put and to find."""

from adapters.items.port import Item
from adapters.places.port import Place, PlaceKind
from domain.ids import Sku
from domain.store_hours import StoreHours


def place(location_id: str, **fields: object) -> Place:
    return Place.model_validate(
        {
            "location_id": location_id,
            "kind": PlaceKind.STORE,
            "name": "Berlin Mitte",
            "address": "Street 1",
            "latitude": 52.52000659999999,
            "longitude": 13.404954,
            "email": "store@stores.example",
            "hours": StoreHours(zone="Europe/Berlin", weekly={"mon": (("09:00", "12:30"), ("14:00", "18:00"))}),
            **fields,
        }
    )


def item(sku: str, name: str = "Kettle", **fields: object) -> Item:
    return Item.model_validate({"sku": Sku(sku), "name": name, **fields})
