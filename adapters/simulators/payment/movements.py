"""How money moves: what authorise, capture, void, refund, the customer, the bank and the clock do to the books."""

import secrets
from dataclasses import replace
from datetime import datetime, timedelta
from heapq import heappush

from adapters.clock import Clock
from adapters.simulators.books import EventRecord
from adapters.simulators.payment import tokens
from adapters.simulators.payment.books import AuthorisationRecord, Books, OperationRecord
from adapters.simulators.payment.wire import Call, too_large, unknown_authorisation, wrong_state
from adapters.simulators.wire import Answer, refusal
from domain.ids import sortable_id
from domain.payments import AuthorisationStatus, DeclineReason, OperationStatus

ACTION_WINDOW = timedelta(hours=1)
"""How long the customer may take over a confirmation before the provider gives it up."""


class Movements:
    """Changes the books and puts what is owed to the receiver beside them; the caller commits."""

    def __init__(
        self, books: Books, clock: Clock, *, lifetime: timedelta, refund_delay: timedelta, public_url: str
    ) -> None:
        self.due: list[tuple[datetime, str]] = []
        """A heap of instants at which an authorisation or a pending refund ends by itself."""
        self._books = books
        self._clock = clock
        self._lifetime = lifetime
        self._refund_delay = refund_delay
        self._public_url = public_url

    def authorise(self, call: Call, operation: OperationRecord, *, declined: bool) -> Answer:
        names = tokens.behaviours(call.body["token"])
        extends = call.body.get("extend")
        if extends is not None and extends not in self._books.authorisations:
            return unknown_authorisation()
        authorisation = AuthorisationRecord(
            id=self.new_id("auth"),
            reference=operation.reference,
            amount=operation.amount,
            currency=operation.currency,
            status=AuthorisationStatus.AUTHORISED,
            behaviours=names or frozenset(),
            extends=extends,
            single_capture=tokens.SINGLE_CAPTURE in (names or ()),
        )
        operation.authorisation_id = authorisation.id
        reason = DeclineReason.OTHER if names is None else tokens.decline(names, extension=extends is not None)
        if declined or reason:
            return self.declined(operation, authorisation, reason or DeclineReason.DECLINED)
        if tokens.CUSTOMER_ACTION in authorisation.behaviours and extends is None:
            authorisation.status = AuthorisationStatus.CUSTOMER_ACTION
            authorisation.action_url = f"{self._public_url}/v1/authorisations/{authorisation.id}/action"
            authorisation.action_before = self._clock() + ACTION_WINDOW
            operation.status = OperationStatus.PENDING
            self.watch(authorisation)
        else:
            self._hold(authorisation)
            self._tell("authorisation.succeeded", operation, authorisation)
        return self._done(operation, authorisation, authorisation.public())

    def capture(self, operation: OperationRecord, authorisation: AuthorisationRecord) -> Answer:
        if authorisation.status is AuthorisationStatus.EXPIRED:
            return self.declined(operation, authorisation, DeclineReason.EXPIRED)
        if authorisation.status is AuthorisationStatus.CAPTURED:
            return refusal(
                409,
                "already_captured",
                "All of it is captured.",
                captured=authorisation.captured,
                id=self._last_capture(authorisation).id,
                currency=authorisation.currency,
                available=0,
            )
        if not authorisation.live:
            return wrong_state(authorisation.status)
        if tokens.CAPTURE_DECLINED in authorisation.behaviours:
            return self.declined(operation, authorisation, DeclineReason.DECLINED)
        if operation.amount > authorisation.remaining:
            return too_large("capture", authorisation.remaining)
        authorisation.captured += operation.amount
        self._tell("capture.succeeded", operation, authorisation)
        if authorisation.single_capture and authorisation.remaining:
            self._release(authorisation, "single_capture")
        self._derive_status(authorisation)
        return self._done(operation, authorisation, {**operation.moved(), "remaining": authorisation.remaining})

    def void(self, operation: OperationRecord, authorisation: AuthorisationRecord) -> Answer:
        if operation.amount > authorisation.remaining:
            return too_large("void", authorisation.remaining)
        if authorisation.status is AuthorisationStatus.CUSTOMER_ACTION:
            authorisation.status = AuthorisationStatus.VOIDED
            asked = self._operation_of(authorisation)
            asked.status = OperationStatus.REVERSED
            self._books.put(asked)
        operation.amount = operation.amount or authorisation.remaining
        authorisation.voided += operation.amount
        self._derive_status(authorisation)
        self._tell("authorisation.voided", operation, authorisation)
        return self._done(operation, authorisation, operation.moved())

    def refund(self, operation: OperationRecord, authorisation: AuthorisationRecord) -> Answer:
        if operation.amount > authorisation.refundable:
            return too_large("refund", authorisation.refundable)
        authorisation.refunded += operation.amount
        names = authorisation.behaviours & {tokens.REFUND_FAILS, tokens.REFUND_PENDING}
        if names:
            fails = tokens.REFUND_FAILS in names
            operation.status = OperationStatus.PENDING
            operation.settles_as = OperationStatus.FAILED if fails else OperationStatus.SUCCEEDED
            operation.settles_at = self._clock() + self._refund_delay
            heappush(self.due, (operation.settles_at, operation.id))
        else:
            self._tell("refund.succeeded", operation, authorisation)
        return self._done(operation, authorisation, operation.moved())

    def refund_settled(self, call: Call, operation: OperationRecord, *, declined: bool) -> Answer:
        operation.settled_reference = call.body["settled"]
        if declined:
            return self.declined(operation, None, DeclineReason.DECLINED)
        self._tell("refund.succeeded", operation, None)
        return self._done(operation, None, operation.moved())

    def pay_out(self, call: Call, operation: OperationRecord, *, declined: bool) -> Answer:
        """Money leaves for the account behind the token."""
        names = tokens.behaviours(call.body["token"])
        reason = DeclineReason.OTHER if names is None else tokens.decline(names, extension=False)
        if declined or reason:
            return self.declined(operation, None, reason or DeclineReason.DECLINED)
        answer = self._done(operation, None, operation.moved())
        return replace(answer, lost=tokens.LOST_ANSWERS["authorise"] in (names or ()))

    def act(self, authorisation: AuthorisationRecord, *, approve: bool) -> Answer:
        """The customer's answer to a 3-D Secure page."""
        if authorisation.status is not AuthorisationStatus.CUSTOMER_ACTION:
            same = authorisation.live if approve else authorisation.status is AuthorisationStatus.DECLINED
            return Answer(200, authorisation.public()) if same else wrong_state(authorisation.status)
        operation = self._operation_of(authorisation)
        if approve:
            self._hold(authorisation)
            operation.status = OperationStatus.SUCCEEDED
        else:
            self._refuse(authorisation, operation, DeclineReason.DECLINED)
        self._put(authorisation, operation)
        self._tell("authorisation.succeeded" if approve else "authorisation.failed", operation, authorisation)
        return Answer(200, authorisation.public())

    def dispute(self, authorisation: AuthorisationRecord, amount: int | None) -> Answer:
        """The cardholder's bank takes money back: all that was captured, unless told otherwise."""
        open_to_dispute = authorisation.captured - authorisation.disputed
        wanted = open_to_dispute if amount is None else amount
        if not 0 < wanted <= open_to_dispute:
            return too_large("dispute", open_to_dispute)
        authorisation.disputed += wanted
        operation = self._own(authorisation, "dispute", wanted, f"dispute:{secrets.token_hex(6)}", "dispute")
        self._put(authorisation, operation)
        self._tell("dispute.created", operation, authorisation)
        return Answer(201, {**operation.line(authorisation), "dispute_id": operation.id})

    def _hold(self, authorisation: AuthorisationRecord) -> None:
        authorisation.status = AuthorisationStatus.AUTHORISED
        authorisation.capture_before = self._clock() + tokens.lifetime(authorisation.behaviours, self._lifetime)
        self.watch(authorisation)

    def watch(self, authorisation: AuthorisationRecord) -> None:
        pending = authorisation.status is AuthorisationStatus.CUSTOMER_ACTION
        due = authorisation.action_before if pending else authorisation.capture_before
        if due and (pending or authorisation.live):
            heappush(self.due, (due, authorisation.id))

    def expire(self, authorisation: AuthorisationRecord, at: datetime) -> None:
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

    def settle_refund(self, operation: OperationRecord) -> None:
        authorisation = self._books.authorisations.get(operation.authorisation_id or "")
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
        self._books.put(freed)
        return freed

    def _own(self, of: AuthorisationRecord, kind: str, amount: int, key: str, cause: str) -> OperationRecord:
        return OperationRecord.model_validate(
            {
                "id": self.new_id("op"),
                "at": self._clock(),
                "operation": kind,
                "authorisation_id": of.id,
                "amount": amount,
                "currency": of.currency,
                "status": OperationStatus.SUCCEEDED,
                "key": key,
                "reference": of.reference,
                "cause": cause,
            }
        )

    def _derive_status(self, authorisation: AuthorisationRecord) -> None:
        if not authorisation.live:
            return
        if authorisation.remaining == 0:
            whole = AuthorisationStatus.CAPTURED if authorisation.captured else AuthorisationStatus.VOIDED
            authorisation.status = whole
        elif authorisation.captured:
            authorisation.status = AuthorisationStatus.PARTLY_CAPTURED

    def declined(
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
            self._books.put(authorisation)
        self._books.put(operation)

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
        self._books.put(EventRecord(id=self.new_id("evt"), type=kind, created_at=self._clock(), data=data))

    def _operation_of(self, authorisation: AuthorisationRecord) -> OperationRecord:
        entries = self._books.by_reference[authorisation.reference]
        return next(e for e in entries if e.operation == "authorise" and e.authorisation_id == authorisation.id)

    def _last_capture(self, authorisation: AuthorisationRecord) -> OperationRecord:
        entries = reversed(self._books.by_reference[authorisation.reference])
        captures = (e for e in entries if e.operation == "capture" and e.status is OperationStatus.SUCCEEDED)
        return next(e for e in captures if e.authorisation_id == authorisation.id)

    def new_id(self, kind: str) -> str:
        return f"{kind}_{sortable_id(self._clock(), secrets.token_bytes(10))}"
