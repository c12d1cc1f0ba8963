"""A provider that dies before or after it did something, and a shop that speaks to it through the ledger."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from adapters.payment.ledgered import LedgeredPayments
from adapters.payment.memory import MemoryPayments
from adapters.payment.port import (
    AuthoriseRequest,
    CapturePurpose,
    CaptureRequest,
    ProviderEvent,
    RefundRequest,
    VoidRequest,
)
from adapters.simulators.books import EventRecord
from adapters.simulators.payment.faults import Fault, FaultedOperation, FaultKind
from adapters.simulators.payment.wire import Call
from adapters.simulators.wire import Answer
from domain.ids import OperationKey, OrderId
from domain.ledger import OrderStatement
from domain.money import Money
from domain.payments import (
    Authorisation,
    AuthorisationId,
    Capture,
    OperationKind,
    OperationStatus,
    Refund,
    TenderId,
    Void,
)

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class Crash(BaseException):
    """The process died here."""


def eur(amount: int) -> Money:
    return Money(amount=amount, currency="EUR")


@dataclass
class Pause:
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)


class TrippingProvider(MemoryPayments):
    def __init__(self) -> None:
        self.now = START
        super().__init__(self.clock)
        self.crash_before: str | None = None
        self.crash_after: str | None = None
        self.calls: list[Call] = []
        self._pauses: dict[str, Pause] = {}

    def clock(self) -> datetime:
        return self.now

    def wait(self, **duration: float) -> None:
        self.now += timedelta(**duration)
        self.engine.tick()

    def pause(self, verb: str) -> "Pause":
        """The next answer of this kind is on its way until `over` is set."""
        self._pauses[verb] = Pause()
        return self._pauses[verb]

    def sent(self, verb: str) -> int:
        return sum(call.verb == verb for call in self.calls)

    async def _carry(self, call: Call) -> Answer:
        if self.crash_before == call.verb:
            self.crash_before = None
            raise Crash
        self.calls.append(call)
        await asyncio.sleep(0)
        answer = await super()._carry(call)
        if pause := self._pauses.pop(str(call.verb), None):
            pause.reached.set()
            await pause.over.wait()
        if self.crash_after == call.verb:
            self.crash_after = None
            raise Crash
        return answer

    def trip(self, operation: str, kind: FaultKind, count: int = 1, **more: Any) -> None:
        self.engine.faults.plant(Fault(operation=FaultedOperation(operation), kind=kind, count=count, **more))

    def events(self) -> list[ProviderEvent]:
        """Everything that the provider's webhooks told so far, as our gateway would read it."""
        return [event for record in self.engine.books.events.values() if (event := self._read(record))]

    def _read(self, record: EventRecord) -> ProviderEvent | None:
        operation = self.engine.books.operations[record.data["operation_id"]]
        if operation.operation == "dispute":
            return None
        opened = operation.operation == "authorise"
        return ProviderEvent(
            operation_id=operation.authorisation_id or "" if opened else operation.id,
            kind=OperationKind(operation.operation),
            status=_STATUSES.get(record.type, OperationStatus.SUCCEEDED),
            authorisation_id=AuthorisationId(record.data["authorisation_id"]),
            amount=Money(amount=record.data["amount"], currency=record.data["currency"]),
            at=record.created_at,
            key=OperationKey(record.data["key"]),
        )


_STATUSES = {
    "authorisation.failed": OperationStatus.FAILED,
    "authorisation.expired": OperationStatus.FAILED,
    "refund.failed": OperationStatus.FAILED,
    "refund.pending": OperationStatus.PENDING,
}


@dataclass
class Shop:
    """One order; every call may name its own key, otherwise it is a new operation."""

    payments: LedgeredPayments
    provider: TrippingProvider
    order_id: str
    numbers: list[int] = field(default_factory=lambda: [0])

    def key(self, verb: str) -> OperationKey:
        self.numbers[0] += 1
        return OperationKey(f"{self.order_id}:{verb}:{self.numbers[0]}")

    def _common(self, verb: str, key: str | None, tender: str) -> dict[str, Any]:
        return {
            "key": OperationKey(key) if key else self.key(verb),
            "order_id": OrderId(self.order_id),
            "tender_id": TenderId(tender),
            "at": self.provider.now,
        }

    async def authorise(
        self,
        amount: int = 100,
        token: str = "tok_ok",
        *,
        key: str | None = None,
        tender: str = "t1",
        replaces: AuthorisationId | None = None,
    ) -> Authorisation:
        common = self._common("authorise", key, tender)
        return await self.payments.authorise(
            AuthoriseRequest(**common, token=token, amount=eur(amount), replaces=replaces)
        )

    async def capture(
        self,
        authorisation: AuthorisationId,
        amount: int,
        *,
        key: str | None = None,
        tender: str = "t1",
        purpose: CapturePurpose = CapturePurpose.HAND_OVER,
    ) -> Capture:
        common = self._common("capture", key, tender)
        return await self.payments.capture(
            CaptureRequest(**common, authorisation_id=authorisation, amount=eur(amount), purpose=purpose)
        )

    async def void(
        self, authorisation: AuthorisationId, amount: int | None = None, *, key: str | None = None, tender: str = "t1"
    ) -> Void:
        common = self._common("void", key, tender)
        asked = eur(amount) if amount is not None else None
        return await self.payments.void(
            VoidRequest(**common, authorisation_id=authorisation, amount=asked, reason="cancelled")
        )

    async def refund(
        self, authorisation: AuthorisationId, amount: int, *, key: str | None = None, tender: str = "t1"
    ) -> Refund:
        common = self._common("refund", key, tender)
        return await self.payments.refund(
            RefundRequest(**common, authorisation_id=authorisation, amount=eur(amount), reason="returned")
        )

    async def statement(self) -> OrderStatement:
        return await self.payments.statement(OrderId(self.order_id))

    async def hear(self, *, times: int = 1) -> list[bool]:
        """Every webhook so far, each `times` times."""
        return [await self.payments.record_external(event) for event in self.provider.events() for _ in range(times)]

    def at_the_provider(self) -> dict[str, tuple[int, int, int, int]]:
        held = [each for each in self.provider.engine.books.authorisations.values() if each.capture_before]
        mine = (each for each in held if each.reference == self.order_id)
        return {each.id: (each.amount, each.captured, each.voided, each.refunded) for each in mine}

    async def in_our_books(self) -> dict[str, tuple[int, int, int, int]]:
        found = (await self.statement()).authorisations
        return {
            one.id: (one.authorised, one.captured, one.voided, one.refunded + one.refunding)
            for one in found
            if one.authorised
        }

    async def books_agree(self) -> OrderStatement:
        """Both ledgers say the same, and ours has no violation."""
        assert await self.in_our_books() == self.at_the_provider()
        statement = await self.statement()
        assert statement.violations == ()
        return statement
