"""Returns to try the rules on."""

from typing import Any

from domain.actors import ENGINE, Channel
from domain.ids import LineId, OrderId, ReturnId, Sku
from domain.returns.decision import Applied, Effect, Outcome, ReturnDecision, Why
from domain.returns.policy import ReturnTerms
from domain.returns.returned import Return, ReturnedLine
from domain.returns.words import ReturnKind, ReturnReason, ReturnVia
from tests.domain.sample_orders import PLACED, A

IN_WINDOW = Applied(why=Why.IN_WINDOW, effect=Effect.ALLOWS)


def returned_line(line_id: LineId = A, quantity: int = 2, where: str = "awaited", **fields: Any) -> ReturnedLine:
    given: dict[str, Any] = {
        "line_id": line_id,
        "sku": Sku(f"sku-{line_id}"),
        "needs": {Sku(f"sku-{line_id}"): 1},
        "quantity": quantity,
        "reason": ReturnReason.NO_LONGER_WANTED,
        "decision": ReturnDecision(line_id=line_id, outcome=Outcome.ALLOWED, reasons=(IN_WINDOW,)),
        "terms": ReturnTerms(),
        where: quantity,
    }
    return ReturnedLine(**given | fields)


def a_return(*lines: ReturnedLine, return_id: str = "r1", order_id: str = "o1", **fields: Any) -> Return:
    given: dict[str, Any] = {
        "return_id": ReturnId(return_id),
        "order_id": OrderId(order_id),
        "external_id": "X1",
        "channel": Channel.WEB,
        "customer_ref": "C-1",
        "locale": "en",
        "currency": "EUR",
        "kind": ReturnKind.RETURN,
        "via": ReturnVia.STORE,
        "requested_at": PLACED,
        "requested_by": ENGINE,
        "policy_name": "standard",
        "policy_version": 0,
        "lines": list(lines) or [returned_line()],
    }
    return Return(**given | fields)
