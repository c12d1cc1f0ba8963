"""What the gateway writes into the audit trail: who was refused what, and acts that must leave a trace."""

import re
from dataclasses import dataclass

from starlette.requests import Request

from adapters.audit.port import AuditEntry, AuditLog, AuditOutcome
from adapters.clock import Clock
from domain.actors import Actor
from gateway import matched

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:#-]{0,199}")
NO_ID = "(no id)"


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
    """The ids in the path, in their order; `-` when there are none.

    The trail is for ever, and a path may hold what a caller put there by mistake: only what can be an id is kept.
    """
    parts = [str(value) for value in request.path_params.values()]
    return "/".join(part if _ID.fullmatch(part) else NO_ID for part in parts) or "-"


def trail_of(request: Request) -> AuditTrail:
    """A dependency: the trail that `edge.install` gave the application."""
    trail: AuditTrail = request.app.state.audit
    return trail
