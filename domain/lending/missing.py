"""What keeps an application from being complete, in words that callers act upon."""

from enum import StrEnum

from pydantic import ConfigDict

from domain.lending.sparse import Sparse


class MissingKind(StrEnum):
    STEP = "step"
    CONSENT = "consent"
    DOCUMENT = "document"


class MissingItem(Sparse):
    """`name`: of the step, or the document's id; `type`: of a document."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: MissingKind
    name: str
    party: str | None = None
    type: str | None = None
