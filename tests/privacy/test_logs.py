"""Logs of a process redact what an exception quotes, whoever raised it."""

import subprocess
import sys

MAIL, CARD, PHONE, CODE = (
    "xaverine.quillfeather@privacy-test.example",
    "4000 0566 5566 5556",
    "+49 30 9876543",
    "73510284",
)

PROGRAM = f'''
import logging
import structlog
from pydantic import BaseModel
from workers.logs import configure_logging

configure_logging("{{format}}", "info")

class Tender(BaseModel):
    amount: int

def fails():
    try:
        Tender.model_validate({{{{"amount": "{CARD}"}}}})
    except ValueError as error:
        raise RuntimeError("no delivery to {MAIL}, phone {PHONE}, card {CARD}") from error

for log in (structlog.get_logger("ours").bind(email="{MAIL}", code="{CODE}"), logging.getLogger("a.library")):
    try:
        fails()
    except RuntimeError:
        log.exception("it went wrong for {MAIL}")
logging.getLogger("a.library").warning("sent %s to %s", "{CODE} is secret only by its name", "{MAIL}")
raise SystemExit(0)
'''


def logged(form: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(format=form)], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout + done.stderr


def test_an_exception_is_logged_without_the_mail_the_phone_and_the_card_that_it_quotes() -> None:
    for form in ("json", "console"):
        written = logged(form)
        assert written.count("RuntimeError") >= 2, "the exceptions themselves are there"
        assert "it went wrong for [email]" in written
        assert "[card]" in written
        assert "[phone]" in written
        for secret in (MAIL, CARD, CARD.replace(" ", ""), PHONE):
            assert secret not in written, (form, secret)


def test_a_field_that_is_named_after_a_secret_is_not_shown() -> None:
    assert f"code={CODE}" not in logged("console")
    assert f'"code": "{CODE}"' not in logged("json")
