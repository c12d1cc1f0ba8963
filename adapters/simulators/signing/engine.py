"""The signature provider at work: its signers sign at once, unless the application's are told to behave otherwise."""

import hashlib
from datetime import datetime, timedelta

from adapters.clock import Clock
from adapters.signing.port import EnvelopeState
from adapters.simulators.books import EventRecord, Write
from adapters.simulators.engine import DONE, KeyedEngine, OperationRecord, not_known
from adapters.simulators.signing.books import Behaviour, EnvelopeRecord, SignerRecord, SigningBooks
from adapters.simulators.signing.faults import Fault
from adapters.simulators.wire import Answer, Call, refusal

ANOTHER_TEXT = "agreement-0"


class SigningEngine(KeyedEngine[SigningBooks, Fault]):
    def __init__(self, clock: Clock, *, write: Write | None = None) -> None:
        super().__init__(clock, SigningBooks(write))

    def about(self, call: Call) -> str | None:
        envelope = self.books.envelopes.get(call.subject or "")
        return envelope.reference if envelope else call.body.get("reference")

    def look(self, call: Call) -> Answer | None:
        if call.verb != "envelope":
            return None
        envelope = self.books.envelopes.get(call.subject or "")
        return Answer(200, envelope.public()) if envelope else not_known()

    def change(self, call: Call, operation: OperationRecord) -> Answer:
        return self._send(call, operation) if call.verb == "send" else self._void(operation)

    def happen(self, subject: str, at: datetime) -> None:
        envelope = self.books.envelopes.get(subject)
        if envelope is not None and envelope.state is EnvelopeState.SENT:
            self._ends(envelope, EnvelopeState.COMPLETED)

    def resume(self) -> None:
        for envelope in self.books.envelopes.values():
            signer = self.books.signers.get(envelope.reference)
            if envelope.state is EnvelopeState.SENT and signer and signer.behaviour is Behaviour.LATE:
                self.plan(envelope.sent_at + timedelta(seconds=signer.seconds), envelope.id)

    def behave(self, reference: str, behaviour: Behaviour, seconds: float = 0.0) -> SignerRecord:
        """Tell the signers of an application how to act from now on."""
        signer = SignerRecord(id=reference, behaviour=behaviour, seconds=seconds)
        self.books.put(signer)
        self.books.commit()
        return signer

    def answer(self, envelope_id: str, *, signs: bool) -> Answer:
        """Have the signer of an open envelope answer."""
        envelope = self.books.envelopes.get(envelope_id)
        if envelope is None:
            return not_known()
        if envelope.state is not EnvelopeState.SENT:
            return refusal(409, "wrong_state", "The envelope waits for nobody.", state=envelope.state)
        self._ends(envelope, EnvelopeState.COMPLETED if signs else EnvelopeState.DECLINED)
        self.books.commit()
        return Answer(DONE, envelope.public())

    def _send(self, call: Call, operation: OperationRecord) -> Answer:
        signer = self.books.signers.get(call.body["reference"])
        behaviour = signer.behaviour if signer else Behaviour.SIGNS
        envelope = EnvelopeRecord(id=self.new_id("env"), sent_at=self.clock(), **call.body)
        operation.subject = envelope.id
        self.books.put(envelope)
        match behaviour:
            case Behaviour.SIGNS:
                self._ends(envelope, EnvelopeState.COMPLETED)
            case Behaviour.WRONG:
                envelope.text = ANOTHER_TEXT
                self._ends(envelope, EnvelopeState.COMPLETED)
            case Behaviour.DECLINES:
                self._ends(envelope, EnvelopeState.DECLINED)
            case Behaviour.LATE:
                self.plan(envelope.sent_at + timedelta(seconds=signer.seconds if signer else 0.0), envelope.id)
        return Answer(DONE, envelope.public())

    def _void(self, operation: OperationRecord) -> Answer:
        envelope = self.books.envelopes.get(operation.subject or "")
        if envelope is None:
            return not_known()
        operation.reference = envelope.reference
        if envelope.state is EnvelopeState.SENT:
            self._ends(envelope, EnvelopeState.VOIDED)
        return Answer(DONE, envelope.public())

    def _ends(self, envelope: EnvelopeRecord, state: EnvelopeState) -> None:
        envelope.state = state
        if state is EnvelopeState.COMPLETED:
            envelope.signed_at = self.clock()
            trail = (
                f"{envelope.id}\0{envelope.text}\0{envelope.terms_hash}\0{envelope.consent_at}\0{envelope.signed_at}"
            )
            envelope.evidence = hashlib.sha256(trail.encode()).hexdigest()
        data = {"envelope_id": envelope.id, "reference": envelope.reference, "state": state.value}
        event = EventRecord(id=self.new_id("evt"), type=f"envelope.{state.value}", created_at=self.clock(), data=data)
        for record in (envelope, event):
            self.books.put(record)
