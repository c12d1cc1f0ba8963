"""What the gateway writes into the audit trail: who was refused what, and acts that must leave a trace."""

from dataclasses import dataclass

from starlette.requests import Request

from adapters.audit.port import AuditEntry, AuditLog, AuditOutcome
from adapters.clock import Clock
from domain.actors import Actor
from gateway import matched


@dataclass(frozen=True)
class AuditTrail:
    log: AuditLog
    clock: Clock

    async def write(
        self, actor: Actor, action: str, object_id: str, outcome: AuditOutcome, reason: str | None = None
    ) -> None:
        """`action`: a route or a function's name; `object_id`: an id. Neither holds content."""
        entry = AuditEntry(
            at=self.clock(),
            principal_id=actor.id,
            on_behalf_of=actor.on_behalf_of,
            action=action[:255],
            object=object_id[:512],
            outcome=outcome,
            reason=reason,
        )
        await self.log.append(entry)


def action_of(request: Request) -> str:
    """`POST /v1/pickups/{order_id}/{n}/accept`: the function, without the ids."""
    return f"{request.method} {matched.template(request.scope) or 'unknown path'}"


def object_of(request: Request) -> str:
    """The ids in the path, in their order; `-` when there are none."""
    return "/".join(str(value) for value in request.path_params.values()) or "-"


def trail_of(request: Request) -> AuditTrail:
    """A dependency: the trail that `edge.install` gave the application."""
    trail: AuditTrail = request.app.state.audit
    return trail
