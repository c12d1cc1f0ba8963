"""A command runs once: asked again with the same Idempotency-Key, it answers as it did the first time.

`CommandRoute` does this round every POST of a router. The handler stays plain; it takes `CommandId` (an id that is the
same whenever the same command comes again, also after a crash) and uses it as the id of the update or operation.
"""

import hashlib
import hmac
import json
import re
import uuid
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import cached_property
from typing import Annotated, Any, TypeVar, get_args

import structlog
from fastapi import Depends, Header
from pydantic import BaseModel, WithJsonSchema
from starlette.requests import Request
from starlette.responses import Response

from adapters.clock import Clock
from adapters.idempotency.port import CommandRecords, CommandScope, KeptAnswer, OtherRequest, Running
from domain.ids import CommandId, derived_id
from domain.refusals import Refused
from gateway.bodies import Handler, StrictRequest
from gateway.principals import CallerRoute, identify
from gateway.problems import Problem, ProblemKind, of_refusal
from gateway.sealing import Seal

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=30)
"""A claim without an answer for so long belongs to a process that is gone. No command runs as long."""
KEPT_FOR = timedelta(hours=48)
SECONDS_TO_RETRY = 1

_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_NOT_KEPT = frozenset({400, 401, 403, 404, 405, 413, 415, 422, 429})
_REPEATABLE = "repeatable"

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


def repeatable(endpoint: Endpoint) -> Endpoint:
    """Marks a POST that changes nothing (a quote, a preview, a simulation): it needs no Idempotency-Key."""
    setattr(endpoint, _REPEATABLE, True)
    return endpoint


def parse_key(headers: list[str]) -> str:
    if len(headers) != 1 or not _KEY.fullmatch(headers[0]):
        raise Problem(
            ProblemKind.IDEMPOTENCY_KEY_MISSING,
            "Send one Idempotency-Key of 1 to 255 visible ASCII characters: a new one for each command, "
            "the same one when you send the command again.",
        )
    return headers[0]


class Idempotency:
    """Runs commands once. `secret` keys the fingerprints: a plain hash would give away a short code in the body."""

    def __init__(self, records: CommandRecords, seal: Seal, secret: bytes, clock: Clock, lease: timedelta = LEASE):
        self._records = records
        self._seal = seal
        self._secret = secret
        self._clock = clock
        self._lease = lease

    def digest(self, *parts: bytes) -> bytes:
        lengths = b"".join(len(part).to_bytes(4, "big") for part in parts)
        return hmac.digest(self._secret, lengths + b"".join(parts), hashlib.sha256)

    def fingerprint(self, request: StrictRequest) -> bytes:
        """The same for the same request: method, path, and the body whatever its spaces and order of fields."""
        body = json.dumps(request.sent, sort_keys=True, separators=(",", ":")).encode() if request.raw else b""
        target = request.url.path + "?" + request.url.query
        return self.digest(request.method.encode(), target.encode(), body)

    async def once(
        self, principal_id: str, key: str, fingerprint: bytes, run: Callable[[], Awaitable[Response]]
    ) -> Response:
        scope = CommandScope(principal_id, self.digest(b"key", key.encode()))
        claim_id = uuid.uuid4().hex
        outcome = await self._records.claim(scope, fingerprint, claim_id=claim_id, at=self._clock(), lease=self._lease)
        if isinstance(outcome, KeptAnswer):
            return self._replayed(outcome)
        if isinstance(outcome, OtherRequest):
            raise Problem(ProblemKind.IDEMPOTENCY_KEY_REUSED, "Send a new Idempotency-Key with a new request.")
        if isinstance(outcome, Running):
            raise Problem(
                ProblemKind.REQUEST_IN_PROGRESS,
                "Ask again with the same Idempotency-Key to get its answer.",
                headers={"Retry-After": str(SECONDS_TO_RETRY)},
            )
        try:
            response, is_kept = await _answered(run)
        except Exception:
            await self._release(scope, claim_id)
            raise
        if is_kept:
            await self._keep(scope, claim_id, response)
        else:
            await self._release(scope, claim_id)
        return response

    async def _keep(self, scope: CommandScope, claim_id: str, response: Response) -> None:
        answer = KeptAnswer(
            status=response.status_code,
            sealed_body=self._seal.seal(bytes(response.body)),
            content_type=response.headers.get("content-type", ""),
            location=response.headers.get("location"),
        )
        try:
            await self._records.keep(scope, claim_id, answer, self._clock())
        except Exception as error:
            # The command is done. Asked again after the lease, it runs under the same command id and changes nothing.
            log.warning("answer_not_kept", error=type(error).__name__)

    async def _release(self, scope: CommandScope, claim_id: str) -> None:
        try:
            await self._records.release(scope, claim_id)
        except Exception as error:
            log.warning("claim_not_released", error=type(error).__name__)  # it ends with its lease

    def _replayed(self, answer: KeptAnswer) -> Response:
        headers = {"Idempotency-Replayed": "true"}
        if answer.content_type:
            headers["content-type"] = answer.content_type
        if answer.location is not None:
            headers["location"] = answer.location
        return Response(self._seal.unseal(answer.sealed_body), answer.status, headers=headers)


async def _answered(run: Callable[[], Awaitable[Response]]) -> tuple[Response, bool]:
    """The answer, and whether it is one to remember: a decision is, a refused validation or an outage is not."""
    try:
        response = await run()
    except Refused as refused:
        problem = of_refusal(refused.refusal)
    except Problem as raised:
        problem = raised
    else:
        if not isinstance(getattr(response, "body", None), bytes | memoryview):
            raise TypeError("A command cannot stream its answer: the answer is kept")
        # An answer that says when to ask again is not the last word.
        is_final = response.status_code not in _NOT_KEPT and "retry-after" not in response.headers
        return response, is_final and response.status_code < 500
    if not problem.remembered:
        raise problem
    return problem.response(), True


class CommandRoute(CallerRoute):
    """The route class of routers with commands: their POSTs need an Idempotency-Key; other methods pass."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any):
        super().__init__(path, endpoint, **options)
        if self.is_command:
            document = _optional_key if self.has_preview else _required_key
            options["dependencies"] = [*(options.get("dependencies") or []), Depends(document)]
            super().__init__(path, endpoint, **options)

    @cached_property
    def is_command(self) -> bool:
        return "POST" in (self.methods or ()) and not getattr(self.endpoint, _REPEATABLE, False)

    @cached_property
    def has_preview(self) -> bool:
        """The body model has a field `preview`: set, it makes the command a question."""
        if self.body_field is None:
            return False
        annotation = self.body_field.field_info.annotation
        models = [each for each in (annotation, *get_args(annotation)) if isinstance(each, type)]
        return any(issubclass(each, BaseModel) and "preview" in each.model_fields for each in models)

    async def answer(self, request: StrictRequest, inner: Handler) -> Response:
        is_preview = self.has_preview and isinstance(request.sent, dict) and request.sent.get("preview") is True
        if not self.is_command or is_preview:
            request.state.command_id = CommandId(uuid.uuid4().hex)
            return await inner(request)
        key = parse_key(request.headers.getlist("idempotency-key"))
        caller = await identify(request)
        idempotency: Idempotency = request.app.state.idempotency
        fingerprint = idempotency.fingerprint(request)
        principal_id = caller.principal.id
        request.state.command_id = CommandId(derived_id("command", principal_id, key, fingerprint.hex()))
        return await idempotency.once(principal_id, key, fingerprint, lambda: inner(request))


_KEY_SCHEMA = WithJsonSchema({"type": "string", "pattern": f"^{_KEY.pattern}$"})
_Key = Header(
    alias="Idempotency-Key", min_length=1, max_length=255, pattern=r"^[\x21-\x7e]+$", description="New for each command"
)


async def _required_key(idempotency_key: Annotated[str, _Key]) -> None:
    """Documents the header; `CommandRoute` has checked it already."""


async def _optional_key(idempotency_key: Annotated[str | None, _Key, _KEY_SCHEMA] = None) -> None:
    """The same for commands that may be previews."""


async def _command_id(request: Request) -> CommandId:
    command_id: CommandId = request.state.command_id
    return command_id


CurrentCommandId = Annotated[CommandId, Depends(_command_id)]
"""Take it in a handler: `command_id: CurrentCommandId`."""
