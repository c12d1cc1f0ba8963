"""Promises of orders to claim an identity with."""

from datetime import UTC, datetime
from typing import Any

from adapters.intake.port import Intake, IntakeState
from domain.ids import OrderId

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
A, B, C = OrderId("oa"), OrderId("ob"), OrderId("oc")


def intake(order_id: str = A, external_id: str = "W-1", **fields: Any) -> Intake:
    given: dict[str, Any] = {
        "order_id": order_id,
        "channel": "web",
        "external_id": external_id,
        "content_hash": "0" * 64,
        "created_by": "shop",
        "state": IntakeState.PROMISED,
        "promised_at": NOW,
    }
    return Intake(**{**given, **fields})
