"""The simulated carriers without their network: the same rules in this process, under a clock that a test can move."""

from datetime import timedelta

from adapters.clock import Clock
from adapters.simulators.carrier.engine import CarrierEngine
from adapters.simulators.carrier.spoken import SpokenShipping
from adapters.simulators.wire import Answer, Call


class MemoryShipping(SpokenShipping):
    """A `Shipping`; `engine` is the carriers' side: `scan`, `faults.plant`, `books.ledger`."""

    def __init__(self, clock: Clock, *, day: timedelta = timedelta(days=1)) -> None:
        self.engine = CarrierEngine(clock, day=day)

    async def carry(self, call: Call) -> Answer:
        return self.engine.perform(call)
