"""Bodies are read strictly: bounded, JSON without double keys or endless nesting, exactly the declared types."""

import asyncio
import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from typing import Annotated, Any, TypeVar, get_args, get_origin
from urllib.parse import unquote_to_bytes

from fastapi import params
from fastapi.dependencies.utils import get_flat_params
from fastapi.routing import APIRoute
from pydantic import TypeAdapter, ValidationError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from domain.card_data import find_card_data, has_card_number
from gateway import matched
from gateway.problems import MEDIA_TYPE, FieldError, Problem, ProblemKind, invalid
from gateway.wording import reason_of

MOST_BYTES = 1_000_000
MOST_LET_PASS = 1_000_000
SECONDS_TO_LET_PASS = 0.5
DEEPEST = 64
GREATEST_INTEGER = 2**53 - 1
"""What every JSON reader keeps exactly (RFC 7493, 2.2)."""

Handler = Callable[[Request], Awaitable[Response]]
Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])

# A string runs to its closing quote or to the end, in one pass and without going back.
_STRINGS = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_NOT_TEXT = re.compile("[\x00\ud800-\udfff]")
_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_.:-]{1,64}")


class _SameKeyTwice(Exception):
    pass


def _without_double_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _SameKeyTwice
    return members


_DECODER = json.JSONDecoder(object_pairs_hook=_without_double_keys)


async def read_bounded(request: Request, most: int = MOST_BYTES) -> bytes:
    """The whole body, declared or chunked. 413 once it is known to be over `most` bytes, 415 when it is packed."""
    raw = b"".join([chunk async for chunk in stream_bounded(request, most)])
    if raw and request.headers.get("content-encoding", "").strip().lower() not in ("", "identity"):
        raise Problem(
            ProblemKind.UNSUPPORTED_MEDIA_TYPE,
            "Send the body as it is, without a Content-Encoding.",
            title="The body is packed",
            headers={"Accept-Encoding": "identity"},
        )
    return raw


async def stream_bounded(request: Request, most: int) -> AsyncIterator[bytes]:
    """The body in pieces, for uploads that are written on as they come."""
    declared = request.headers.get("content-length", "")
    pieces = request.stream()
    if len(declared) > 15 or (declared.isdecimal() and int(declared) > most):
        await _let_pass(pieces, most)
        raise _too_large(most)
    size = 0
    async for chunk in pieces:
        size += len(chunk)
        if size > most:
            await _let_pass(pieces, most)
            raise _too_large(most)
        yield chunk


async def _let_pass(pieces: AsyncIterator[bytes], most: int) -> None:
    """Throw away a little of what still comes: most callers read no answer before they have sent everything.

    Who may send much, such as the picture of a document, sends more and longer when it is too much.
    """
    more = max(1, most // MOST_BYTES)
    left = more * MOST_LET_PASS
    with suppress(TimeoutError, ClientDisconnect):
        async with asyncio.timeout(more * SECONDS_TO_LET_PASS):
            async for piece in pieces:
                left -= len(piece)
                if left < 0:
                    return


def _too_large(most: int) -> Problem:
    # What is left unread would be taken for the next request: the connection ends with this answer.
    return Problem(ProblemKind.TOO_LARGE, f"At most {most} bytes a body.", headers={"Connection": "close"})


def parse_json(raw: bytes) -> Any:
    """The value of a JSON text. 400 when it is not one, 422 when it holds what no field can take."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise Problem(ProblemKind.MALFORMED, "The body is not UTF-8.") from None
    if depth(raw) > DEEPEST:
        raise Problem(ProblemKind.MALFORMED, f"The body nests deeper than {DEEPEST} levels.")
    try:
        value = _DECODER.decode(text)
    except _SameKeyTwice:
        raise Problem(ProblemKind.MALFORMED, "An object in the body has the same key twice.") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise Problem(ProblemKind.MALFORMED, f"The body is not valid JSON, from {where}.") from None
    except ValueError:  # Python refuses to read an integer of thousands of digits
        raise invalid("", "An integer is too large") from None
    if errors := list(_unfit(value)):
        raise Problem(ProblemKind.VALIDATION, "See errors.", errors=errors)
    if (found := find_card_data(value)) is not None:
        raise card_data(found)
    return value


def card_data(pointer: str) -> Problem:
    reason = "Looks like a card number or a security code. Send the payment provider's token instead"
    return Problem(
        ProblemKind.CARD_DATA,
        "The request was refused unread and not stored.",
        errors=[FieldError(pointer=pointer, reason=reason)],
    )


def depth(raw: bytes) -> int:
    """How deep brackets nest, without parsing: strings are cut out, then the brackets are counted."""
    if raw.count(b"[") + raw.count(b"{") <= DEEPEST:
        return 0
    deepest = level = 0
    for bracket in _STRINGS.sub(b"", raw).translate(None, _NOT_BRACKETS):
        level += 1 if bracket in b"[{" else -1
        deepest = max(deepest, level)
    return deepest


def _unfit(value: Any) -> Iterator[FieldError]:
    """NaN and infinity, integers beyond any column, and text that PostgreSQL cannot hold."""
    left: list[tuple[tuple[str | int, ...], Any]] = [((), value)]
    while left:
        at, each = left.pop()
        if isinstance(each, str):
            if _NOT_TEXT.search(each):
                yield FieldError(pointer=pointer(at), reason="NUL and lone surrogates are not text")
        elif isinstance(each, dict):
            for name, member in each.items():
                if _NOT_TEXT.search(name):
                    yield FieldError(pointer=pointer(at), reason="NUL and lone surrogates are not text")
                left.append(((*at, name), member))
        elif isinstance(each, list):
            left.extend(((*at, index), member) for index, member in enumerate(each))
        elif isinstance(each, float):
            if each - each != 0:
                yield FieldError(pointer=pointer(at), reason="Should be a finite number")
        elif isinstance(each, int) and abs(each) > GREATEST_INTEGER:
            yield FieldError(pointer=pointer(at), reason=f"Should be between ±{GREATEST_INTEGER}")


def pointer(path: tuple[str | int, ...]) -> str:
    """A JSON pointer (RFC 6901). It stops before a name that is no plain word: such a name is a value in disguise."""
    parts: list[str] = []
    for part in path:
        if isinstance(part, str) and not _PLAIN_NAME.fullmatch(part):
            break
        parts.append(f"/{part}")
    return "".join(parts)


def place_of(error: Mapping[str, Any]) -> tuple[str | int, ...]:
    """Where a fault is: a look at a whole body names the part (`domain.intake.misplaced`)."""
    return (*error["loc"], *error.get("ctx", {}).get("at", ()))


def pointer_into(body: Any, location: tuple[str | int, ...]) -> str:
    """Pydantic's location as a pointer into what was sent: union tags, which stand in no body, are left out."""
    path: list[str | int] = []
    node = body
    for position, part in enumerate(location):
        is_last = position == len(location) - 1
        if isinstance(node, dict) and isinstance(part, str) and (part in node or is_last):
            path.append(part)
            node = node.get(part)
        elif isinstance(node, list) and isinstance(part, int) and part < len(node):
            path.append(part)
            node = node[part]
    return pointer(tuple(path))


class StrictRequest(Request):
    """A request whose body was read and checked before the framework asks for it."""

    raw: bytes = b""
    sent: Any = None
    """The body as plain JSON values; nothing when there was none."""

    async def read_strictly(self) -> None:
        self.raw = await read_bounded(self)
        self._body = self.raw
        if not self.raw:
            return
        media_type, _, parameters = self.headers.get("content-type", "").partition(";")
        charset = parameters.strip().lower().replace('"', "")
        if media_type.strip().lower() != "application/json" or charset not in ("", "charset=utf-8"):
            raise Problem(ProblemKind.UNSUPPORTED_MEDIA_TYPE, "Send `Content-Type: application/json`, in UTF-8.")
        self.sent = parse_json(self.raw)

    def take(self, adapter: TypeAdapter[Any]) -> None:
        """Validate as JSON, strictly: "3", 3.0 and true are no integers, while dates and enums are still strings."""
        try:
            self._json = adapter.validate_json(self.raw, strict=True)
        except ValidationError as error:
            found = _without_echoes(error.errors(include_url=False, include_input=False))
            errors = [
                FieldError(pointer=pointer_into(self.sent, place_of(each)), reason=reason_of(each)) for each in found
            ]
            raise Problem(ProblemKind.VALIDATION, "See errors.", errors=errors) from None


def _without_echoes(found: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """A list whose items are faulty counts as too short beside: they are what has to be put right."""
    places = [each["loc"] for each in found]

    def is_echo(each: Mapping[str, Any]) -> bool:
        at = each["loc"]
        inside = any(len(place) > len(at) and place[: len(at)] == at for place in places)
        return each["type"] == "too_short" and inside

    return [each for each in found if not is_echo(each)]


def _check_encoding(query: bytes) -> None:
    """The framework would read what is no text as something else than was meant."""
    try:
        unquote_to_bytes(query).decode()
    except UnicodeDecodeError:
        raise Problem(ProblemKind.MALFORMED, "The query is not UTF-8.") from None
    if _BAD_ESCAPE.search(query):
        raise Problem(ProblemKind.MALFORMED, "The query has a % that begins no escape; write the character as %25.")


PROBLEM_RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {
        "description": description,
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for status, description in [("4XX", "Refused; `type` says why"), ("5XX", "Not now; `Retry-After` says when")]
}


def reads_raw(endpoint: Endpoint) -> Endpoint:
    """Marks a POST that reads its bytes itself, with `read_bounded` or `stream_bounded`."""
    endpoint.reads_raw = True  # type: ignore[attr-defined]
    return endpoint


class StrictRoute(APIRoute):
    """A route with at most one body model, written as usual (`body: PlaceOrder`) and documented as usual.

    Subclasses add what comes before the body is read (`admit`) and what surrounds the answer (`answer`).
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any):
        options["responses"] = {**PROBLEM_RESPONSES, **(options.get("responses") or {})}
        super().__init__(path, endpoint, **options)
        if self._embed_body_fields:
            raise TypeError(f"{path} declares more than one body; give it one model")

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        inner = super().get_route_handler()

        async def handle(request: Request) -> Response:
            strict = StrictRequest(request.scope, request.receive)
            await self.admit(strict)
            self._check_parameters(strict)
            if self.body_field is not None or self.takes_nothing:
                await self._read(strict)
            return await self.answer(strict, inner)

        return handle

    async def admit(self, request: StrictRequest) -> None:
        """Before a byte of the body is read."""

    async def answer(self, request: StrictRequest, inner: Handler) -> Response:
        return await inner(request)

    @cached_property
    def takes_nothing(self) -> bool:
        """A command without a body. What is sent all the same must be empty: a misplaced field is not swallowed."""
        return (
            self.body_field is None
            and "POST" in (self.methods or ())
            and not getattr(self.endpoint, "reads_raw", False)
        )

    async def _read(self, request: StrictRequest) -> None:
        try:
            await request.read_strictly()
        except ClientDisconnect:
            raise Problem(ProblemKind.MALFORMED, "The body ended early.") from None
        if self._body_adapter is None:
            if request.sent not in (None, {}):
                first = next(iter(request.sent)) if isinstance(request.sent, dict) else ""
                raise invalid(pointer((first,)) if first else "", "This call takes no fields")
        elif request.raw:
            request.take(self._body_adapter)

    @cached_property
    def _body_adapter(self) -> TypeAdapter[Any] | None:
        if self.body_field is None:
            return None
        declared: Any = Annotated[self.body_field.field_info.annotation, self.body_field.field_info]
        return TypeAdapter(declared)

    def _check_parameters(self, request: StrictRequest) -> None:
        """A filter that is misspelt would list everything, and NUL would reach the database."""
        _check_encoding(request.scope.get("query_string", b""))
        declared = self._query_names(request)
        given = Counter(name for name, _ in request.query_params.multi_items())
        for name, value in request.query_params.multi_items():
            if name not in declared:
                raise invalid(pointer(("query", name)), "Unknown parameter")
            if given[name] > 1 and not declared[name]:
                raise invalid(f"/query/{name}", "Is given twice, and only one counts")
            if _NOT_TEXT.search(value):
                raise invalid(f"/query/{name}", "NUL is not text")
            if (found := find_card_data({name: value})) is not None:
                raise card_data("/query" + found)
        for name, value in request.path_params.items():
            if isinstance(value, str) and _NOT_TEXT.search(value):
                raise invalid(f"/path/{name}", "NUL is not text")
            # Refused, not searched for: what is asked for in vain may still land in an audit row.
            if isinstance(value, str) and has_card_number(value):
                raise card_data(f"/path/{name}")

    def _query_names(self, request: StrictRequest) -> Mapping[str, bool]:
        """Whether each may be given several times."""
        if not hasattr(self, "_declared_query"):
            fields = get_flat_params(matched.dependant(self, request))
            self._declared_query = {
                each.alias: _is_list(each.field_info.annotation)
                for each in fields
                if isinstance(each.field_info, params.Query)
            }
        return self._declared_query


def _is_list(annotation: Any) -> bool:
    return any(get_origin(each) is list for each in (annotation, *get_args(annotation)))
