"""What is said of a person is kept as far as the application takes it, whoever speaks at the same time."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from adapters.letters.writing import party_subject
from domain.personal import PersonalData
from gateway.applications.starting import said
from gateway.problems import Problem, ProblemKind

KNOWN, SAID, OTHER = (PersonalData(name=name) for name in ("Pat Known", "Pat Said", "Pat Other"))
SUBJECT = party_subject("a", "p1")
STALE = Problem(ProblemKind.STALE_VERSION, "You saw another one.")
AWAY = Problem(ProblemKind.UNAVAILABLE, "The engine is away.")


class Vault(dict[str, PersonalData]):
    async def put(self, subject: str, _: str, data: PersonalData, __: datetime) -> None:
        self[subject] = data

    async def get(self, subject: str) -> PersonalData:
        return self[subject]


@pytest.fixture
def services() -> Any:
    async def key(_: str) -> Any:
        return SimpleNamespace(id="k")

    vault = Vault({SUBJECT: KNOWN})
    return SimpleNamespace(
        vault=vault, keys=SimpleNamespace(key_of_workflow=key), now=lambda: datetime(2026, 11, 2, tzinfo=UTC)
    )


async def saying(services: Any, answer: Problem | None, *, meanwhile: PersonalData | None = None) -> None:
    async with said(services, "a", "p1", SAID, before=KNOWN):
        assert services.vault[SUBJECT] == SAID
        services.vault[SUBJECT] = meanwhile or SAID
        if answer is not None:
            raise answer


async def test_what_was_taken_is_kept(services: Any) -> None:
    await saying(services, None)
    assert services.vault[SUBJECT] == SAID


@pytest.mark.parametrize(("answer", "kept"), [(STALE, KNOWN), (AWAY, SAID)])
async def test_what_was_refused_is_not_kept(services: Any, answer: Problem, kept: PersonalData) -> None:
    """Nobody knows what became of a command when the engine is away: it may have been taken."""
    with pytest.raises(Problem):
        await saying(services, answer)
    assert services.vault[SUBJECT] == kept


async def test_what_another_device_has_said_meanwhile_stays(services: Any) -> None:
    with pytest.raises(Problem):
        await saying(services, STALE, meanwhile=OTHER)
    assert services.vault[SUBJECT] == OTHER
