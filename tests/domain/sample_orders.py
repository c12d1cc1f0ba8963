"""Orders to try the domain's rules on."""

from datetime import UTC, datetime, timedelta
from typing import Any

from domain.actors import ENGINE, Channel
from domain.destinations import Destination
from domain.ids import LineId, OrderId, Sku, StoreId
from domain.intake import PickupMode, TenderType
from domain.order import Order
from domain.payments import TenderId
from domain.policy_packs import STANDARD
from domain.settlement import MoneyPlan, TenderBook, plan_money
from domain.terms import LineTerms, OrderTerms, PickupTerms, ShipmentTerms, TenderTerms

PLACED = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
A, B, C = LineId("A"), LineId("B"), LineId("C")


def after(**span: float) -> datetime:
    return PLACED + timedelta(**span)


def line(line_id: LineId, quantity: int, total: int, group: int = 1) -> LineTerms:
    return LineTerms(
        line_id=line_id,
        sku=Sku(f"sku-{line_id}"),
        quantity=quantity,
        unit_price=total // quantity,
        discount=0,
        tax=0,
        total=total,
        group=group,
    )


def terms(
    *lines: LineTerms,
    card: int | None = None,
    till: int | None = None,
    tenders: list[tuple[TenderType, int]] | None = None,
    **changes: Any,
) -> OrderTerms:
    """Terms whose tenders are one card for everything, unless said otherwise."""
    total = sum(each.total for each in lines)
    if tenders is None:
        tenders = [(TenderType.CARD, card)] if card is not None else []
        tenders += [(TenderType.PAY_IN_STORE, till)] if till is not None else []
    given: dict[str, Any] = {
        "order_id": OrderId("o1"),
        "channel": Channel.WEB,
        "external_id": "X1",
        "placed_at": PLACED,
        "received_at": PLACED,
        "currency": "EUR",
        "locale": "en",
        "customer_ref": "c1",
        "lines": list(lines),
        "pickups": [
            PickupTerms(n=n, fulfilment=f"f{n}", store_id=StoreId(f"S{n}"), mode=PickupMode.COUNTER)
            for n in sorted({each.group for each in lines})
        ],
        "tenders": [
            TenderTerms(
                tender_id=TenderId(f"t{n}"), type=kind, amount=amount, token="tok" if kind is TenderType.CARD else None
            )
            for n, (kind, amount) in enumerate(tenders or [(TenderType.CARD, total)], start=1)
        ],
        "shipping_total": 0,
        "total": total,
        "content_hash": "0" * 64,
        "policy": STANDARD,
        "actor": ENGINE,
    }
    return OrderTerms(**{**given, **changes})


def shipment_terms(n: int = 1, **changes: Any) -> ShipmentTerms:
    """To Berlin, in the standard way."""
    berlin = Destination(country="DE", latitude=52.6, longitude=13.3)
    return ShipmentTerms(**{"n": n, "fulfilment": f"f{n}", "destination": berlin, **changes})


def order(*lines: LineTerms, **changes: Any) -> Order:
    return Order.opened(terms(*lines, **changes))


def plan_of(order: Order) -> MoneyPlan:
    return plan_money(order.tenders, order.earned - order.written_off, order.owed_worth)


def book(amount: int, *, n: int = 1, kind: TenderType = TenderType.CARD, **state: Any) -> TenderBook:
    """A tender whose money came from its own authorisation, unless said otherwise."""
    state.setdefault("authorisation_id", f"auth-{n}" if kind is not TenderType.PAY_IN_STORE else None)
    kept = state.get("captured", 0) - state.get("refunded", 0)
    if kept:
        state.setdefault("captures", {state["authorisation_id"] or "till": kept})
    return TenderBook(tender_id=TenderId(f"t{n}"), type=kind, amount=amount, **state)
