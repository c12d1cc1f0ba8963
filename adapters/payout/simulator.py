"""Payouts of the simulated payment provider, over HTTP."""

import httpx

from adapters.http import NEVER_SENT, json_object
from adapters.payout.port import PaidOut, PayoutAway, PayoutDeclined, PayoutUnknown
from domain.ids import OperationKey
from domain.money import Money


class SimulatorPayouts:
    """See `port.Payouts`."""

    def __init__(self, base_url: str, client: httpx.AsyncClient) -> None:
        self._base_url = base_url.rstrip("/")
        self._client = client

    async def pay_out(self, *, reference: str, token: str, amount: Money, key: OperationKey) -> PaidOut:
        body = {"reference": reference, "token": token, "amount": amount.amount, "currency": amount.currency}
        try:
            response = await self._client.post(
                f"{self._base_url}/v1/payouts", json=body, headers={"idempotency-key": key}
            )
        except NEVER_SENT as fault:
            raise PayoutAway(str(fault)) from fault
        except httpx.TransportError as fault:
            raise PayoutUnknown(str(fault)) from fault
        answer = json_object(response) or {}
        if response.status_code == 402:
            raise PayoutDeclined(str(answer.get("reason", "declined")))
        if not response.is_success or "id" not in answer:
            raise PayoutAway(f"the provider answered {response.status_code}")
        return PaidOut(reference=answer["id"], amount=amount)

    async def find(self, key: OperationKey) -> PaidOut | None:
        try:
            response = await self._client.get(f"{self._base_url}/v1/operations", params={"key": key})
        except httpx.TransportError as fault:
            raise PayoutAway(str(fault)) from fault
        found = json_object(response) or {}
        if response.status_code == 404 and found.get("code") == "unknown_operation":
            return None
        if not response.is_success:
            raise PayoutAway(f"the provider answered {response.status_code}")
        if found["status"] == "failed":
            raise PayoutDeclined(str(found.get("reason") or "declined"))
        answer = found["answer"]
        return PaidOut(reference=answer["id"], amount=Money(amount=answer["amount"], currency=answer["currency"]))
