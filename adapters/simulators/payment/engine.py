"""The provider's rules: what a call does to the books. No network and no waiting; the clock is handed in."""

import hashlib
import json
import secrets
from dataclasses import replace
from datetime import datetime, timedelta
from heapq import heappop, heappush

from adapters.clock import Clock
from adapters.simulators.payment import tokens
from adapters.simulators.payment.books import AuthorisationRecord, Books, EventRecord, OperationRecord, Write
from adapters.simulators.payment.faults import FaultKind, PlantedFaults
from adapters.simulators.payment.wire import Answer, Call, refusal
from domain.ids import sortable_id
from domain.payments import AuthorisationStatus, DeclineReason, OperationKind, OperationStatus

DEFAULT_LIFETIME = timedelta(days=7)
ACTION_WINDOW = timedelta(hours=1)
"""How long the customer may take over a confirmation before the provider gives it up."""


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
        self.faults = PlantedFaults()
        self._lifetime = lifetime
        self._refund_delay = refund_delay
        self._public_url = public_url
        self._due: list[tuple[datetime, str]] = []

    def resume(self) -> None:
        """Take up the time limits of books that were read back."""
        for authorisation in self.books.authorisations.values():
            self._watch(authorisation)
        for operation in self.books.operations.values():
            if operation.settles_at and operation.status is OperationStatus.PENDING:
                heappush(self._due, (operation.settles_at, operation.id))

    def perform(self, call: Call) -> Answer:
        """Do what is asked, once a key; the same key and body get the first answer for ever."""
        self.tick()
        fault = self.faults.take(call, self._reference(call))
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
        while self._due and self._due[0][0] <= now:
            at, name = heappop(self._due)
            if name in self.books.operations:
                self._settle_refund(self.books.operations[name])
            else:
                self._expire(self.books.authorisations[name], at)
        self.books.commit()

    def act(self, authorisation_id: str, *, approve: bool) -> Answer:
        """The customer's answer to a 3-D Secure page."""
        self.tick()
        authorisation = self.books.authorisations.get(authorisation_id)
        if authorisation is None:
            return _unknown_authorisation()
        if authorisation.status is not AuthorisationStatus.CUSTOMER_ACTION:
            same = authorisation.live if approve else authorisation.status is AuthorisationStatus.DECLINED
            return Answer(200, authorisation.public()) if same else _wrong_state(authorisation)
        operation = self._operation_of(authorisation)
        if approve:
            self._hold(authorisation)
            operation.status = OperationStatus.SUCCEEDED
        else:
            self._refuse(authorisation, operation, DeclineReason.DECLINED)
        self._put(authorisation, operation)
        self._tell("authorisation.succeeded" if approve else "authorisation.failed", operation, authorisation)
        self.books.commit()
        return Answer(200, authorisation.public())

    def dispute(self, authorisation_id: str, amount: int | None) -> Answer:
        """The cardholder's bank takes money back: all that was captured, unless told otherwise."""
        self.tick()
        authorisation = self.books.authorisations.get(authorisation_id)
        if authorisation is None:
            return _unknown_authorisation()
        open_to_dispute = authorisation.captured - authorisation.disputed
        wanted = open_to_dispute if amount is None else amount
        if not 0 < wanted <= open_to_dispute:
            return refusal(422, "amount_too_large", "Only captured money can be disputed.", available=open_to_dispute)
        authorisation.disputed += wanted
        operation = self._own(authorisation, "dispute", wanted, f"dispute:{secrets.token_hex(6)}", "dispute")
        self._put(authorisation, operation)
        self._tell("dispute.created", operation, authorisation)
        self.books.commit()
        return Answer(201, {**entry(operation, authorisation), "dispute_id": operation.id})

    def ledger(self, reference: str | None = None) -> list[dict[str, object]]:
        self.tick()
        operations = self.books.operations.values() if reference is None else self.books.by_reference.get(reference, [])
        known = self.books.authorisations
        return [entry(operation, known.get(operation.authorisation_id or "")) for operation in operations]

    # One verb each -------------------------------------------------------------------------------------------------

    def _once(self, call: Call, *, declined: bool) -> Answer:
        match call.verb:
            case "find":
                return self._find(call.key or "")
            case "authorisation":
                found = self.books.authorisations.get(call.authorisation_id or "")
                return Answer(200, found.public()) if found else _unknown_authorisation()
        if not call.key:
            return refusal(400, "key_missing", "Send an Idempotency-Key.")
        fingerprint = _fingerprint(call)
        if known := self.books.by_key.get(call.key):
            if known.fingerprint != fingerprint:
                return refusal(422, "key_conflict", "This key was used with other parameters.")
            return Answer(known.answer_status, known.answer)
        amount = call.body.get("amount")
        if amount is not None and amount <= 0:
            return refusal(422, "amount_invalid", "An amount is more than zero.", available=0)
        operation = OperationRecord(
            id=self._id("op"), at=self.clock(), operation=call.verb.value, authorisation_id=call.authorisation_id,
            amount=amount or 0, currency=call.body.get("currency") or "", status=OperationStatus.SUCCEEDED,
            key=call.key, reference=call.body.get("reference") or "", fingerprint=fingerprint,
        )  # fmt: skip
        if call.verb is OperationKind.AUTHORISE:
            return self._authorise(call, operation, declined=declined)
        if call.verb is OperationKind.REFUND and call.authorisation_id is None:
            return self._refund_settled(call, operation, declined=declined)
        authorisation = self.books.authorisations.get(call.authorisation_id or "")
        if authorisation is None:
            return _unknown_authorisation()
        if operation.currency and operation.currency != authorisation.currency:
            return refusal(422, "currency_mismatch", f"The authorisation is in {authorisation.currency}.")
        operation.reference, operation.currency = authorisation.reference, authorisation.currency
        if declined:
            return self._declined(operation, authorisation, DeclineReason.DECLINED)
        verbs = {
            OperationKind.CAPTURE: self._capture,
            OperationKind.VOID: self._void,
            OperationKind.REFUND: self._refund,
        }
        return verbs[call.verb](operation, authorisation)

    def _authorise(self, call: Call, operation: OperationRecord, *, declined: bool) -> Answer:
        names = tokens.behaviours(call.body["token"])
        extends = call.body.get("extend")
        if extends is not None and extends not in self.books.authorisations:
            return _unknown_authorisation()
        authorisation = AuthorisationRecord(
            id=self._id("auth"), reference=operation.reference, amount=operation.amount, currency=operation.currency,
            status=AuthorisationStatus.AUTHORISED, behaviours=names or frozenset(), extends=extends,
            single_capture=tokens.SINGLE_CAPTURE in (names or ()),
        )  # fmt: skip
        operation.authorisation_id = authorisation.id
        reason = DeclineReason.OTHER if names is None else tokens.decline(names, extension=extends is not None)
        if declined or reason:
            return self._declined(operation, authorisation, reason or DeclineReason.DECLINED)
        if tokens.CUSTOMER_ACTION in authorisation.behaviours and extends is None:
            authorisation.status = AuthorisationStatus.CUSTOMER_ACTION
            authorisation.action_url = f"{self._public_url}/v1/authorisations/{authorisation.id}/action"
            authorisation.action_before = self.clock() + ACTION_WINDOW
            operation.status = OperationStatus.PENDING
            self._watch(authorisation)
        else:
            self._hold(authorisation)
            self._tell("authorisation.succeeded", operation, authorisation)
        return self._done(operation, authorisation, authorisation.public())

    def _capture(self, operation: OperationRecord, authorisation: AuthorisationRecord) -> Answer:
        if authorisation.status is AuthorisationStatus.EXPIRED:
            return self._declined(operation, authorisation, DeclineReason.EXPIRED)
        if authorisation.status is AuthorisationStatus.CAPTURED:
            return refusal(
                409, "already_captured", "All of it is captured.", captured=authorisation.captured,
                id=self._last_capture(authorisation).id, currency=authorisation.currency, available=0,
            )  # fmt: skip
        if not authorisation.live:
            return _wrong_state(authorisation)
        if tokens.CAPTURE_DECLINED in authorisation.behaviours:
            return self._declined(operation, authorisation, DeclineReason.DECLINED)
        if operation.amount > authorisation.remaining:
            return _too_large("capture", authorisation.remaining)
        authorisation.captured += operation.amount
        self._tell("capture.succeeded", operation, authorisation)
        if authorisation.single_capture and authorisation.remaining:
            self._release(authorisation, "single_capture")
        self._derive_status(authorisation)
        return self._done(operation, authorisation, {**_moved(operation), "remaining": authorisation.remaining})

    def _void(self, operation: OperationRecord, authorisation: AuthorisationRecord) -> Answer:
        if operation.amount > authorisation.remaining:
            return _too_large("void", authorisation.remaining)
        if authorisation.status is AuthorisationStatus.CUSTOMER_ACTION:
            authorisation.status = AuthorisationStatus.VOIDED
            asked = self._operation_of(authorisation)
            asked.status = OperationStatus.REVERSED
            self.books.put(asked)
        operation.amount = operation.amount or authorisation.remaining
        authorisation.voided += operation.amount
        self._derive_status(authorisation)
        self._tell("authorisation.voided", operation, authorisation)
        return self._done(operation, authorisation, _moved(operation))

    def _refund(self, operation: OperationRecord, authorisation: AuthorisationRecord) -> Answer:
        if operation.amount > authorisation.refundable:
            return _too_large("refund", authorisation.refundable)
        authorisation.refunded += operation.amount
        names = authorisation.behaviours & {tokens.REFUND_FAILS, tokens.REFUND_PENDING}
        if names:
            fails = tokens.REFUND_FAILS in names
            operation.status = OperationStatus.PENDING
            operation.settles_as = OperationStatus.FAILED if fails else OperationStatus.SUCCEEDED
            operation.settles_at = self.clock() + self._refund_delay
            heappush(self._due, (operation.settles_at, operation.id))
        else:
            self._tell("refund.succeeded", operation, authorisation)
        return self._done(operation, authorisation, _moved(operation))

    def _refund_settled(self, call: Call, operation: OperationRecord, *, declined: bool) -> Answer:
        operation.settled_reference = call.body["settled"]
        if declined:
            return self._declined(operation, None, DeclineReason.DECLINED)
        self._tell("refund.succeeded", operation, None)
        return self._done(operation, None, _moved(operation))

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

    # What the verbs share --------------------------------------------------------------------------------------------

    def _hold(self, authorisation: AuthorisationRecord) -> None:
        authorisation.status = AuthorisationStatus.AUTHORISED
        authorisation.capture_before = self.clock() + tokens.lifetime(authorisation.behaviours, self._lifetime)
        self._watch(authorisation)

    def _watch(self, authorisation: AuthorisationRecord) -> None:
        pending = authorisation.status is AuthorisationStatus.CUSTOMER_ACTION
        due = authorisation.action_before if pending else authorisation.capture_before
        if due and (pending or authorisation.live):
            heappush(self._due, (due, authorisation.id))

    def _expire(self, authorisation: AuthorisationRecord, at: datetime) -> None:
        operation = self._operation_of(authorisation)
        if authorisation.status is AuthorisationStatus.CUSTOMER_ACTION and authorisation.action_before == at:
            operation.status = OperationStatus.FAILED
            operation.reason = DeclineReason.EXPIRED
        elif authorisation.live and authorisation.capture_before == at:
            operation = self._release(authorisation, "expired")
        else:
            return
        authorisation.status = AuthorisationStatus.EXPIRED
        self._put(authorisation, operation)
        self._tell("authorisation.expired", operation, authorisation)

    def _settle_refund(self, operation: OperationRecord) -> None:
        authorisation = self.books.authorisations.get(operation.authorisation_id or "")
        if operation.status is not OperationStatus.PENDING or authorisation is None:
            return
        operation.status = operation.settles_as or OperationStatus.SUCCEEDED
        if operation.status is OperationStatus.FAILED:
            operation.reason = DeclineReason.OTHER
            authorisation.refunded -= operation.amount
        self._put(authorisation, operation)
        self._tell(f"refund.{operation.status}", operation, authorisation)

    def _release(self, authorisation: AuthorisationRecord, cause: str) -> OperationRecord:
        """Free what is left without being asked; the ledger shows it as a void of the provider's own."""
        freed = self._own(authorisation, "void", authorisation.remaining, f"{cause}:{authorisation.id}", cause)
        authorisation.voided += freed.amount
        self.books.put(freed)
        return freed

    def _own(self, of: AuthorisationRecord, kind: str, amount: int, key: str, cause: str) -> OperationRecord:
        return OperationRecord.model_validate({
            "id": self._id("op"), "at": self.clock(), "operation": kind, "authorisation_id": of.id, "amount": amount,
            "currency": of.currency, "status": OperationStatus.SUCCEEDED, "key": key, "reference": of.reference,
            "cause": cause,
        })  # fmt: skip

    def _derive_status(self, authorisation: AuthorisationRecord) -> None:
        if not authorisation.live:
            return
        if authorisation.remaining == 0:
            whole = AuthorisationStatus.CAPTURED if authorisation.captured else AuthorisationStatus.VOIDED
            authorisation.status = whole
        elif authorisation.captured:
            authorisation.status = AuthorisationStatus.PARTLY_CAPTURED

    def _declined(
        self, operation: OperationRecord, authorisation: AuthorisationRecord | None, reason: DeclineReason
    ) -> Answer:
        refused = refusal(402, "declined", "The operation was declined.", reason=reason)
        operation.status, operation.reason = OperationStatus.FAILED, reason
        if authorisation and operation.operation == "authorise":
            self._refuse(authorisation, operation, reason)
            self._tell("authorisation.failed", operation, authorisation)
        return self._done(operation, authorisation, refused.body, status=402)

    def _refuse(self, authorisation: AuthorisationRecord, operation: OperationRecord, reason: DeclineReason) -> None:
        authorisation.status = AuthorisationStatus.DECLINED
        operation.status, operation.reason = OperationStatus.FAILED, reason

    def _done(
        self,
        operation: OperationRecord,
        authorisation: AuthorisationRecord | None,
        answer: dict[str, object],
        *,
        status: int = 201,
    ) -> Answer:
        operation.answer_status, operation.answer = status, answer
        self._put(authorisation, operation)
        silent = tokens.LOST_ANSWERS.get(operation.operation)
        lost = authorisation is not None and silent in authorisation.behaviours
        return Answer(status, answer, lost=lost)

    def _put(self, authorisation: AuthorisationRecord | None, operation: OperationRecord) -> None:
        if authorisation is not None:
            self.books.put(authorisation)
        self.books.put(operation)

    def _tell(self, kind: str, operation: OperationRecord, authorisation: AuthorisationRecord | None) -> None:
        about_it = kind.startswith("authorisation.") and authorisation is not None
        data = {
            "authorisation_id": operation.authorisation_id,
            "operation_id": operation.id,
            "reference": operation.reference,
            "amount": operation.amount,
            "currency": operation.currency,
            "status": authorisation.status if about_it and authorisation else operation.status,
            "key": operation.key,
        }
        self.books.put(EventRecord(id=self._id("evt"), type=kind, created_at=self.clock(), data=data))

    def _operation_of(self, authorisation: AuthorisationRecord) -> OperationRecord:
        entries = self.books.by_reference[authorisation.reference]
        return next(e for e in entries if e.operation == "authorise" and e.authorisation_id == authorisation.id)

    def _last_capture(self, authorisation: AuthorisationRecord) -> OperationRecord:
        entries = reversed(self.books.by_reference[authorisation.reference])
        captures = (e for e in entries if e.operation == "capture" and e.status is OperationStatus.SUCCEEDED)
        return next(e for e in captures if e.authorisation_id == authorisation.id)

    def _reference(self, call: Call) -> str | None:
        if call.key and call.verb == "find":
            operation = self.books.by_key.get(call.key)
            return operation.reference if operation else None
        known = self.books.authorisations.get(call.authorisation_id or "")
        return known.reference if known else call.body.get("reference")

    def _id(self, kind: str) -> str:
        return f"{kind}_{sortable_id(self.clock(), secrets.token_bytes(10))}"


def entry(operation: OperationRecord, authorisation: AuthorisationRecord | None) -> dict[str, object]:
    """One line of `GET /ledger`."""
    shown = {
        "id", "at", "operation", "authorisation_id", "amount", "currency", "status", "key", "reference",
        "settled_reference", "cause", "reason",
    }  # fmt: skip
    return {
        **operation.model_dump(mode="json", include=shown),
        "capture_before": authorisation.public()["capture_before"] if authorisation else None,
        "authorisation_status": authorisation.status if authorisation else None,
        "held": authorisation.remaining if authorisation else 0,
    }


def _moved(operation: OperationRecord) -> dict[str, object]:
    shown = {"id", "authorisation_id", "amount", "currency", "status"}
    return operation.model_dump(mode="json", include=shown)


def _fingerprint(call: Call) -> str:
    meaning = json.dumps([str(call.verb), call.authorisation_id, call.body], sort_keys=True)
    return hashlib.sha256(meaning.encode()).hexdigest()


def _unknown_authorisation() -> Answer:
    return refusal(404, "unknown_authorisation", "No such authorisation here.")


def _wrong_state(authorisation: AuthorisationRecord) -> Answer:
    return refusal(409, "wrong_state", f"The authorisation is {authorisation.status}.", state=authorisation.status)


def _too_large(verb: str, available: int) -> Answer:
    return refusal(422, "amount_too_large", f"There is less to {verb}.", available=available)
