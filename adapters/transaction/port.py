"""One transaction over our own books: stock, records, notices, intake and routing, committed together or not at all."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from adapters.backorders.port import Backorders
from adapters.brokering.port import Brokering
from adapters.capacity.port import CapacityUse
from adapters.channels.port import Channels
from adapters.intake.port import OrderIntake
from adapters.inventory.port import AvailableStock, Inventory
from adapters.items.port import Items
from adapters.notification.port import Outbox
from adapters.places.port import Places
from adapters.records.port import Records
from adapters.returns.port import ReturnPolicies, Returns
from adapters.routing.port import Routing


class Transaction(Protocol):
    @property
    def inventory(self) -> Inventory: ...
    @property
    def records(self) -> Records: ...
    @property
    def outbox(self) -> Outbox: ...
    @property
    def intake(self) -> OrderIntake: ...
    @property
    def places(self) -> Places: ...
    @property
    def items(self) -> Items: ...
    @property
    def channels(self) -> Channels: ...
    @property
    def backorders(self) -> Backorders: ...
    @property
    def routing(self) -> Routing: ...
    @property
    def returns(self) -> Returns: ...
    @property
    def return_policies(self) -> ReturnPolicies: ...
    @property
    def capacity(self) -> CapacityUse: ...
    @property
    def brokering(self) -> Brokering: ...


class Transactions(Protocol):
    def begin(self) -> AbstractAsyncContextManager[Transaction]:
        """Commits when the block ends well; any exception rolls everything back."""
        ...

    def reading(self) -> AbstractAsyncContextManager[Transaction]:
        """For reading only, in fewer round trips: as in `begin`, each statement sees what is committed by then."""
        ...

    @property
    def stock(self) -> AvailableStock:
        """Read between transactions."""
        ...
