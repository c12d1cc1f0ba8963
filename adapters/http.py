"""The one place where HTTP clients are made: every call out has a time-out, a bounded pool, and follows no redirect.

Also what any answer says apart from its meaning: whether it was one, and when to come back.
"""

import json
from typing import Any

import httpx

TIMEOUT = 2.0
"""Seconds for a whole answer of a system that is well. Longer waits are the workflow's business, not a socket's."""


def http_client(
    base_url: str = "",
    *,
    timeout: float = TIMEOUT,
    connections: int = 100,
    headers: dict[str, str] | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> httpx.AsyncClient:
    """A client that trusts no proxy settings of its surroundings and speaks to `base_url` when paths are relative."""
    return httpx.AsyncClient(
        base_url=base_url,
        timeout=httpx.Timeout(timeout, connect=min(timeout, 2.0)),
        limits=httpx.Limits(max_connections=connections, max_keepalive_connections=min(connections, 20)),
        follow_redirects=False,
        headers={"user-agent": "throughline", **(headers or {})},
        transport=transport,
        trust_env=False,
    )


NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
"""Faults that strike before a byte of the request is on its way: the other side cannot have acted."""


def json_object(response: httpx.Response) -> dict[str, Any] | None:
    """The JSON object of an answer; None for anything else, such as a proxy's error page."""
    try:
        body = response.json()
    except (json.JSONDecodeError, UnicodeDecodeError):
        return None
    return body if isinstance(body, dict) else None


def retry_after(response: httpx.Response) -> float | None:
    """The seconds that the other side asks us to wait."""
    word = response.headers.get("retry-after", "")
    try:
        seconds = float(word)
    except ValueError:
        return None
    return seconds if 0 <= seconds < float("inf") else None
