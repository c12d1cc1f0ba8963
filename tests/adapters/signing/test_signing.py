"""The signature provider and its signers: once a key, and never signed after it was taken back."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from adapters.outside import KeyConflict, NotKnown, OutcomeUnknown, Unavailable
from adapters.signing.memory import MemorySignatures
from adapters.signing.port import EnvelopeRequest, EnvelopeState
from adapters.simulators.faults import FaultKind
from adapters.simulators.signing.books import Behaviour
from adapters.simulators.signing.faults import Fault, FaultedOperation
from domain.ids import OperationKey

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)


@dataclass
class Watch:
    at: datetime = NOW

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def provider(watch: Watch) -> MemorySignatures:
    return MemorySignatures(watch)


def asked(key: str = "k1", **changed: str) -> EnvelopeRequest:
    return EnvelopeRequest(
        key=OperationKey(key),
        reference="app1",
        party="p1",
        text=changed.get("text", "agreement-1"),
        terms_hash="h",
        consent_text="electronic-records-1",
        consent_at=NOW,
    )


async def test_an_envelope_is_opened_once_a_key_and_signed_with_evidence(provider: MemorySignatures) -> None:
    first = await provider.send(asked())
    assert (first.state, first.text, len(first.evidence or "")) == (EnvelopeState.COMPLETED, "agreement-1", 64)
    assert await provider.send(asked()) == first
    with pytest.raises(KeyConflict):
        await provider.send(asked(text="agreement-2"))
    assert [each.type for each in provider.engine.books.events.values()] == ["envelope.completed"]


async def test_a_late_signer_signs_in_time_and_a_silent_one_when_told(provider: MemorySignatures, watch: Watch) -> None:
    provider.engine.behave("app1", Behaviour.LATE, 60)
    late = await provider.send(asked())
    watch.at += timedelta(seconds=59)
    assert (await provider.envelope(late.id)).state is EnvelopeState.SENT
    watch.at += timedelta(seconds=1)
    assert (await provider.envelope(late.id)).state is EnvelopeState.COMPLETED
    provider.engine.behave("app1", Behaviour.SILENT)
    silent = await provider.send(asked("k2"))
    watch.at += timedelta(days=30)
    assert (await provider.envelope(silent.id)).state is EnvelopeState.SENT
    provider.engine.answer(silent.id, signs=False)
    assert (await provider.envelope(silent.id)).state is EnvelopeState.DECLINED


async def test_what_was_taken_back_is_signed_by_nobody_and_what_was_signed_stays_so(provider: MemorySignatures) -> None:
    signed = await provider.send(asked())
    assert (await provider.void(signed.id, key=OperationKey("v1"))).state is EnvelopeState.COMPLETED
    provider.engine.behave("app1", Behaviour.SILENT)
    open_one = await provider.send(asked("k2"))
    assert (await provider.void(open_one.id, key=OperationKey("v2"))).state is EnvelopeState.VOIDED
    assert provider.engine.answer(open_one.id, signs=True).status == 409
    with pytest.raises(NotKnown):
        await provider.envelope("nothing")


async def test_a_lost_answer_leaves_one_envelope_and_one_that_is_away_none(provider: MemorySignatures) -> None:
    provider.engine.faults.plant(Fault(operation=FaultedOperation.SEND, kind=FaultKind.AFTER, count=1))
    with pytest.raises(OutcomeUnknown):
        await provider.send(asked())
    again = await provider.send(asked())
    assert list(provider.engine.books.envelopes) == [again.id]
    provider.engine.faults.plant(Fault(operation=FaultedOperation.SEND, kind=FaultKind.STATUS, status=503, count=1))
    with pytest.raises(Unavailable):
        await provider.send(asked("k2"))
    assert list(provider.engine.books.envelopes) == [again.id]
