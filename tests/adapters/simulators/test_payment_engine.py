"""Whatever is asked in whatever order, the provider's sums hold, and its books read back as they were."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.simulators.journal import Journal
from adapters.simulators.payment.books import KINDS
from adapters.simulators.payment.engine import Engine
from adapters.simulators.payment.wire import Call
from domain.payments import AuthorisationStatus, OperationKind

TOKENS = ["tok_ok", "tok_single_capture", "tok_expires_5s", "tok_3ds", "tok_refund_fails", "tok_capture_declined"]
START = datetime(2026, 3, 1, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


steps = st.tuples(
    st.sampled_from(["capture", "void", "void all", "refund", "dispute", "approve", "wait", "repeat"]),
    st.integers(1, 1200),
)


def play(engine: Engine, clock: Clock, token: str, script: list[tuple[str, int]]) -> str:
    body = {"reference": "order", "token": token, "amount": 1000, "currency": "EUR"}
    authorisation = engine.perform(Call(OperationKind.AUTHORISE, body, key="authorise")).body["id"]
    last: Call | None = None
    for number, (verb, amount) in enumerate(script):
        money: dict[str, Any] = {"amount": amount, "currency": "EUR"}
        match verb:
            case "dispute":
                engine.dispute(authorisation, amount)
            case "approve":
                engine.act(authorisation, approve=True)
            case "wait":
                clock.now += timedelta(seconds=amount / 200)
            case "repeat" if last is not None:
                before = engine.ledger()
                engine.perform(last)
                assert len(engine.ledger()) <= len(before) + 1
            case "capture" | "void" | "refund":
                last = Call(OperationKind(verb), money, authorisation, f"{verb}:{number}")
                engine.perform(last)
            case "void all":
                engine.perform(Call(OperationKind.VOID, {}, authorisation, f"void:{number}"))
    return str(authorisation)


@settings(deadline=None, max_examples=150)
@given(token=st.sampled_from(TOKENS), script=st.lists(steps, max_size=14))
def test_no_script_takes_frees_or_returns_more_than_there_is(token: str, script: list[tuple[str, int]]) -> None:
    clock = Clock()
    engine = Engine(clock)
    record = engine.books.authorisations[play(engine, clock, token, script)]
    entries = engine.ledger("order")

    def total(operation: str, *statuses: str) -> int:
        return sum(e["amount"] for e in entries if e["operation"] == operation and e["status"] in statuses)  # type: ignore[misc]

    captured, voided = total("capture", "succeeded"), total("void", "succeeded")
    assert captured + voided <= total("authorise", "succeeded", "pending", "reversed")
    assert total("refund", "succeeded", "pending") <= captured
    assert total("dispute", "succeeded") <= captured
    assert (captured, voided) == (record.captured, record.voided)
    assert total("refund", "succeeded", "pending") == record.refunded
    if record.status in (AuthorisationStatus.CAPTURED, AuthorisationStatus.VOIDED, AuthorisationStatus.EXPIRED):
        assert record.remaining == 0
    assert len({e["key"] for e in entries}) == len(entries)


@pytest.mark.parametrize("token", TOKENS)
def test_a_journal_reads_back_what_was_true_and_passes_over_a_torn_line(tmp_path: Path, token: str) -> None:
    clock, path = Clock(), tmp_path / "payments.jsonl"
    journal = Journal(path, KINDS)
    journal.open([])
    engine = Engine(clock, write=journal.write)
    play(engine, clock, token, [("approve", 1), ("capture", 300), ("refund", 100), ("dispute", 50)])
    with path.open("ab") as file:
        file.write(b'[["o",{"id":"op_torn"')
    for _ in range(2):  # the second time from the shortened file
        again = Journal(path, KINDS)
        read = Engine(clock)
        read.books.replay(again.read())
        read.resume()
        again.open(read.books.snapshot())
        again.close()
        assert read.ledger() == engine.ledger()
        assert read.ledger("order") == engine.ledger("order")
        assert read.books.owed == engine.books.owed
    clock.now += timedelta(days=8)
    assert [(e["operation"], e["amount"]) for e in read.ledger()] == [
        (e["operation"], e["amount"]) for e in engine.ledger()
    ]
    journal.close()
