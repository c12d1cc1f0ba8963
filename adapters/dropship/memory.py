"""The simulated partners without their network: the same rules in this process."""

from adapters.clock import Clock
from adapters.simulators.partner.engine import PartnerEngine
from adapters.simulators.partner.spoken import SpokenPartners
from adapters.simulators.wire import Answer, Call


class MemoryPartners(SpokenPartners):
    """A `Partners`; `engine` is the partners' side: `answer`, `faults.plant`, `books.ledger`."""

    def __init__(self, clock: Clock) -> None:
        self.engine = PartnerEngine(clock)

    async def carry(self, call: Call) -> Answer:
        return self.engine.perform(call)
