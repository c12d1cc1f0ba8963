"""Every error is a problem document (RFC 9457): a stable type, a status, and a sentence that says what to do next."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from http import HTTPStatus
from typing import Any, NamedTuple

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException

from domain.refusals import Refusal, Refused
from gateway import matched
from gateway.wording import reason_of

TYPE_ROOT = "https://throughline.dev/problems/"
MEDIA_TYPE = "application/problem+json"
MOST_ERRORS = 50
"""A document names at most so many faulty fields."""


class ProblemKind(StrEnum):
    """The slug at the end of a problem's `type`. Callers switch on it: never rename one."""

    MALFORMED = "malformed"
    VALIDATION = "validation"
    CARD_DATA = "card-data"
    TOO_LARGE = "too-large"
    UNSUPPORTED_MEDIA_TYPE = "unsupported-media-type"
    IDEMPOTENCY_KEY_MISSING = "idempotency-key-missing"
    IDEMPOTENCY_KEY_REUSED = "idempotency-key-reused"
    REQUEST_IN_PROGRESS = "request-in-progress"
    UNAUTHORISED = "unauthorised"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not-found"
    METHOD_NOT_ALLOWED = "method-not-allowed"
    LINK_EXPIRED = "link-expired"
    RATE_LIMITED = "rate-limited"
    UNAVAILABLE = "unavailable"
    INTERNAL = "internal"

    ORDER_EXISTS = "order-exists"
    DOES_NOT_ADD_UP = "does-not-add-up"
    OUT_OF_STOCK = "out-of-stock"
    PAYMENT_DECLINED = "payment-declined"
    PAYMENT_DUE = "payment-due"
    STALE_VERSION = "stale-version"
    NOT_ALLOWED_NOW = "not-allowed-now"
    HELD = "held"
    NO_SUCH_HOLD = "no-such-hold"
    WRONG_CODE = "wrong-code"
    LOCKED = "locked"
    PROOF_NEEDED = "proof-needed"
    CONSENT_NEEDED = "consent-needed"
    TOO_MANY_UNITS = "too-many-units"
    BEYOND_LIMIT = "beyond-limit"
    WRONG_UNIT = "wrong-unit"
    NO_LABEL = "no-label"
    NOT_SUPPORTED = "not-supported"


class ProblemType(NamedTuple):
    status: int
    title: str
    remembered: bool = False
    """The answer to a command, kept under its Idempotency-Key; the others may be tried again with the same key."""


TYPES: Mapping[ProblemKind, ProblemType] = {
    ProblemKind.MALFORMED: ProblemType(400, "The request cannot be read"),
    ProblemKind.VALIDATION: ProblemType(422, "The request does not fit the contract"),
    ProblemKind.CARD_DATA: ProblemType(422, "Card data may not be sent here"),
    ProblemKind.TOO_LARGE: ProblemType(413, "The body is too large"),
    ProblemKind.UNSUPPORTED_MEDIA_TYPE: ProblemType(415, "The body is not JSON"),
    ProblemKind.IDEMPOTENCY_KEY_MISSING: ProblemType(400, "A command needs an Idempotency-Key"),
    ProblemKind.IDEMPOTENCY_KEY_REUSED: ProblemType(422, "This Idempotency-Key belongs to another request"),
    ProblemKind.REQUEST_IN_PROGRESS: ProblemType(409, "The same request is still running"),
    ProblemKind.UNAUTHORISED: ProblemType(401, "Credentials are missing or not valid"),
    ProblemKind.FORBIDDEN: ProblemType(403, "Not allowed for this principal"),
    ProblemKind.NOT_FOUND: ProblemType(404, "Not found"),
    ProblemKind.METHOD_NOT_ALLOWED: ProblemType(405, "This path does not take this method"),
    ProblemKind.LINK_EXPIRED: ProblemType(410, "This link has expired"),
    ProblemKind.RATE_LIMITED: ProblemType(429, "Too many requests"),
    ProblemKind.UNAVAILABLE: ProblemType(503, "A system that is needed is away"),
    ProblemKind.INTERNAL: ProblemType(500, "Something went wrong on our side"),
    ProblemKind.ORDER_EXISTS: ProblemType(409, "The order exists with other content", remembered=True),
    ProblemKind.DOES_NOT_ADD_UP: ProblemType(422, "The order's sums differ"),
    ProblemKind.OUT_OF_STOCK: ProblemType(409, "Not enough stock", remembered=True),
    ProblemKind.PAYMENT_DECLINED: ProblemType(402, "The payment was declined", remembered=True),
    ProblemKind.PAYMENT_DUE: ProblemType(402, "A payment is due first", remembered=True),
    ProblemKind.STALE_VERSION: ProblemType(409, "The object has changed since it was read", remembered=True),
    ProblemKind.NOT_ALLOWED_NOW: ProblemType(409, "Not possible in the present state", remembered=True),
    ProblemKind.HELD: ProblemType(409, "The order is held", remembered=True),
    ProblemKind.NO_SUCH_HOLD: ProblemType(404, "No such hold"),
    ProblemKind.WRONG_CODE: ProblemType(422, "The code is wrong", remembered=True),
    ProblemKind.LOCKED: ProblemType(423, "Locked after too many tries", remembered=True),
    ProblemKind.PROOF_NEEDED: ProblemType(422, "A proof is needed"),
    ProblemKind.CONSENT_NEEDED: ProblemType(422, "A consent is needed"),
    ProblemKind.TOO_MANY_UNITS: ProblemType(422, "More units than there are"),
    ProblemKind.BEYOND_LIMIT: ProblemType(422, "Beyond the limit"),
    ProblemKind.NO_LABEL: ProblemType(409, "No carrier sold a label", remembered=True),
    ProblemKind.WRONG_UNIT: ProblemType(422, "Another article was scanned"),
    ProblemKind.NOT_SUPPORTED: ProblemType(422, "Not supported yet"),
}


class FieldError(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    pointer: str
    """A JSON pointer into the body; a parameter is `/query/{name}`, `/path/{name}` or `/header/{name}`."""
    reason: str


class Problem(Exception):
    """Raise it anywhere under the gateway. Neither `detail` nor `errors` may repeat what the caller sent."""

    def __init__(
        self,
        kind: ProblemKind,
        detail: str,
        *,
        status: int | None = None,
        title: str | None = None,
        errors: Sequence[FieldError] = (),
        current: Any = None,
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ):
        super().__init__(f"{kind}: {detail}")
        self.kind = kind
        self.detail = detail
        self.status = status or TYPES[kind].status
        self.title = title or TYPES[kind].title
        self.errors = errors
        self.current = current
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})

    @property
    def remembered(self) -> bool:
        return TYPES[self.kind].remembered

    def document(self) -> dict[str, Any]:
        document = {
            **self.extra,
            "type": TYPE_ROOT + self.kind,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }
        if self.errors:
            document["errors"] = [error.model_dump() for error in self.errors[:MOST_ERRORS]]
        if self.current is not None:
            is_model = isinstance(self.current, BaseModel)
            document["current"] = self.current.model_dump(mode="json") if is_model else self.current
        return document

    def response(self) -> JSONResponse:
        return JSONResponse(self.document(), self.status, headers=self.headers, media_type=MEDIA_TYPE)


def not_found() -> Problem:
    """The same words for what does not exist and for what the caller may not know of."""
    return Problem(ProblemKind.NOT_FOUND, "There is nothing here under this name, or not for you.")


def invalid(pointer: str, reason: str) -> Problem:
    """One field is wrong, and `reason` says what would be right."""
    return Problem(ProblemKind.VALIDATION, "See errors.", errors=[FieldError(pointer=pointer, reason=reason)])


def unavailable(system: str, retry_after: int) -> Problem:
    return Problem(
        ProblemKind.UNAVAILABLE,
        f"The {system} is away. Nothing was lost: send the same request again, with the same Idempotency-Key.",
        headers={"Retry-After": str(retry_after)},
    )


def of_refusal(refusal: Refusal, current: Any = None) -> Problem:
    """What a decision refused, as its caller sees it."""
    extra: dict[str, Any] = {}
    if refusal.shortfalls:
        extra["shortfalls"] = [shortfall.model_dump(mode="json") for shortfall in refusal.shortfalls]
    if refusal.reason:
        extra["reason"] = refusal.reason
    return Problem(ProblemKind(refusal.kind.value), refusal.detail, current=current, extra=extra)


_BY_STATUS = {
    400: (ProblemKind.MALFORMED, "The request could not be read."),
    401: (ProblemKind.UNAUTHORISED, "Send `Authorization: Bearer <key>`."),
    403: (ProblemKind.FORBIDDEN, "Ask for a key whose role has this function."),
    404: (ProblemKind.NOT_FOUND, "There is nothing under this path. See /openapi.json."),
    405: (ProblemKind.METHOD_NOT_ALLOWED, "See the Allow header."),
    413: (ProblemKind.TOO_LARGE, "Send less at once."),
    415: (ProblemKind.UNSUPPORTED_MEDIA_TYPE, "Send `Content-Type: application/json`."),
}


def of_status(status: int, headers: Mapping[str, str] | None = None) -> Problem:
    """The framework's own refusals, without its words: those may repeat the request."""
    fallback = ProblemKind.INTERNAL if status >= 500 else ProblemKind.MALFORMED
    kind, detail = _BY_STATUS.get(status, (fallback, "The request could not be answered."))
    title = None if status in _BY_STATUS or status == 500 else HTTPStatus(status).phrase
    return Problem(kind, detail, status=status, title=title, headers=headers)


def of_parameters(error: RequestValidationError) -> Problem:
    """Faults of path, query and header parameters. Bodies were checked before (`bodies.StrictRoute`)."""
    errors = [
        FieldError(pointer="/" + "/".join(str(part) for part in found["loc"]), reason=reason_of(found))
        for found in error.errors()
    ]
    return Problem(ProblemKind.VALIDATION, "See errors.", errors=errors)


async def _on_problem(_: Request, problem: Exception) -> JSONResponse:
    assert isinstance(problem, Problem)
    return problem.response()


async def _on_refused(_: Request, refused: Exception) -> JSONResponse:
    assert isinstance(refused, Refused)
    return of_refusal(refused.refusal).response()


async def _on_parameters(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return of_parameters(error).response()


async def _on_http_exception(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        # The framework names the methods of the first route only (RFC 9110, 10.2.1: those of the resource).
        headers["Allow"] = ", ".join(sorted(matched.methods(request))) or headers.get("Allow", "")
    return of_status(error.status_code, headers).response()


def install_problem_handlers(app: FastAPI) -> None:
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(Refused, _on_refused)
    app.add_exception_handler(RequestValidationError, _on_parameters)
    app.add_exception_handler(HTTPException, _on_http_exception)
