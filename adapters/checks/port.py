"""Who is asked about a person: bureaus, identity, sanctions, income and fraud services. One question, one answer."""

from typing import Protocol

from pydantic import BaseModel, ConfigDict

from domain.lending.decisions import BureauFacts
from domain.lending.products import CheckKind, Provider


class CheckAway(Exception):
    """The provider does not answer now. The same question may be asked again, or another provider."""


class CheckQuestion(BaseModel):
    """`key` names the question: asked again it is the same one, and is charged once."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    application_id: str
    party: str
    party_ref: str
    kind: CheckKind
    provider: Provider
    key: str
    monthly_income: int | None = None


class CheckAnswer(BaseModel):
    """`state`: passed, unsure, failed or hit; `entry`: of a hit, which entry of the list, the same one every time."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    state: str
    reference: str
    report: BureauFacts | None = None
    entry: str | None = None


class Checks(Protocol):
    async def ask(self, question: CheckQuestion) -> CheckAnswer:
        """Raises: CheckAway."""
        ...
