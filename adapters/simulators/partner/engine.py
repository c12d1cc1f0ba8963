"""The partners at work. Their ids say how they answer.

| partner | what it does |
|---|---|
| P001 … P999 | answers when it is told to (`POST /requests/{id}/answers`) |
| P-ACCEPTS | accepts at once |
| P-DECLINES | declines at once, for want of stock |
| P-AWAY | answers 503 with `Retry-After: 1` when something is asked of it |
| P-LOST | takes the request, and its answer is lost the first time |
| anybody else | is no partner |
"""

import re
from datetime import datetime
from enum import StrEnum

from adapters.clock import Clock
from adapters.simulators.books import EventRecord, Write
from adapters.simulators.engine import KeyedEngine, OperationRecord, not_known, refused_for
from adapters.simulators.partner.books import AnswerRecord, PartnerBooks, RequestRecord
from adapters.simulators.partner.faults import Fault
from adapters.simulators.wire import Answer, Call, refusal
from domain.dropship import Cancellation, DeclineReason, RequestStatus

ACCEPTS, DECLINES, AWAY, ANSWER_LOST = "P-ACCEPTS", "P-DECLINES", "P-AWAY", "P-LOST"
REFUSED_TO_STOP = "refused_to_stop"
"""The event of a partner that was asked to stop, and goes on."""
_PARTNER = re.compile(r"P[0-9]{3}")


class Word(StrEnum):
    """What a partner may answer."""

    ACCEPT = "accept"
    DECLINE = "decline"
    SHIP = "ship"
    AGREE = "agree"
    """To being called off."""
    REFUSE = "refuse"


class PartnerEngine(KeyedEngine[PartnerBooks, Fault]):
    def __init__(self, clock: Clock, *, write: Write | None = None) -> None:
        super().__init__(clock, PartnerBooks(write))

    def about(self, call: Call) -> str | None:
        request = self.books.requests.get(call.subject or "")
        return request.partner if request else call.body.get("partner")

    def look(self, call: Call) -> Answer | None:
        if call.verb == "find":
            return self.find(call.key or "", lambda name: self.books.requests[name].public())
        if call.verb != "request":
            return None
        request = self.books.requests.get(call.subject or "")
        return Answer(200, request.public()) if request else not_known()

    def change(self, call: Call, operation: OperationRecord) -> Answer:
        return self._ask(call, operation) if call.verb == "ask" else self._call_off(operation)

    def answer(
        self,
        request_id: str,
        word: Word,
        *,
        reason: DeclineReason = DeclineReason.NO_STOCK,
        tracking_number: str | None = None,
    ) -> Answer:
        """Have the partner answer, where it may."""
        request = self.books.requests.get(request_id)
        if request is None:
            return not_known()
        answer = self._answer(request, word, reason, tracking_number)
        self.books.commit()
        return answer

    def _answer(
        self, request: RequestRecord, word: Word, reason: DeclineReason, tracking_number: str | None = None
    ) -> Answer:
        asked_to_stop = request.cancellation is Cancellation.ASKED
        match word, request.status:
            case Word.ACCEPT, RequestStatus.REQUESTED:
                request.ship_by = request.asked_ship_by
                self._becomes(request, RequestStatus.ACCEPTED)
            case Word.DECLINE, RequestStatus.REQUESTED:
                request.declined_for = reason
                self._becomes(request, RequestStatus.DECLINED)
            case Word.SHIP, RequestStatus.ACCEPTED:
                request.tracking_number = tracking_number
                request.cancellation = Cancellation.REFUSED if asked_to_stop else request.cancellation
                self._becomes(request, RequestStatus.SHIPPED)
            case Word.AGREE, RequestStatus.ACCEPTED if asked_to_stop:
                request.cancellation = Cancellation.AGREED
                self._becomes(request, RequestStatus.CANCELLED)
            case Word.REFUSE, RequestStatus.ACCEPTED if asked_to_stop:
                request.cancellation = Cancellation.REFUSED
            case _:
                return refusal(
                    409, "wrong_state", "The request does not wait for this answer.", request_status=request.status
                )
        self._note(request, word.value)
        self._tell(request, REFUSED_TO_STOP if word is Word.REFUSE else request.status.value, self.clock())
        return Answer(201, request.public())

    def say(self, request_id: str, status: str, at: datetime | None = None) -> Answer:
        """Have the partner say something of a request, true or not."""
        request = self.books.requests.get(request_id)
        if request is None:
            return not_known()
        self._tell(request, status, at or self.clock())
        self.books.commit()
        return Answer(201, request.public())

    def _ask(self, call: Call, operation: OperationRecord) -> Answer:
        partner, now = call.body["partner"], self.clock()
        if partner == AWAY:
            away = refusal(503, "away", "The partner cannot be reached.")
            return Answer(away.status, away.body, retry_after=1)
        if not (_PARTNER.fullmatch(partner) or partner in (ACCEPTS, DECLINES, ANSWER_LOST)):
            return refused_for("unknown_partner")
        request = RequestRecord(
            id=self.new_id("req"),
            partner=partner,
            reference=call.body["reference"],
            shipment=call.body["shipment"],
            lines=call.body["lines"],
            recipient=(call.body["recipient"]["name"], *call.body["recipient"]["lines"]),
            status_at=now,
            asked_ship_by=datetime.fromisoformat(call.body["ship_by"]),
        )
        operation.subject = request.id
        self.books.put(request)
        if partner in (ACCEPTS, DECLINES):
            self._answer(request, Word.ACCEPT if partner == ACCEPTS else Word.DECLINE, DeclineReason.NO_STOCK)
        return Answer(201, request.public(), lost=partner == ANSWER_LOST)

    def _call_off(self, operation: OperationRecord) -> Answer:
        request = self.books.requests.get(operation.subject or "")
        if request is None:
            return not_known()
        operation.reference = request.reference
        match request.status:
            case RequestStatus.REQUESTED:
                request.cancellation = Cancellation.AGREED
                self._becomes(request, RequestStatus.CANCELLED)
                self._tell(request, request.status.value, request.status_at)
            case RequestStatus.ACCEPTED if request.cancellation is Cancellation.NOT_ASKED:
                request.cancellation = Cancellation.ASKED
            case RequestStatus.SHIPPED:
                request.cancellation = Cancellation.REFUSED
            case RequestStatus.DECLINED:
                request.cancellation = Cancellation.AGREED
        self.books.put(request)
        return Answer(201, request.public())

    def _becomes(self, request: RequestRecord, status: RequestStatus) -> None:
        request.status, request.status_at = status, self.clock()

    def _note(self, request: RequestRecord, word: str) -> None:
        said = AnswerRecord(
            id=self.new_id("ans"), request_id=request.id, reference=request.reference, answer=word, at=self.clock()
        )
        self.books.put(request)
        self.books.put(said)

    def _tell(self, request: RequestRecord, status: str, at: datetime) -> None:
        data = request.model_dump(mode="json", include={"partner", "reference", "shipment"})
        data |= {"request_id": request.id, "status": status, "at": at.isoformat()}
        event = EventRecord(id=self.new_id("evt"), type=f"partner.{status}", created_at=self.clock(), data=data)
        self.books.put(event)
