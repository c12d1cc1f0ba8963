"""The simulated signature provider without its network: the same rules in this process."""

from adapters.clock import Clock
from adapters.simulators.signing.engine import SigningEngine
from adapters.simulators.signing.spoken import SpokenSignatures
from adapters.simulators.wire import Answer, Call


class MemorySignatures(SpokenSignatures):
    """A `Signatures`; `engine` is the provider's side: `signers`, `answer`, `faults.plant`, `books.envelopes`."""

    def __init__(self, clock: Clock) -> None:
        self.engine = SigningEngine(clock)

    async def carry(self, call: Call) -> Answer:
        return self.engine.perform(call)
