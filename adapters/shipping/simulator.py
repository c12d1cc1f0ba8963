"""The simulated carriers over HTTP."""

from urllib.parse import quote

import httpx

from adapters.simulators.carrier.spoken import SpokenShipping
from adapters.simulators.spoken import carried
from adapters.simulators.wire import Answer, Call


class SimulatorShipping(SpokenShipping):
    """A `Shipping`. The client's time-out is the caller's patience (`adapters.http.http_client`: 2 s)."""

    def __init__(self, base_url: str, client: httpx.AsyncClient) -> None:
        self._base_url = base_url.rstrip("/")
        self._client = client

    async def carry(self, call: Call) -> Answer:
        return await carried(self._client, self._request(call), self.system)

    def _request(self, call: Call) -> httpx.Request:
        one = quote(call.subject or "", safe="")
        match call.verb:
            case "find":
                url = httpx.URL(f"{self._base_url}/v1/operations", params={"key": call.key or ""})
                return self._client.build_request("GET", url)
            case "document":
                return self._client.build_request("GET", f"{self._base_url}/v1/labels/{one}/document")
            case "parcel":
                return self._client.build_request("GET", f"{self._base_url}/v1/parcels/{one}")
            case "rates":
                return self._client.build_request("POST", f"{self._base_url}/v1/rates", json=call.body)
        path = f"/v1/labels/{one}/void" if call.verb == "void" else "/v1/labels"
        headers = {"idempotency-key": call.key or ""}
        return self._client.build_request("POST", self._base_url + path, json=call.body, headers=headers)
