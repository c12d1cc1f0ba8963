"""Who calls, for whom, and what they may do here.

A router uses `StrictRoute`'s child `CallerRoute` (or `CommandRoute`), which identifies the caller before the body is
read, and takes `caller: Caller = Depends(require(PrincipalKind.STORE))`.
"""

import re
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import Depends, Header
from fastapi.security import HTTPBearer
from pydantic import WithJsonSchema
from starlette.requests import Request

from adapters.access.keys import PREFIX, hash_secret, matches, parse_key
from adapters.access.port import KeyRecord, Principal, PrincipalKind, Principals, Role
from adapters.audit.port import AuditOutcome
from adapters.clock import Clock
from domain.actors import Actor, ActorKind, Channel
from domain.card_data import has_card_number
from gateway.audit import action_of, object_of, trail_of
from gateway.bodies import StrictRequest, StrictRoute, card_data
from gateway.oidc import OidcIssuer, Subject
from gateway.problems import Problem, ProblemKind, invalid, not_found
from gateway.ratelimit import RateLimit

OWN_CHANNELS = frozenset(
    {Channel.WEB, Channel.APP, Channel.CALL_CENTRE, Channel.BRANCH, Channel.POS, Channel.KIOSK, Channel.CHAT}
    | {Channel.SOCIAL}
)
"""The seller's own: they see everything of the seller. Marketplaces and partners see what they created."""

TRUSTED_FOR = timedelta(seconds=5)
"""How long a key that was looked up is believed; so long may a revoked key still work."""
MOST_CACHED = 10_000

_ON_BEHALF_OF = re.compile(r"(customer|person)/[A-Za-z0-9._:|~-]{1,128}")
_MAY_ACT_FOR_OTHERS = frozenset({PrincipalKind.CHANNEL, PrincipalKind.STORE, PrincipalKind.OPS})


@dataclass(frozen=True)
class Identity:
    principal: Principal
    counted_as: str
    """The key (or the OIDC subject) that the rate limit counts."""


class Authenticator:
    """Turns an Authorization header into a principal. Positive answers are remembered for a few seconds."""

    def __init__(self, principals: Principals, clock: Clock, issuers: Sequence[OidcIssuer] = ()):
        self._principals = principals
        self._clock = clock
        self._issuers = issuers
        self._keys: dict[str, tuple[datetime, KeyRecord]] = {}
        self._subjects: dict[Subject, tuple[datetime, Principal]] = {}

    async def identify(self, header: str | None) -> Identity:
        scheme, _, credentials = (header or "").strip().partition(" ")
        if scheme.lower() != "bearer" or not credentials.strip():
            raise unauthorised("Send `Authorization: Bearer <key>`.")
        credentials = credentials.strip()
        found = await (
            self._by_key(credentials) if credentials.startswith(PREFIX + "_") else self._by_token(credentials)
        )
        if found is None:
            raise unauthorised("The key is wrong, revoked or expired. Ask operations for a new one.")
        return found

    async def _by_key(self, credentials: str) -> Identity | None:
        key = parse_key(credentials)
        if key is None:
            return None
        now = self._clock()
        remembered = self._keys.get(key.key_id)
        record = remembered[1] if remembered and remembered[0] > now else await self._principals.find_key(key.key_id)
        if record is None:
            hash_secret(key.secret)  # as long as for a key that exists
            return None
        if not matches(record, key.secret) or record.revoked_at is not None:
            return None
        if record.expires_at is not None and record.expires_at <= now:
            return None
        if record is not (remembered and remembered[1]):
            _remember(self._keys, key.key_id, record, now)
        return Identity(record.principal, f"key/{record.key_id}")

    async def _by_token(self, credentials: str) -> Identity | None:
        subject = next(filter(None, (issuer.verify(credentials) for issuer in self._issuers)), None)
        if subject is None:
            return None
        now = self._clock()
        remembered = self._subjects.get(subject)
        if remembered and remembered[0] > now:
            return Identity(remembered[1], f"subject/{remembered[1].id}")
        principal = await self._principals.find_subject(*subject)
        if principal is None:
            return None
        _remember(self._subjects, subject, principal, now)
        return Identity(principal, f"subject/{principal.id}")


def _remember(cache: dict[Any, tuple[datetime, Any]], name: Any, value: Any, now: datetime) -> None:
    if len(cache) >= MOST_CACHED:
        cache.clear()
    cache[name] = (now + TRUSTED_FOR, value)


def unauthorised(detail: str) -> Problem:
    return Problem(ProblemKind.UNAUTHORISED, detail, headers={"WWW-Authenticate": "Bearer"})


def parse_on_behalf_of(header: str | None) -> str | None:
    """`customer/{ref}` or `person/{id}`: a reference, never a name or an address."""
    if header is None:
        return None
    if not _ON_BEHALF_OF.fullmatch(header):
        raise invalid("/header/On-Behalf-Of", "Should be customer/{ref} or person/{id}")
    if has_card_number(header):
        raise card_data("/header/On-Behalf-Of")
    return header


@dataclass(frozen=True)
class Caller:
    """The principal of one request, and whom it acts for."""

    principal: Principal
    actor: Actor
    request: Request

    @property
    def sees_all_orders(self) -> bool:
        """Of the seller. Otherwise: a store sees what has work at it, others what they created."""
        if self.principal.kind is PrincipalKind.CHANNEL:
            return self.principal.channel in OWN_CHANNELS
        return self.principal.kind is PrincipalKind.OPS

    def has(self, *roles: Role) -> bool:
        return not self.principal.roles.isdisjoint(roles)

    async def must_be(self, *kinds: PrincipalKind) -> None:
        if self.principal.kind not in kinds:
            raise await self.refused(f"needs a key of kind {' or '.join(kinds)}")

    async def must_have(self, *roles: Role) -> None:
        """One of the roles."""
        if not self.has(*roles):
            raise await self.refused(f"needs the role {' or '.join(roles)}")

    async def must_have_right(self, right: str) -> None:
        if right not in self.principal.rights:
            raise await self.refused(f"needs the right {right}")

    async def must_act_at(self, store_id: str) -> None:
        """Store staff act only on their store; another's work does not exist for them. Ops act anywhere."""
        if self.principal.kind is PrincipalKind.OPS:
            return
        await self.must_be(PrincipalKind.STORE)
        if self.principal.store_id != store_id:
            raise await self.hidden("another store's")

    async def refused(self, reason: str) -> Problem:
        """A function outside the role: an audit row, and the 403 to raise."""
        await self._audit(AuditOutcome.REFUSED, reason)
        return Problem(ProblemKind.FORBIDDEN, f"This function {reason}.")

    async def hidden(self, reason: str) -> Problem:
        """Another store's or channel's object: an audit row, and the 404 to raise."""
        await self._audit(AuditOutcome.HIDDEN, reason)
        return not_found()

    async def _audit(self, outcome: AuditOutcome, reason: str) -> None:
        request = self.request
        await trail_of(request).write(self.actor, action_of(request), object_of(request), outcome, reason)


async def identify(request: Request) -> Caller:
    """The caller of a request, found once and counted once."""
    known: Caller | None = getattr(request.state, "caller", None)
    if known is not None:
        return known
    authenticator: Authenticator = request.app.state.authenticator
    rate_limit: RateLimit = request.app.state.rate_limit
    headers = request.headers.getlist("authorization")
    if len(headers) > 1:
        raise unauthorised("Send one Authorization header.")
    identity = await authenticator.identify(headers[0] if headers else None)
    rate_limit.count(identity.counted_as)
    principal = identity.principal
    on_behalf_of = parse_on_behalf_of(request.headers.get("on-behalf-of"))
    actor = Actor(
        kind=ActorKind(principal.kind.value),
        id=principal.id,
        channel=principal.channel,
        place=principal.store_id,
        on_behalf_of=on_behalf_of,
    )
    caller = Caller(principal, actor, request)
    if on_behalf_of is not None and principal.kind not in _MAY_ACT_FOR_OTHERS:
        raise await caller.refused("does not take On-Behalf-Of from this kind of key")
    request.state.caller = caller
    return caller


_bearer = HTTPBearer(auto_error=False, description="`tl_<key id>_<secret>`, or a token of the configured OIDC issuer")


async def current_caller(
    request: Request,
    _: Annotated[Any, Depends(_bearer)],
    on_behalf_of: Annotated[
        str | None,
        Header(alias="On-Behalf-Of", description="`customer/{ref}` or `person/{id}`"),
        WithJsonSchema({"type": "string", "pattern": f"^{_ON_BEHALF_OF.pattern}$", "examples": ["customer/C-77"]}),
    ] = None,
) -> Caller:
    """A dependency for whatever any principal may do."""
    return await identify(request)


CurrentCaller = Annotated[Caller, Depends(current_caller)]


def require(*kinds: PrincipalKind, roles: Collection[Role] = ()) -> Callable[..., Awaitable[Caller]]:
    """A dependency: a caller of one of the kinds and, where given, with one of the roles. Others: 403 and a row."""

    async def allowed(caller: CurrentCaller) -> Caller:
        if kinds:
            await caller.must_be(*kinds)
        if roles:
            await caller.must_have(*roles)
        return caller

    return allowed


async def require_store(store_id: str, caller: CurrentCaller) -> Caller:
    """A dependency of paths with `{store_id}`: that store's own staff, or ops. Others: 404 and a row."""
    await caller.must_act_at(store_id)
    return caller


class CallerRoute(StrictRoute):
    """A route for known callers: nobody else's body is read."""

    async def admit(self, request: StrictRequest) -> None:
        await identify(request)
