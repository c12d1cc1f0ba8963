"""The simulated provider without its network: the same rules in this process, under a clock that a test can move."""

from datetime import timedelta

from adapters.clock import Clock
from adapters.simulators.payment.engine import DEFAULT_LIFETIME, Engine
from adapters.simulators.payment.spoken import SpokenPayments
from adapters.simulators.payment.wire import Call
from adapters.simulators.wire import Answer


class MemoryPayments(SpokenPayments):
    """A `PaymentProvider`; `engine` is the provider's side: `ledger`, `faults.plant`, `act`, `dispute`."""

    def __init__(self, clock: Clock, *, lifetime: timedelta = DEFAULT_LIFETIME) -> None:
        self.engine = Engine(clock, lifetime=lifetime)

    async def _carry(self, call: Call) -> Answer:
        return self.engine.perform(call)
