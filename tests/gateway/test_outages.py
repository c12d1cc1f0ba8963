"""Which system is away, as the caller is told."""

import pytest

from adapters.documents.port import DocumentsAway
from adapters.keys.port import KeyMissing, KeysUnavailable
from gateway.faults import FaultBarrier
from gateway.outages import OUTAGES
from gateway.problems import ProblemKind


async def nothing(*_: object) -> None:
    raise AssertionError("nobody calls it")


@pytest.mark.parametrize(
    ("error", "system"),
    [
        (DocumentsAway(), "document store"),
        (KeysUnavailable("away"), "key table"),
        (KeyMissing("mislaid"), "key table"),
        (RuntimeError("Failed client connect: no route"), "order engine"),
    ],
)
def test_who_calls_in_an_outage_learns_what_is_away_and_when_to_come_again(error: Exception, system: str) -> None:
    barrier = FaultBarrier(nothing, OUTAGES)
    wrapped = ValueError("what went wrong around it")
    wrapped.__cause__ = error
    for raised in (error, wrapped):
        problem = barrier.problem(raised)
        assert problem.kind is ProblemKind.UNAVAILABLE
        assert system in problem.detail
        assert int(problem.headers["Retry-After"]) > 0


def test_a_bug_is_no_outage() -> None:
    assert FaultBarrier(nothing, OUTAGES).problem(ValueError("secret 4111")).kind is ProblemKind.INTERNAL
