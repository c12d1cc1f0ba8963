"""What is asked of a simulated system and what it answers, whoever carries it: HTTP, or a plain call."""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Call:
    """One request. `body` is its JSON; `subject`, what it is about, and `key` stand in the path, query or a header."""

    verb: str
    body: dict[str, Any] = field(default_factory=dict)
    subject: str | None = None
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


def key_missing() -> Answer:
    return refusal(400, "key_missing", "Send an Idempotency-Key.")


def key_conflict() -> Answer:
    return refusal(422, "key_conflict", "This key was used with other parameters.")


def fingerprint(verb: str, subject: str | None, body: dict[str, Any]) -> str:
    """The same for the same parameters, whatever their order: a key belongs to one of these."""
    meaning = json.dumps([verb, subject, body], sort_keys=True)
    return hashlib.sha256(meaning.encode()).hexdigest()
