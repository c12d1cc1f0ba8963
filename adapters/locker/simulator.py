"""The simulated operator over HTTP."""

from urllib.parse import quote

import httpx

from adapters.simulators.locker.spoken import SpokenLockers
from adapters.simulators.spoken import carried
from adapters.simulators.wire import Answer, Call


class SimulatorLockers(SpokenLockers):
    """A `Lockers`. The client's time-out is the caller's patience (`adapters.http.http_client`: 2 s)."""

    def __init__(self, base_url: str, client: httpx.AsyncClient) -> None:
        self._base_url = base_url.rstrip("/")
        self._client = client

    async def carry(self, call: Call) -> Answer:
        return await carried(self._client, self._request(call), self.system)

    def _request(self, call: Call) -> httpx.Request:
        one = f"{self._base_url}/v1/compartments/{quote(call.subject or '', safe='')}"
        match call.verb:
            case "find":
                url = httpx.URL(f"{self._base_url}/v1/operations", params={"key": call.key or ""})
                return self._client.build_request("GET", url)
            case "compartment":
                return self._client.build_request("GET", one)
            case "deposit_code" | "pickup_code":
                return self._client.build_request("GET", f"{one}/{call.verb}")
        url_of_change = f"{self._base_url}/v1/compartments" if call.verb == "reserve" else f"{one}/{call.verb}"
        headers = {"idempotency-key": call.key or ""}
        return self._client.build_request("POST", url_of_change, json=call.body, headers=headers)
