"""Calls that Schemathesis makes up from the OpenAPI document, made fit to reach something: keys, orders, stores.

What is sent stays what was made up, right or wrong; only what is right is pointed at things that exist, and away from
the data that other tests stand on.
"""

import itertools
import json
import random
import re
import uuid
from dataclasses import dataclass, field
from typing import Any

import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import from_schema
from schemathesis.engine.events import NonFatalError, ScenarioFinished

from domain.intake import OrderBody, reconcile

Json = dict[str, Any]

KEY = re.compile(r"[\x21-\x7e]{1,255}")
ORDER_ID = re.compile(r"[0-9a-z]{26}")
STORE, SKU = "S009", "ATLAS"
"""What made-up calls may change: no other test looks at them."""
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
    "negative_data_rejection",
    "missing_required_header",
    "unsupported_method",
    "ignored_auth",
)


@dataclass
class Found:
    """What was wrong, once a kind, and how much was tried."""

    calls: int = 0
    statuses: dict[str, set[int]] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)


def play(api: str, keys: Json, orders: list[str], sku: str, *, seconds: int, examples: int, seed: int) -> Found:
    """Call the API for so long at most. Every answer is checked against the document.

    `orders` are there to be called about, `sku` to be ordered.
    """
    config = SchemathesisConfig.from_dict(
        {
            "seed": seed,
            "max-time": seconds,
            "base-url": api,
            "continue-on-failure": True,
            "request-timeout": 60.0,
            "suppress-health-check": ["all"],
            "workers": 1,
            "generation": {"max-examples": examples, "database": "none", "with-security-parameters": False},
            "phases": {"stateful": {"enabled": False}},
            "checks": {"enabled": False, **{name: {"enabled": True} for name in CHECKS}},
        }
    )
    schema = schemathesis.openapi.from_url(f"{api}/openapi.json", config=config)
    Fitting(keys, orders, sku, seed).install(schema)
    found = Found()
    for event in from_schema(schema).execute():
        if isinstance(event, NonFatalError):
            found.faults[f"{event.label}: {type(event.value).__name__}"] = str(event.value)[:500]
        if isinstance(event, ScenarioFinished):
            _note(found, event)
    return found


def _note(found: Found, event: ScenarioFinished) -> None:
    recorder = event.recorder
    for case_id, interaction in recorder.interactions.items():
        found.calls += 1
        response = interaction.response
        case = recorder.cases[case_id].value
        if response is not None:
            found.statuses.setdefault(case.operation.label, set()).add(response.status_code)
        for check in recorder.checks.get(case_id, ()):
            if check.failure_info is None:
                continue
            kind = f"{case.operation.label}: {check.name}"
            if kind not in found.faults:
                request, content = interaction.request, response.content if response is not None else b""
                found.faults[kind] = (
                    f"{check.failure_info.failure.message[:600]}\n  {request.method} {request.uri} "
                    f"{_shortened(request.headers)}\n  {request.body!r:.600}\n  -> "
                    f"{response.status_code if response is not None else 'nothing'} {content!r:.600}"
                )


def _shortened(headers: Any) -> dict[str, str]:
    shown = ("idempotency-key", "on-behalf-of", "content-type", "prefer")
    return {name: str(value)[:80] for name, value in headers.items() if name.lower() in shown}


class Fitting:
    """Changes a made-up call just before it is made."""

    def __init__(self, keys: Json, orders: list[str], sku: str, seed: int):
        self.keys = keys
        self.sku = sku
        self.orders = itertools.cycle(orders)
        self.random = random.Random(seed)
        self.called: set[str] = set()
        self.everybody = [
            keys["web"],
            keys["marketplace"],
            keys["stores"]["S001"],
            keys["managers"][STORE],
            keys["ops"]["max"],
            keys["ops"]["eva"],
            keys["underwriters"]["una"],
            keys["services"]["erp"],
        ]

    def install(self, schema: Any) -> None:
        @schema.auth(refresh_interval=None)
        class Keys:
            def get(_, case: Any, context: Any) -> str:  # noqa: N805 - `self` is the one outside
                return self.key_for(case)

            def set(_, case: Any, data: str, context: Any) -> None:  # noqa: N805
                case.headers["Authorization"] = f"Bearer {data}"

        @schemathesis.hook("before_call")
        def fit(context: Any, case: Any, kwargs: Any) -> None:
            if case.operation.schema is schema:
                self.fit(case)

    def key_for(self, case: Any) -> str:
        """Mostly of somebody who may, now and then of anybody.

        The first call of an operation is the document's example: some have no other that is right.
        """
        path, label = case.path, case.operation.label
        is_first = label not in self.called
        self.called.add(label)
        if self.random.random() < 0.25 and not is_first:
            return str(self.random.choice(self.everybody))
        if path.startswith("/v1/pickups"):
            return str(self.keys["managers"]["S001"])
        if path.startswith("/v1/stores"):
            return str(self.keys["managers"][STORE])
        if path.startswith(("/v1/orders", "/v1/customers", "/v1/availability")):
            return str(self.keys["web"])
        return str(self.keys["ops"]["max"])

    def fit(self, case: Any) -> None:
        if case.method == "POST":
            self._fresh_key(case)
        self._existing(case)
        if isinstance(case.body, dict):
            self._harmless(case)
            if case.path == "/v1/orders" and case.method == "POST":
                self._possible(case.body)

    def _fresh_key(self, case: Any) -> None:
        sent = case.headers.get("Idempotency-Key")
        is_good = isinstance(sent, str) and KEY.fullmatch(sent) is not None
        declared = next((each for each in case.operation.headers if each.name == "Idempotency-Key"), None)
        if declared is None:
            return
        is_optional = not declared.is_required
        is_preview = isinstance(case.body, dict) and case.body.get("preview") is True
        if is_good or (sent is None and is_optional and not is_preview):
            case.headers["Idempotency-Key"] = uuid.uuid4().hex

    def _existing(self, case: Any) -> None:
        parameters = case.path_parameters or {}
        order = parameters.get("order_id")
        # Made up, some are left to name nothing; taken from an answer, it would be another test's order.
        if self._is_word(order) and (ORDER_ID.fullmatch(order) or self.random.random() < 0.7):
            parameters["order_id"] = next(self.orders)
            if isinstance(parameters.get("n"), int) and 1 <= parameters["n"] <= 10_000:
                parameters["n"] = 1
        if "store_id" in parameters and self._is_word(parameters["store_id"]):
            parameters["store_id"] = STORE
        lines = case.body.get("lines") if isinstance(case.body, dict) and "order_id" in parameters else None
        for line in lines if isinstance(lines, list) else ():
            if isinstance(line, dict) and self._is_word(line.get("line_id")) and self.random.random() < 0.8:
                line["line_id"] = "1"

    @staticmethod
    def _is_word(value: Any) -> bool:
        return isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9._:-]{1,64}", value) is not None

    def _possible(self, body: Json) -> None:
        """An order that is well formed becomes one that can be: goods, a store and sums that are right."""
        try:
            order = OrderBody.model_validate_json(json.dumps(body), strict=True)
        except ValueError:
            return
        for line in body["lines"]:
            line |= {"sku": self.sku, "kind": "goods"}
        for fulfilment in body["fulfilments"]:
            fulfilment |= {"method": "pickup", "store_id": "S001", "mode": "counter"}
            for naming_what_is_not_there in ("requested_pickup_at", "promise", "locker_id"):
                fulfilment.pop(naming_what_is_not_there, None)
        body.pop("requested_pickup_at", None)
        body |= {
            "channel": "web",
            "currency": "EUR",
            "placed_at": "2026-01-01T10:00:00Z",
            "external_id": uuid.uuid4().hex,
        }
        sums = reconcile(order)
        body["total"] = sums.lines_and_shipping
        body["tenders"] = [{"type": "card", "token": "tok_ok", "amount": body["total"]}]

    @staticmethod
    def _harmless(case: Any) -> None:
        """Values are also taken from earlier answers, so that a made-up call names what is really there."""
        body = case.body
        if case.path == "/v1/channels" and body.get("channel") in ("web", "app", "marketplace", "call_centre"):
            body["channel"] = "social"
        if case.path == "/v1/buffers":
            body |= {
                name: value
                for name, value in (("sku", SKU), ("location_id", STORE))
                if body.get(name, "*") == "*" or Fitting._is_word(body[name])
            }
        if case.path == "/v1/backorders" and Fitting._is_word(body.get("sku")):
            body["sku"] = SKU
        if case.path == "/v1/items" and Fitting._is_word(body.get("sku")):
            body["sku"] = SKU
        if case.path == "/v1/stock/movements":
            body |= {
                name: value for name, value in (("sku", SKU), ("store_id", STORE)) if Fitting._is_word(body.get(name))
            }
        if case.path == "/v1/routing-rules" and isinstance(body.get("rules"), list):
            # They count for every order from then on: let none that is really placed be held by one that is made up.
            for rule in body["rules"]:
                if isinstance(rule, dict):
                    rule |= {"channels": ["social"]}
        if case.path == "/v1/locations" and str(body.get("location_id")).startswith(("S0", "W0")):
            body["location_id"] = "T-MADE-UP"
