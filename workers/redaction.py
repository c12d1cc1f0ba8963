"""What may not stand in a log is taken out: by the name of the field, and by how a value looks.

The last guard, not the first: code passes ids, never personal data. Bytes and unknown objects are read as text.
"""

import re
from collections.abc import Mapping
from typing import Any

from structlog.typing import EventDict, WrappedLogger

from domain.card_data import has_card_number

REDACTED = "[redacted]"
_DEEPEST = 6

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_SECRET_WORDS = frozenset(
    [
        "email",
        "mail",
        "phone",
        "telephone",
        "mobile",
        "tel",
        "fax",
        "token",
        "authorization",
        "authorisation",
        "password",
        "passwd",
        "secret",
        "cookie",
        "address",
        "street",
        "cvv",
        "cvc",
        "pan",
        "iban",
        "birthdate",
        "person",
        "recipient",
        "credentials",
    ]
)
# `name`, `code` and `address` also name harmless things, whose fields say so in the word before.
_DOUBTFUL_WORDS = frozenset({"name", "names", "code", "codes", "surname", "forename"})
_HARMLESS_BEFORE = frozenset(
    [
        "logger",
        "queue",
        "activity",
        "workflow",
        "event",
        "module",
        "func",
        "function",
        "thread",
        "process",
        "task",
        "file",
        "host",
        "path",
        "type",
        "error",
        "exception",
        "status",
        "exit",
        "return",
        "reason",
        "country",
        "currency",
        "problem",
        "signal",
        "update",
        "query",
        "schedule",
        "metric",
        "namespace",
        "pool",
        "system",
        "server",
        "program",
        "setting",
        "command",
        "attribute",
        "adapter",
        "table",
        "column",
        "service",
        "http",
    ]
)
_HARMLESS = frozenset(
    [
        "server_address",
        "listen_address",
        "bind_address",
        "temporal_address",
        "local_address",
        "hostname",
        "filename",
        "pathname",
        "codec",
        "smtp_address",
        "api_address",
        "mail_url",
        "smtp_host",
        "mailbox_port",
    ]
)

_PATTERNS = (
    # What drivers and validators quote: input values, bound parameters, the row of a broken constraint.
    (re.compile(r"input_value=.*?(?=, input_type=|\]|$)", re.DOTALL), f"input_value={REDACTED}"),
    (re.compile(r"\[parameters: .*?\](?=\n|$)", re.DOTALL), f"[parameters: {REDACTED}]"),
    (re.compile(r"DETAIL:.*"), f"DETAIL: {REDACTED}"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]+"), rf"\1 {REDACTED}"),
    (
        re.compile(r"(?i)([?&](?:token|code|key|signature|email|phone|name|customer)=)[^&\s\"']*"),
        rf"\1{REDACTED}",
    ),
    (re.compile(r"(?i)(/c/)[A-Za-z0-9._~-]+"), rf"\1{REDACTED}"),
    (re.compile(r"(://[^/\s:@]+:)[^@\s/]+@"), rf"\1{REDACTED}@"),
    (re.compile(r"[A-Za-z0-9._%+'-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"), "[email]"),
    # E.164 and its prefix 00, and the usual national spellings; digits within a longer word belong to an id.
    (re.compile(r"(?<![\w+])(?:\+|00)[1-9](?:[ ()/.-]{0,2}\d){6,14}(?!\w)"), "[phone]"),
    (re.compile(r"(?<![\w.:-])\(?0\d{2,4}\)?[ /-]{1,2}\d{3,}(?:[ -]?\d{2,})*(?![\w:.])"), "[phone]"),
    (re.compile(r"(?<![\w.-])(?:\(\d{3}\) ?|\d{3}[-.])\d{3}[-.]\d{4}(?![\w-])"), "[phone]"),
)
_DIGITS = re.compile(r"(?<![\w-])\d(?:[ -]?\d){12,}(?![\w-])")


def redact(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """A structlog processor. Runs after exceptions became text, so that they are read too."""
    return {name: _field(name, value, 0) for name, value in event.items()}


def redact_text(text: str) -> str:
    """A text without mail addresses, phone and card numbers, tokens in URLs, and what drivers quote."""
    # Cards first: a part of one, taken for a phone number, would leave the rest.
    text = _DIGITS.sub(lambda found: "[card]" if has_card_number(found.group()) else found.group(), text)
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def names_a_secret(name: str) -> bool:
    """Whether a field of this name holds personal data, a code or a credential."""
    words = [word.lower() for word in _WORD.findall(name)]
    if not words or "_".join(words) in _HARMLESS or "".join(words) in _HARMLESS:
        return False
    if not _SECRET_WORDS.isdisjoint(words) or {"api", "key"} <= set(words):
        return True
    return words[-1] in _DOUBTFUL_WORDS and not (len(words) > 1 and words[-2] in _HARMLESS_BEFORE)


def _field(name: str, value: Any, depth: int) -> Any:
    if value is None or isinstance(value, bool) or not names_a_secret(name):
        return _value(value, depth)
    return REDACTED


def _value(value: Any, depth: int) -> Any:
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return "[card]" if has_card_number(str(value)) else value
    if isinstance(value, str):
        return redact_text(value)
    if depth >= _DEEPEST:
        return REDACTED
    if isinstance(value, Mapping):
        return {redact_text(str(name)): _field(str(name), inner, depth + 1) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_value(inner, depth + 1) for inner in value]
    return redact_text(str(value))
