"""The first step of a new order: its units are held, it is screened, and the hours of its places are known."""

import asyncio
from datetime import datetime

from pydantic import BaseModel, ConfigDict
from temporalio import activity

from activities import faults
from activities.beyond_stock import Asked, Waiting, sell_beyond_stock
from activities.milestones import StockStep, hours_by_id
from activities.promises import convert
from adapters.fraud.port import Screening, ScreeningRequest, Verdict
from adapters.inventory.port import KeyConflict, OutOfStock, Reservations
from adapters.transaction.port import Transactions
from domain.ids import LineId, OrderId, StoreId
from domain.stock import StockLine
from domain.store_hours import StoreHours


class Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Claim(Message):
    """What a new order needs before anything else: its units, and the opening hours of the places that have them."""

    order_id: OrderId
    at: datetime
    stock: StockStep
    places: list[StoreId]
    groups: dict[LineId, int] = {}
    """The group of each line that may be sold beyond stock."""
    ahead: tuple[StockLine, ...] = ()
    """Lines that no place can ship: they are sold beyond stock, or the order cannot be."""
    promises: list[OrderId] = []
    """Under these names some of its units are kept already."""
    screening: ScreeningRequest | None = None
    """None: the seller screens elsewhere."""


class Claimed(Message):
    """All units are held or wait for supply, whatever the verdict is."""

    hours: dict[StoreId, StoreHours] = {}
    waiting: list[Waiting] = []
    """Lines that are sold beyond stock."""
    verdict: Verdict = Verdict.ACCEPT


class ClaimSteps:
    def __init__(self, transactions: Transactions, reservations: Reservations, screening: Screening):
        self.transactions = transactions
        self.reservations = reservations
        self.screening = screening

    @activity.defn
    async def claim_stock(self, claim: Claim) -> Claimed:
        """Hold all units of a new order or none, then screen it; what may be sold beyond stock waits for supply.

        Nobody sees the order yet: its record is the next milestone. Fails with `OutOfStock` (nothing is changed).
        """
        return await faults.mapped(self._claim, claim)

    async def _claim(self, claim: Claim) -> Claimed:
        (waiting, verdict), hours = await asyncio.gather(self._held_and_screened(claim), self._hours(claim))
        return Claimed(hours=hours, waiting=waiting, verdict=verdict)

    async def _held_and_screened(self, claim: Claim) -> tuple[list[Waiting], Verdict]:
        waiting = await self._beyond_stock(claim) if claim.ahead else await self._from_stock(claim)
        # An order that cannot be had is not screened: some ask money for that, and count what they are asked.
        verdict = await self.screening.screen(claim.screening) if claim.screening else Verdict.ACCEPT
        return waiting, verdict

    async def _hours(self, claim: Claim) -> dict[StoreId, StoreHours]:
        async with self.transactions.reading() as books:
            return hours_by_id(await books.places.places(claim.places), claim.at)

    async def _from_stock(self, claim: Claim) -> list[Waiting]:
        if not claim.stock.lines:
            return []  # nothing of it lies on a shelf
        try:
            await self._reserve(claim)
        except (OutOfStock, KeyConflict) as refused:  # the key is in use when an earlier try held a part of it
            if not claim.groups:
                raise
            try:
                return await self._beyond_stock(claim)
            except OutOfStock as beyond:
                # What is missing is said of the whole order.
                raise refused if isinstance(refused, OutOfStock) else beyond from None
        return []

    async def _reserve(self, claim: Claim) -> None:
        wanted = claim.stock.reservation(claim.order_id, claim.at)
        if not claim.promises:
            await self.reservations.reserve(wanted)
            return
        async with self.transactions.begin() as books:
            for promise in claim.promises:
                await convert(books.inventory, promise, claim.order_id, claim.at)
            await books.inventory.reserve(wanted)

    async def _beyond_stock(self, claim: Claim) -> list[Waiting]:
        async with self.transactions.begin() as books:
            return await sell_beyond_stock(
                books,
                Asked(
                    order_id=claim.order_id,
                    at=claim.at,
                    key=claim.stock.key,
                    channel=claim.stock.channel,
                    lines=claim.stock.lines,
                    ahead=claim.ahead,
                    groups=claim.groups,
                ),
            )
