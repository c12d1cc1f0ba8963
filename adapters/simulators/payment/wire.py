"""What is asked of the simulated provider, and its own refusals."""

from dataclasses import dataclass, field
from typing import Any, Literal

from adapters.simulators.wire import Answer, refusal
from domain.payments import OperationKind

Verb = OperationKind | Literal["find", "authorisation", "payout"]


@dataclass(frozen=True)
class Call:
    """One request. `body` is its JSON; `authorisation_id` and `key` stand in the path, the query or a header."""

    verb: Verb
    body: dict[str, Any] = field(default_factory=dict)
    authorisation_id: str | None = None
    key: str | None = None


def unknown_authorisation() -> Answer:
    return refusal(404, "unknown_authorisation", "No such authorisation here.")


def wrong_state(state: str) -> Answer:
    return refusal(409, "wrong_state", f"The authorisation is {state}.", state=state)


def too_large(verb: str, available: int) -> Answer:
    return refusal(422, "amount_too_large", f"There is less to {verb}.", available=available)
