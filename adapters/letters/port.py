"""Notices that the law asks for: written from facts, kept as text and page, sent with proof, and written again."""

from typing import Any, Protocol

from pydantic import AwareDatetime, BaseModel, ConfigDict


class LetterAway(Exception):
    """The mail system is away: the same letter may be offered again."""


class LetterRejected(Exception):
    """It cannot reach this person by mail: a person decides."""


class Letter(BaseModel):
    """What is said to whom. `facts` hold nothing personal: who it is for is looked up when it is written."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    application_id: str
    n: int
    kind: str
    party: str
    at: AwareDatetime
    locale: str
    facts: dict[str, Any]


class Dispatched(BaseModel):
    """`proof`: the message's id at the system that is answerable for it now."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    proof: str
    sha256: str
    pdf_sha256: str


class Written(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str
    pdf: bytes


class Letters(Protocol):
    async def send(self, letter: Letter) -> Dispatched:
        """Write, keep and send it; repeated, it is the same message. Raises: LetterAway, LetterRejected."""
        ...

    async def write(self, letter: Letter) -> Written:
        """The same bytes for the same letter."""
        ...
