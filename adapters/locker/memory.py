"""The simulated operator without its network: the same rules in this process, under a clock that a test can move."""

from datetime import timedelta

from adapters.clock import Clock
from adapters.simulators.locker.engine import DEFAULT_HOLD, DEFAULT_RETURN, LockerEngine
from adapters.simulators.locker.spoken import SpokenLockers
from adapters.simulators.wire import Answer, Call


class MemoryLockers(SpokenLockers):
    """A `Lockers`; `engine` is the operator's side: `deposit`, `collect`, `say`, `resize`, `faults.plant`."""

    def __init__(
        self, clock: Clock, *, hold: timedelta = DEFAULT_HOLD, return_after: timedelta = DEFAULT_RETURN
    ) -> None:
        self.engine = LockerEngine(clock, hold=hold, return_after=return_after)

    async def carry(self, call: Call) -> Answer:
        return self.engine.perform(call)
