"""Callers before two APIs, as they are told to behave: a balancer that turns away from a closed port, callers that ask
again with the same key while they are told so, and a note of every answer."""

import asyncio
import uuid
from collections import Counter
from typing import Any

import httpx

from tests.deployment.team import APIS, Team
from tests.scenarios.world import Json, World


class Balancer(httpx.AsyncBaseTransport):
    """Each request to the other API than the last one's; what could not be sent goes to the next."""

    def __init__(self, team: Team) -> None:
        self.team = team
        self.statuses: Counter[tuple[str, int, bool]] = Counter()
        """By API and status, and whether the answer says when to ask again."""
        self._next = 0
        limits = httpx.Limits(max_connections=200, max_keepalive_connections=50)
        self._transport = httpx.AsyncHTTPTransport(limits=limits, trust_env=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.port != self.team.ports[APIS[0]]:
            return await self._transport.handle_async_request(request)
        for attempt in range(len(APIS)):
            self._next += 1
            name = APIS[self._next % len(APIS)]
            request.url = request.url.copy_with(port=self.team.ports[name])
            request.headers["host"] = f"{request.url.host}:{request.url.port}"
            try:
                answer = await self._transport.handle_async_request(request)
            except httpx.ConnectError:
                if attempt + 1 == len(APIS):
                    raise
                continue
            self.statuses[name, answer.status_code, "retry-after" in answer.headers] += 1
            return answer
        raise AssertionError("there are APIs")

    async def aclose(self) -> None:
        await self._transport.aclose()


class Callers(World):
    """The outsiders of the stories, behind that balancer."""

    def __init__(self, team: Team) -> None:
        super().__init__(team)
        self.balancer = Balancer(team)
        self._direct = self.http
        self.http = httpx.AsyncClient(timeout=60.0, transport=self.balancer, trust_env=False)

    async def close(self) -> None:
        await self._direct.aclose()
        await self.http.aclose()

    async def call(
        self,
        method: str,
        path: str,
        key: str,
        body: Json | None = None,
        *,
        idempotency: str | None = None,
        patient: bool = True,
        patience: float = 60.0,
        **headers: str,
    ) -> httpx.Response:
        """Asked again, under the same key, when the connection broke or the first try is still at work."""
        more: dict[str, Any] = {"idempotency": idempotency or uuid.uuid4().hex, "patient": patient} | headers
        end = asyncio.get_running_loop().time() + patience
        while True:
            try:
                answer = await super().call(method, path, key, body, patience=patience, **more)
                at_work = answer.status_code == 409 and answer.json()["type"].endswith("/request-in-progress")
                if not (patient and at_work):
                    return answer
            except httpx.TransportError:
                if not patient or asyncio.get_running_loop().time() > end:
                    raise
            await asyncio.sleep(0.2)
