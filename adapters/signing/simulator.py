"""The simulated signature provider over HTTP."""

from urllib.parse import quote

import httpx

from adapters.simulators.signing.spoken import SpokenSignatures
from adapters.simulators.spoken import carried
from adapters.simulators.wire import Answer, Call


class SimulatorSignatures(SpokenSignatures):
    """A `Signatures`. The client's time-out is the caller's patience (`adapters.http.http_client`: 2 s)."""

    def __init__(self, base_url: str, client: httpx.AsyncClient) -> None:
        self._base_url = base_url.rstrip("/")
        self._client = client

    async def carry(self, call: Call) -> Answer:
        return await carried(self._client, self._request(call), self.system)

    def _request(self, call: Call) -> httpx.Request:
        one = f"{self._base_url}/v1/envelopes/{quote(call.subject or '', safe='')}"
        if call.verb == "envelope":
            return self._client.build_request("GET", one)
        path = f"{self._base_url}/v1/envelopes" if call.verb == "send" else f"{one}/{call.verb}"
        return self._client.build_request("POST", path, json=call.body, headers={"idempotency-key": call.key or ""})
