"""What is asked of the signature provider. Each envelope is opened once, under its key."""

from collections.abc import Awaitable
from datetime import timedelta

from pydantic import BaseModel, ConfigDict
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.faults import AWAY, NEEDS_A_PERSON
from adapters.signing.port import (
    Envelope,
    EnvelopeRefused,
    EnvelopeRequest,
    KeyConflict,
    NotKnown,
    NotUnderstood,
    OutsideFault,
    Signatures,
    Unavailable,
)
from domain.ids import OperationKey


class VoidEnvelope(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    envelope_id: str
    key: OperationKey


class SigningSteps:
    def __init__(self, signatures: Signatures):
        self.signatures = signatures

    @activity.defn
    async def send_envelope(self, request: EnvelopeRequest) -> Envelope:
        return await _heard(self.signatures.send(request))

    @activity.defn
    async def look_at_envelope(self, envelope_id: str) -> Envelope:
        """As it is now: what an event says is only a reason to look."""
        return await _heard(self.signatures.envelope(envelope_id))

    @activity.defn
    async def void_envelope(self, request: VoidEnvelope) -> Envelope:
        return await _heard(self.signatures.void(request.envelope_id, key=request.key))


async def _heard(answer: Awaitable[Envelope]) -> Envelope:
    try:
        return await answer
    except (EnvelopeRefused, NotKnown, KeyConflict, NotUnderstood) as fault:
        raise ApplicationError(str(fault), type=NEEDS_A_PERSON, non_retryable=True) from fault
    except OutsideFault as fault:  # away, or unknown whether it was done: the same key is safe
        after = fault.retry_after if isinstance(fault, Unavailable) else None
        delay = timedelta(seconds=after) if after else None
        raise ApplicationError(str(fault), type=AWAY, next_retry_delay=delay) from fault
