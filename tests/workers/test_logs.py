"""Nothing of a person, no code, card or credential comes out of a log, whoever writes it and however."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog
from pydantic import BaseModel, ValidationError

from workers.logs import Format, configure_logging, temporal_logging
from workers.redaction import REDACTED, names_a_secret, redact_text

CARD = "4111 1111 1111 1111"
Logged = Callable[[Format], io.StringIO]


@pytest.fixture
def logged() -> Iterator[Logged]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    names = ("uvicorn", "uvicorn.error", "uvicorn.access", "httpx", "sqlalchemy", "psycopg", "asyncio")
    levels = {name: logging.getLogger(name).level for name in names}

    def configure(format_: Format) -> io.StringIO:
        stream = io.StringIO()
        configure_logging(format_, "info", stream)
        return stream

    yield configure
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.mark.parametrize(
    "name",
    [
        "email",
        "customer_email",
        "phone",
        "phoneNumber",
        "name",
        "customer_name",
        "firstName",
        "token",
        "access_token",
        "code",
        "pickup_code",
        "authorization",
        "Authorization",
        "address",
        "shipping_address",
        "street",
        "cvv",
        "password",
        "api_key",
        "cookie",
    ],
)
def test_a_field_with_a_telling_name_is_redacted(name: str, logged: Logged) -> None:
    stream = logged("json")
    structlog.get_logger("test").info("seen", **{name: "zzz"}, body={name: ["zzz"]})
    assert "zzz" not in stream.getvalue()
    assert lines(stream)[0][name] == REDACTED
    assert lines(stream)[0]["body"][name] == REDACTED


@pytest.mark.parametrize(
    "name",
    [
        "order_id",
        "workflow_id",
        "event",
        "logger",
        "queue_name",
        "workflow_name",
        "event_name",
        "status_code",
        "reason_code",
        "country_code",
        "hostname",
        "filename",
        "server_address",
        "codec",
        "namespace",
        "sku",
        "store_id",
        "keys",
    ],
)
def test_a_field_with_a_harmless_name_is_kept(name: str) -> None:
    assert not names_a_secret(name)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("mail to ann.example+x@mail.example.org failed", "ann.example"),
        ("called +49 30 1234567 twice", "1234567"),
        ("called 0049301234567", "301234567"),
        ("called 030 1234567", "1234567"),
        ("called (212) 555-0123", "555-0123"),
        (f"paid with {CARD}", "1111"),
        ("paid with 4111-1111-1111-1111.", "1111"),
        ("GET /orders?token=abc123&limit=2", "abc123"),
        ("GET /c/eyJhbGciOi.payload.sig HTTP/1.1", "eyJhbGciOi"),
        ("Authorization: Bearer tl_1_secret", "tl_1_secret"),
        ("postgresql://throughline:s3cret@127.0.0.1:5432/x", "s3cret"),
        ("DETAIL:  Key (email)=(zzz) already exists.", "zzz"),
        ("[SQL: INSERT INTO x]\n[parameters: {'name': 'zzz'}]", "zzz"),
    ],
)
def test_a_value_that_looks_personal_is_taken_out_of_a_text(text: str, value: str) -> None:
    assert value not in redact_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "order 01kbqj2z9f8m4n5p6q7r8s9t0v is ready at 2026-11-22T10:00:00.123456+00:00",
        "run 018f3c1e-4111-7111-8111-111111111111 on 127.0.0.1:8180 took 0.123 s",
        "captured 9998 EUR in 3 tries; version 1.35.0; SHOE-42; S001",
        "order 4111111111111112 is no card",
    ],
)
def test_ids_times_and_amounts_are_kept(text: str) -> None:
    assert redact_text(text) == text


def test_the_standard_library_goes_through_it_too(logged: Logged) -> None:
    stream = logged("json")
    for name in ("temporalio.worker", "uvicorn.error", "anything"):
        logging.getLogger(name).warning("mail to %s", "ann@example.org", extra={"phone": "zzz", "order_id": "o-1"})
    logging.getLogger("uvicorn.access").info('127.0.0.1:1 - "GET /c/secret HTTP/1.1" 200')
    found = lines(stream)
    assert [line["logger"] for line in found] == ["temporalio.worker", "uvicorn.error", "anything"]
    assert {line["event"] for line in found} == {"mail to [email]"}
    assert {line["phone"] for line in found} == {REDACTED}
    assert {line["order_id"] for line in found} == {"o-1"}


class _Order(BaseModel):
    quantity: int


@pytest.mark.parametrize("format_", ["json", "console"])
def test_an_exceptions_text_is_redacted(format_: Format, logged: Logged) -> None:
    stream = logged(format_)
    person = "Ann Example"
    try:
        _Order.model_validate({"quantity": person})
    except ValidationError:
        structlog.get_logger("test").exception("failed")
        logging.getLogger("other").exception("failed too")
    written = stream.getvalue()
    assert "ValidationError" in written
    assert "Ann Example" not in written
    assert written.count("input_value=[redacted]") >= 2


def test_unknown_objects_and_nested_values_are_read_too(logged: Logged) -> None:
    class Note:
        def __str__(self) -> str:
            return "for ann@example.org"

    stream = logged("json")
    structlog.get_logger("test").info("seen", note=Note(), lists=[{"x": ["+49301234567"]}], number=4111111111111111)
    line = lines(stream)[0]
    assert line["note"] == "for [email]"
    assert line["lists"] == [{"x": ["[phone]"]}]
    assert line["number"] == "[card]"


def test_configuring_twice_logs_once(logged: Logged) -> None:
    logged("json")
    stream = logged("json")
    structlog.get_logger("test").info("once")
    assert len(lines(stream)) == 1


def test_a_line_for_people_says_what_happened(logged: Logged) -> None:
    stream = logged("console")
    structlog.get_logger("test").info("order taken", order_id="o-1")
    assert "order taken" in stream.getvalue()
    assert "order_id=o-1" in stream.getvalue()


def test_the_sdk_cores_logs_go_to_a_logger_and_not_to_standard_output() -> None:
    forwarding = temporal_logging().forwarding
    assert forwarding is not None
    assert isinstance(forwarding.logger, logging.Logger)
    assert forwarding.logger.name == "temporalio.core"
