"""Who carries an order from its placing to its collection, and whose processes are counted for it."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from benchmarks.flow.stage import Stage
from benchmarks.flow.steps import Command
from domain.terms import OrderTerms


class Party(Protocol):
    calls_itself: bool
    """The worker lives in the caller's process, and its CPU time is counted there."""

    async def prepare(self, orders: Sequence[OrderTerms]) -> None:
        """What a caller has done before an order is placed; not measured."""

    async def place(self, terms: OrderTerms) -> None:
        """Returns when stock is held, money is authorised and both are on record, durably."""

    async def tell(self, terms: OrderTerms, command: Command) -> None:
        """Returns when the command is on record."""

    async def collect(self, terms: OrderTerms) -> None:
        """Returns when the money is captured, the stock consumed and both are on record."""

    def processes(self) -> Mapping[str, Sequence[int]]:
        """The pids of `worker` and `server`; descendants count too."""

    def databases(self) -> Mapping[str, str]:
        """Databases of its own beside the shared one."""


OpenParty = Callable[[Stage], AbstractAsyncContextManager[Party]]
