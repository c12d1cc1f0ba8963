"""The codec endpoint: the Temporal UI sends encrypted payloads here and shows what comes back, by the reader's role.

Temporal's remote codec protocol: `{"payloads": […]}` in, the same out, bytes in base 64. Every use with a key leaves an
audit row with who, how many and which keys, never with content, and it is written before anything is answered.
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from fastapi import APIRouter
from google.protobuf.json_format import MessageToDict, Parse, ParseError
from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from temporalio.api.common.v1 import Payload, Payloads

from adapters.keys.port import KeysUnavailable
from gateway.bodies import Handler, StrictRequest, StrictRoute, read_bounded, reads_raw
from gateway.problems import Problem, ProblemKind, unavailable

MOST_BYTES = 8_000_000
"""The UI sends a page of a history at once; Temporal allows 2 MB a payload."""

_HEADERS_ALLOWED = "Authorization, Content-Type, X-Namespace"
_PREFLIGHT_SECONDS = "600"
# As protobuf's JSON has it: null stands for what is left out.
_BODY = {
    "type": "object",
    "properties": {
        "payloads": {
            "type": ["array", "null"],
            "items": {
                "type": "object",
                "properties": {
                    "metadata": {
                        "type": ["object", "null"],
                        "additionalProperties": {"type": "string", "format": "byte"},
                    },
                    "data": {"type": ["string", "null"], "format": "byte"},
                },
            },
        }
    },
}
_REQUEST = {"requestBody": {"required": True, "content": {"application/json": {"schema": _BODY}}}}
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "The payloads, in their order", "content": {"application/json": {"schema": _BODY}}}
}


class _SentPayload(BaseModel):
    metadata: dict[str, str] | None = None
    data: str | None = None


class _Sent(BaseModel):
    payloads: list[_SentPayload] | None = None


@dataclass(frozen=True)
class CodecReader:
    """Who asks, and whether the role may see what histories hold."""

    id: str
    """A principal's id, never a person's name."""
    may_read: bool
    keyless: bool = False
    """Sent no key at all, as the Temporal UI does at every page: sees nothing, so it leaves no audit row."""


@dataclass(frozen=True)
class CodecUse:
    """One audit row."""

    reader: CodecReader
    action: Literal["decode", "encode"]
    payloads: int
    key_ids: tuple[str, ...]
    allowed: bool


class PayloadPages(Protocol):
    """`workers.codec.PageCodec`."""

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]: ...
    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]: ...
    def hidden(self, payloads: Sequence[Payload]) -> list[Payload]: ...
    def key_ids(self, payloads: Sequence[Payload]) -> list[str]: ...


def codec_router(
    codec: PayloadPages,
    *,
    authorise: Callable[[Request], Awaitable[CodecReader]],
    audit: Callable[[CodecUse], Awaitable[None]],
    origins: Collection[str],
) -> APIRouter:
    """`POST /v1/ops/codec/decode` and `/encode`.

    `authorise` raises a `Problem` for who is not known; whoever may not read sees "hidden". `origins`: where the
    Temporal UI lives (`http://127.0.0.1:8233`); pages of others get no answer that their browser would show them.
    """
    router = APIRouter(prefix="/v1/ops/codec", route_class=_crossing(frozenset(origins)), tags=["ops"])

    @router.post("/decode", openapi_extra=_REQUEST, responses=_RESPONSES, summary="Decode payloads for the Temporal UI")
    @reads_raw
    async def decode(request: Request) -> Response:
        reader = await authorise(request)
        payloads = await _sent(request)
        await _audited(reader, "decode", payloads)
        return _answer(await codec.decode(payloads) if reader.may_read else codec.hidden(payloads))

    @router.post(
        "/encode", openapi_extra=_REQUEST, responses=_RESPONSES, summary="Encode payloads from the Temporal UI"
    )
    @reads_raw
    async def encode(request: Request) -> Response:
        reader = await authorise(request)
        payloads = await _sent(request)
        await _audited(reader, "encode", payloads)
        if not reader.may_read:
            raise Problem(ProblemKind.FORBIDDEN, "This function needs a key whose role may read histories.")
        return _answer(await codec.encode(payloads))

    async def _audited(reader: CodecReader, action: Literal["decode", "encode"], payloads: Sequence[Payload]) -> None:
        if reader.may_read or not reader.keyless:
            await audit(CodecUse(reader, action, len(payloads), tuple(codec.key_ids(payloads)), reader.may_read))

    @router.options("/decode", include_in_schema=False)
    @router.options("/encode", include_in_schema=False)
    async def preflight() -> Response:
        return Response(status_code=204)

    return router


async def _sent(request: Request) -> Sequence[Payload]:
    # Only a preflighted request may carry JSON across origins, so a stranger's page cannot send one unseen.
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Problem(ProblemKind.UNSUPPORTED_MEDIA_TYPE, "Send `Content-Type: application/json`, in UTF-8.")
    raw = await read_bounded(request, MOST_BYTES)
    try:
        # First the shape: protobuf's parser takes a string where a message belongs for an empty message.
        _Sent.model_validate_json(raw, strict=True)
        return Parse(raw, Payloads(), ignore_unknown_fields=True).payloads
    except (ValidationError, ParseError, UnicodeDecodeError, RecursionError):
        raise Problem(
            ProblemKind.MALFORMED, 'Send {"payloads": […]} as Temporal\'s remote codec protocol has it.'
        ) from None


def _answer(payloads: Sequence[Payload]) -> Response:
    return JSONResponse(MessageToDict(Payloads(payloads=payloads)), headers={"Cache-Control": "no-store"})


def _crossing(origins: frozenset[str]) -> type[StrictRoute]:
    """Routes whose answers, refusals too, may be read by pages of `origins` (CORS)."""

    class CrossingRoute(StrictRoute):
        async def answer(self, request: StrictRequest, inner: Handler) -> Response:
            try:
                response = await inner(request)
            except Problem as problem:
                response = problem.response()
            except KeysUnavailable:
                response = unavailable("key table", 2).response()
            response.headers["Vary"] = "Origin"
            if (origin := request.headers.get("origin")) in origins and origin is not None:
                response.headers["Access-Control-Allow-Origin"] = origin
                response.headers["Access-Control-Allow-Credentials"] = "true"
                response.headers["Access-Control-Allow-Methods"] = "POST"
                response.headers["Access-Control-Allow-Headers"] = _HEADERS_ALLOWED
                response.headers["Access-Control-Max-Age"] = _PREFLIGHT_SECONDS
            return response

    return CrossingRoute
