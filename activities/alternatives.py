"""What other stores could serve, read from stock and places at one moment."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict
from temporalio import activity

from activities.milestones import hours_by_id
from adapters.places.port import PlaceKind
from adapters.transaction.port import Transactions
from domain.actors import Channel
from domain.alternatives import StoreOffer
from domain.ids import Sku, StoreId
from domain.store_hours import StoreHours


class AlternativesWanted(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    origin: StoreId
    skus: list[Sku]
    channel: Channel
    at: datetime


class AlternativesFound(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    offers: list[StoreOffer]
    hours: dict[StoreId, StoreHours]


class AlternativeSteps:
    def __init__(self, transactions: Transactions):
        self.transactions = transactions

    @activity.defn
    async def find_stores(self, wanted: AlternativesWanted) -> AlternativesFound:
        """Every open store with what it could promise of the wanted SKUs, and where it is."""
        async with self.transactions.reading() as books:
            places = [
                place
                for place in await books.places.places()
                if place.kind is PlaceKind.STORE and not place.paused(wanted.at)
            ]
        stock = await self.transactions.stock.availability(
            wanted.skus, [place.location_id for place in places], wanted.channel
        )
        available: dict[StoreId, dict[Sku, int]] = {}
        for level in stock:
            available.setdefault(level.location_id, {})[level.sku] = level.available
        return AlternativesFound(
            offers=[
                StoreOffer(
                    store_id=place.location_id,
                    latitude=place.latitude,
                    longitude=place.longitude,
                    country=place.country,
                    available=available.get(place.location_id, {}),
                )
                for place in places
            ],
            hours=hours_by_id(places, wanted.at),
        )
