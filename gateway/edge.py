"""What stands round every request, installed on an application in one place."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from adapters.access.port import Principals
from adapters.audit.port import AuditLog
from adapters.clock import Clock, system_clock
from adapters.idempotency.port import CommandRecords
from gateway.audit import AuditTrail
from gateway.deadline import SECONDS, Deadline
from gateway.faults import FaultBarrier, Outage
from gateway.health import Check, health_router
from gateway.idempotency import Idempotency
from gateway.links import CustomerLinks
from gateway.metrics import Measured, metrics_router
from gateway.oidc import OidcIssuer
from gateway.paging import Cursors
from gateway.principals import Authenticator
from gateway.problems import install_problem_handlers
from gateway.ratelimit import REQUESTS_A_MINUTE, RateLimit
from gateway.sealing import Seal

PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457. Act upon `type`; `detail` is for people.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "reason"],
                "properties": {"pointer": {"type": "string"}, "reason": {"type": "string"}},
            },
        },
        "current": {"description": "The present state, where it is what refused"},
    },
}


@dataclass(frozen=True)
class Edge:
    principals: Principals
    records: CommandRecords
    audit: AuditLog
    seal: Seal
    secret: bytes
    """32 bytes or more: signs cursors and keys the fingerprints of commands."""
    link_secrets: Sequence[bytes]
    """The first one signs customers' links, the others are still believed."""
    clock: Clock = system_clock
    issuers: Sequence[OidcIssuer] = ()
    outages: Sequence[Outage] = ()
    checks: Mapping[str, Check] = field(default_factory=dict)
    requests_a_minute: int = REQUESTS_A_MINUTE
    answer_within: float = SECONDS
    """Seconds."""
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)


def install(app: FastAPI, edge: Edge) -> None:
    """Give `app` its handlers, middleware and health routes, and its routes what they reach through `app.state`."""
    if len(edge.secret) < 32:
        raise ValueError("Edge.secret needs 32 bytes or more")
    app.state.clock = edge.clock
    app.state.authenticator = Authenticator(edge.principals, edge.clock, edge.issuers)
    app.state.rate_limit = RateLimit(edge.requests_a_minute)
    app.state.idempotency = Idempotency(edge.records, edge.seal, edge.secret, edge.clock)
    app.state.audit = AuditTrail(edge.audit, edge.clock)
    app.state.cursors = Cursors(edge.secret)
    app.state.links = CustomerLinks(edge.link_secrets)
    app.router.redirect_slashes = False
    install_problem_handlers(app)
    app.add_middleware(FaultBarrier, outages=edge.outages)
    app.add_middleware(Deadline, seconds=edge.answer_within)
    app.add_middleware(Measured, registry=edge.registry)
    app.include_router(health_router(edge.checks))
    app.include_router(metrics_router(edge.registry))
    app.openapi = _with_problem(app.openapi)  # type: ignore[method-assign]


def _with_problem(describe: Callable[[], dict[str, Any]]) -> Callable[[], dict[str, Any]]:
    def described() -> dict[str, Any]:
        document = describe()
        document.setdefault("components", {}).setdefault("schemas", {})["Problem"] = PROBLEM_SCHEMA
        return document

    return described
