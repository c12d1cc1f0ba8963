"""The simulated provider over HTTP: its status codes, silences and refused connections in the port's terms."""

from typing import Any
from urllib.parse import quote

import httpx

from adapters.http import NEVER_SENT, json_object, retry_after
from adapters.payment.provider import OutcomeUnknown, Unavailable
from adapters.simulators.payment.spoken import SpokenPayments
from adapters.simulators.payment.wire import Call
from adapters.simulators.wire import Answer
from domain.payments import OperationKind


class SimulatorPayments(SpokenPayments):
    """A `PaymentProvider`. The client's time-out is the caller's patience (`adapters.http.http_client`: 2 s)."""

    def __init__(self, base_url: str, client: httpx.AsyncClient) -> None:
        self._base_url = base_url.rstrip("/")
        self._client = client

    async def _carry(self, call: Call) -> Answer:
        request = self._request(call)
        try:
            response = await self._client.send(request)
        except NEVER_SENT as fault:
            raise Unavailable from fault
        except httpx.TransportError as fault:
            raise OutcomeUnknown from fault
        return Answer(response.status_code, _body(response), retry_after=retry_after(response))

    def _request(self, call: Call) -> httpx.Request:
        if call.verb == "find":
            return self._client.build_request("GET", f"{self._base_url}/v1/operations", params={"key": call.key or ""})
        if call.verb == "listed":
            return self._client.build_request("GET", f"{self._base_url}/v1/authorisations", params=dict(call.body))
        one = f"/v1/authorisations/{quote(call.authorisation_id or '', safe='')}"
        if call.verb == "authorisation":
            return self._client.build_request("GET", self._base_url + one)
        body: dict[str, Any] = dict(call.body)
        match call.verb:
            case OperationKind.AUTHORISE:
                path = "/v1/authorisations"
            case OperationKind.CAPTURE:
                path = f"{one}/capture"
            case OperationKind.VOID:
                path = f"{one}/void"
            case OperationKind.REFUND:
                path = "/v1/refunds"
                if call.authorisation_id is not None:
                    body["authorisation_id"] = call.authorisation_id
        headers = {"idempotency-key": call.key or ""}
        return self._client.build_request("POST", self._base_url + path, json=body, headers=headers)


def _body(response: httpx.Response) -> dict[str, Any]:
    """An error page says nothing, and its status speaks alone."""
    body = json_object(response)
    if body is None and response.is_success:
        raise OutcomeUnknown
    return body or {}
