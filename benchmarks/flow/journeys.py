"""Orders of either kind from placing to their end: collected or delivered, some after a store has declined."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Any, NamedTuple

from benchmarks.flow.throughline import Throughline
from benchmarks.load import Stopwatch
from benchmarks.turns import must
from domain.actors import Actor, ActorKind, Channel
from domain.carriage import ParcelStatus
from domain.groups import GroupStatus
from domain.ids import CommandId, StoreId
from domain.stock import RejectReason
from domain.terms import OrderTerms
from workflows import messages

BUYER = Actor(kind=ActorKind.CHANNEL, id="web", channel=Channel.WEB)
CARRIER = "Handcart"
PATIENCE = 30.0
LOOK_AGAIN = 0.02


class At(NamedTuple):
    """Who has an order's units, and as which group."""

    n: int
    store: StoreId


class Journeys:
    """What buyers, stores and carriers do, on one party; how long orders took to be placed, and whole."""

    def __init__(self, party: Throughline) -> None:
        self.party = party
        self.placing = Stopwatch()
        self.whole: dict[str, list[float]] = {}
        self.commands = 0
        """All that people sent: placing, what stores did, choices, carriers' news."""

    async def carry(self, terms: OrderTerms, *, declined: bool) -> None:
        began = time.perf_counter()
        self.commands += 1
        await self.placing.time(self.party.place(terms))
        await (self._ship if terms.shipments else self._collect)(terms, declined=declined)
        kind = "delivered" if terms.shipments else "collected"
        self.whole.setdefault(kind, []).append(time.perf_counter() - began)

    async def _collect(self, terms: OrderTerms, *, declined: bool) -> None:
        """A store that declines has its customer choose: another store, by the engine's own ranking."""
        at = At(1, terms.pickups[0].store_id)
        if declined:
            await self._decline(terms, at)
            command = messages.Choose(
                command_id=CommandId(f"choose-{terms.order_id}"), actor=BUYER, option=messages.ChoiceOption.OTHER_STORE
            )
            self.commands += 1
            group = (await self.party.send(terms, "choose", command)).group
            assert group.store_id is not None
            must(group.store_id != at.store, f"the customer was sent to {at.store} again")
            at = At(group.n, group.store_id)
        await self._store_does(terms, at, "accept", messages.Accept)
        await self._store_does(terms, at, "pick", messages.Pick, lines=_lines(terms))
        await self._store_does(terms, at, "ready", messages.MakeReady, location="A1")
        await self._store_does(terms, at, "hand_over", messages.GiveOut, code_serials=[1])

    async def _ship(self, terms: OrderTerms, *, declined: bool) -> None:
        """A place that declines is replaced by the rules. The end is the carrier's word that the buyer has it."""
        at = await self._offered(terms, 1)
        if declined:
            await self._decline(terms, at)
            again = await self._offered(terms, 2)
            must(again.store != at.store, f"{at.store} was asked again")
            at = again
        number = f"HC-{terms.order_id}"
        await self._store_does(terms, at, "accept", messages.Accept)
        await self._store_does(terms, at, "pick", messages.Pick, lines=_lines(terms))
        await self._store_does(terms, at, "pack", messages.Pack, lines=_lines(terms))
        await self._store_does(terms, at, "ship", messages.Ship, carrier=CARRIER, tracking_number=number)
        self.commands += 1
        order = self.party.order(terms)
        await order.signal("carrier_event", _delivered(number))
        await order.result()

    async def _decline(self, terms: OrderTerms, at: At) -> None:
        """Nothing is wrong with the stock: it stays where it is, for others."""
        await self._store_does(terms, at, "reject", messages.Reject, reason=RejectReason.NO_VARIANCE)

    async def _store_does(
        self, terms: OrderTerms, at: At, update: str, command: type[messages.Command], **more: Any
    ) -> None:
        self.commands += 1
        store = self.party.from_store(terms, update, at.n, at.store)
        await self.party.send(terms, update, command(**store, **more))

    async def _offered(self, terms: OrderTerms, n: int) -> At:
        """Which place sees the shipment in its list; read from the books, as places read it."""
        ends = time.perf_counter() + PATIENCE
        while time.perf_counter() < ends:
            async with self.party.made.transactions.reading() as books:
                order = await books.records.order(terms.order_id)
            for group in order.groups if order is not None else ():
                if group.n == n and group.status is GroupStatus.OFFERED and group.store_id is not None:
                    return At(n, group.store_id)
            await asyncio.sleep(LOOK_AGAIN)
        raise RuntimeError(f"shipment {n} was offered to nobody in {PATIENCE:g} s")


def _lines(terms: OrderTerms) -> dict[Any, int]:
    return {line.line_id: line.quantity for line in terms.lines}


def _delivered(number: str) -> messages.CarrierEvent:
    return messages.CarrierEvent(
        event_id=f"{number}-delivered",
        carrier=CARRIER,
        tracking_number=number,
        at=datetime.now(UTC),
        said="delivered",
        status=ParcelStatus.DELIVERED,
    )
