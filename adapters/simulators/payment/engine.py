"""The provider's rules of the house: once a key, faults on order, and the clock's due dates. No network, no waiting."""

from dataclasses import replace
from datetime import timedelta
from heapq import heappop, heappush

from adapters.clock import Clock
from adapters.simulators.books import Write
from adapters.simulators.faults import FaultKind, PlantedFaults
from adapters.simulators.payment.books import Books, OperationRecord
from adapters.simulators.payment.faults import Fault
from adapters.simulators.payment.movements import Movements
from adapters.simulators.payment.wire import Call, unknown_authorisation
from adapters.simulators.wire import Answer, fingerprint, key_conflict, key_missing, refusal
from domain.payments import DeclineReason, OperationKind, OperationStatus

DEFAULT_LIFETIME = timedelta(days=7)


class Engine:
    def __init__(
        self,
        clock: Clock,
        *,
        lifetime: timedelta = DEFAULT_LIFETIME,
        refund_delay: timedelta = timedelta(seconds=1),
        public_url: str = "",
        write: Write | None = None,
    ) -> None:
        self.clock = clock
        self.books = Books(write)
        self.faults = PlantedFaults[Fault]()
        self._movements = Movements(
            self.books, clock, lifetime=lifetime, refund_delay=refund_delay, public_url=public_url
        )

    def resume(self) -> None:
        """Take up the time limits of books that were read back."""
        for authorisation in self.books.authorisations.values():
            self._movements.watch(authorisation)
        for operation in self.books.operations.values():
            if operation.settles_at and operation.status is OperationStatus.PENDING:
                heappush(self._movements.due, (operation.settles_at, operation.id))

    def perform(self, call: Call) -> Answer:
        """Do what is asked, once a key; the same key and body get the first answer for ever."""
        self.tick()
        fault = self.faults.take(lambda fault: fault.strikes(call.verb, self._reference(call)))
        if fault and fault.kind is FaultKind.BEFORE:
            return Answer(0, {}, lost=True)
        if fault and fault.kind is FaultKind.STATUS and fault.status != 402:
            return fault.answer()
        answer = self._once(call, declined=fault is not None and fault.kind is FaultKind.STATUS)
        self.books.commit()
        return replace(answer, lost=True) if fault and fault.kind is FaultKind.AFTER else answer

    def tick(self) -> None:
        """Let happen what the clock has made due: expiries, and pending refunds that end."""
        now = self.clock()
        while self._movements.due and self._movements.due[0][0] <= now:
            at, name = heappop(self._movements.due)
            if name in self.books.operations:
                self._movements.settle_refund(self.books.operations[name])
            else:
                self._movements.expire(self.books.authorisations[name], at)
        self.books.commit()

    def act(self, authorisation_id: str, *, approve: bool) -> Answer:
        """The customer's answer to a 3-D Secure page."""
        self.tick()
        authorisation = self.books.authorisations.get(authorisation_id)
        answer = self._movements.act(authorisation, approve=approve) if authorisation else unknown_authorisation()
        self.books.commit()
        return answer

    def dispute(self, authorisation_id: str, amount: int | None = None) -> Answer:
        """The cardholder's bank takes money back: all that was captured, unless told otherwise."""
        self.tick()
        authorisation = self.books.authorisations.get(authorisation_id)
        answer = self._movements.dispute(authorisation, amount) if authorisation else unknown_authorisation()
        self.books.commit()
        return answer

    def ledger(self, reference: str | None = None, *, newest: int = 0) -> list[dict[str, object]]:
        """Every operation, oldest first; or the `newest` few of them."""
        self.tick()
        operations = self.books.entries(reference)[-newest:]
        known = self.books.authorisations
        return [operation.line(known.get(operation.authorisation_id or "")) for operation in operations]

    def _once(self, call: Call, *, declined: bool) -> Answer:
        match call.verb:
            case "find":
                return self._find(call.key or "")
            case "authorisation":
                found = self.books.authorisations.get(call.authorisation_id or "")
                return Answer(200, found.public()) if found else unknown_authorisation()
        if not call.key:
            return key_missing()
        asked = fingerprint(str(call.verb), call.authorisation_id, call.body)
        if known := self.books.by_key.get(call.key):
            if known.fingerprint != asked:
                return key_conflict()
            return Answer(known.answer_status, known.answer)
        amount = call.body.get("amount")
        if amount is not None and amount <= 0:
            return refusal(422, "amount_invalid", "An amount is more than zero.", available=0)
        operation = OperationRecord(
            id=self._movements.new_id("op"),
            at=self.clock(),
            operation=call.verb.value if isinstance(call.verb, OperationKind) else "payout",
            authorisation_id=call.authorisation_id,
            amount=amount or 0,
            currency=call.body.get("currency") or "",
            status=OperationStatus.SUCCEEDED,
            key=call.key,
            reference=call.body.get("reference") or "",
            fingerprint=asked,
        )
        if call.verb is OperationKind.AUTHORISE:
            return self._movements.authorise(call, operation, declined=declined)
        if call.verb == "payout":
            return self._movements.pay_out(call, operation, declined=declined)
        if call.verb is OperationKind.REFUND and call.authorisation_id is None:
            return self._movements.refund_settled(call, operation, declined=declined)
        authorisation = self.books.authorisations.get(call.authorisation_id or "")
        if authorisation is None:
            return unknown_authorisation()
        if operation.currency and operation.currency != authorisation.currency:
            return refusal(422, "currency_mismatch", f"The authorisation is in {authorisation.currency}.")
        operation.reference, operation.currency = authorisation.reference, authorisation.currency
        if declined:
            return self._movements.declined(operation, authorisation, DeclineReason.DECLINED)
        verbs = {
            OperationKind.CAPTURE: self._movements.capture,
            OperationKind.VOID: self._movements.void,
            OperationKind.REFUND: self._movements.refund,
        }
        return verbs[call.verb](operation, authorisation)

    def _find(self, key: str) -> Answer:
        operation = self.books.by_key.get(key)
        if operation is None:
            return refusal(404, "unknown_operation", "No operation with this key was carried out.")
        authorisation = self.books.authorisations.get(operation.authorisation_id or "")
        answer: dict[str, object] = {}
        if operation.operation == "authorise":
            if authorisation and operation.status is not OperationStatus.FAILED:
                answer = authorisation.public()
        elif "id" in operation.answer:
            # A refund may have failed after it was accepted: its answer stays one, with the status of today.
            answer = {**operation.answer, "status": operation.status}
        found = {"operation": operation.operation, "status": operation.status, "reason": operation.reason}
        return Answer(200, {**found, "answer": answer})

    def _reference(self, call: Call) -> str | None:
        if call.key and call.verb == "find":
            operation = self.books.by_key.get(call.key)
            return operation.reference if operation else None
        known = self.books.authorisations.get(call.authorisation_id or "")
        return known.reference if known else call.body.get("reference")
