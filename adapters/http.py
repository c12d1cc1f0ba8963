"""The one place where HTTP clients are made: every call out has a time-out, a bounded pool, and follows no redirect."""

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
