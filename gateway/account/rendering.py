"""Customers' pages in their language: plain HTML that needs no script, and headers that keep the link to itself."""

import secrets
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from adapters.notification.format import Formats

PAGES = Path(__file__).parent.parent / "pages"
LANGUAGES = ("en", "de")

Words = dict[str, Any]

_templates = Environment(
    loader=FileSystemLoader(PAGES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)


@cache
def words_in(language: str) -> Words:
    return tomllib.loads((PAGES / f"{language}.toml").read_text())


def language_of(locale: str | None, accepted: str | None) -> str:
    """The order's language, else the first of the browser's that we speak, else English."""
    wanted = [locale or "", *(part.partition(";")[0] for part in (accepted or "").split(","))]
    spoken = (tag.strip().replace("_", "-").partition("-")[0].lower() for tag in wanted)
    return next((language for language in spoken if language in LANGUAGES), "en")


def formats_for(locale: str | None, language: str, zone: str | None) -> Formats:
    return Formats(locale=locale or language, language=language, zone=zone, utc=words_in(language)["utc"])


def page(template: str, words: Words, status: int = 200, **context: Any) -> HTMLResponse:
    nonce = secrets.token_urlsafe(16)
    given = {"order": None, "name": None, "outcome": None, "tone": "", "w": words, "nonce": nonce} | context
    html = _templates.get_template(f"{template}.html.jinja").render(given)
    return HTMLResponse(html, status, headers=_headers(nonce))


def message(words: Words, what: str, status: int, **headers: str) -> HTMLResponse:
    """A page that says one thing (`errors.gone` and the like)."""
    errors = words["errors"]
    answer = page("message", words, status, title=errors[what], outcome=errors[f"{what}_text"], tone="bad")
    answer.headers.update(headers)
    return answer


def _headers(nonce: str) -> dict[str, str]:
    policy = f"default-src 'none'; style-src 'nonce-{nonce}'; form-action 'self'"
    return {
        "Content-Security-Policy": f"{policy}; base-uri 'none'; frame-ancestors 'none'",
        # The address is the key: it goes into no other site's log, no cache and no search engine.
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "X-Robots-Tag": "noindex",
    }
