"""What is asked of the simulated provider and what it answers, whoever carries it: HTTP, or a plain call."""

from dataclasses import dataclass, field
from typing import Any, Literal

from domain.payments import OperationKind

Verb = OperationKind | Literal["find", "authorisation"]


@dataclass(frozen=True)
class Call:
    """One request. `body` is its JSON; `authorisation_id` and `key` stand in the path, the query or a header."""

    verb: Verb
    body: dict[str, Any] = field(default_factory=dict)
    authorisation_id: str | None = None
    key: str | None = None


@dataclass(frozen=True)
class Answer:
    """One answer. `lost`: the caller never sees it, only its own time-out."""

    status: int
    body: dict[str, Any]
    retry_after: float | None = None
    lost: bool = False


def refusal(status: int, code: str, message: str, **details: Any) -> Answer:
    return Answer(status, {"code": code, "message": message, **details})


def unknown_authorisation() -> Answer:
    return refusal(404, "unknown_authorisation", "No such authorisation here.")


def wrong_state(state: str) -> Answer:
    return refusal(409, "wrong_state", f"The authorisation is {state}.", state=state)


def too_large(verb: str, available: int) -> Answer:
    return refusal(422, "amount_too_large", f"There is less to {verb}.", available=available)
