"""How the fate of a command becomes an answer: its result, a refusal with the present state, or where to look later."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

from fastapi import Header
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from domain.refusals import RefusalKind, Refused
from gateway.problems import Problem, of_refusal

Answer = TypeVar("Answer")

SHOWS_CURRENT = frozenset({RefusalKind.STALE_VERSION, RefusalKind.NOT_ALLOWED_NOW, RefusalKind.HELD})

Prefer = Annotated[str | None, Header(alias="Prefer", description="`respond-async`: take the command, do not wait")]


class Pending(BaseModel):
    """The command is taken; its answer is not there yet."""

    status: str
    look: str
    """A path under which its fate will show."""


PENDING: dict[int | str, dict[str, Any]] = {202: {"model": Pending, "description": "Taken; look at Location later"}}


async def with_current(do: Awaitable[Answer], current: Callable[[], Awaitable[Any]]) -> Answer:
    """Await a command; where its refusal depends on the present state, that state goes with it."""
    try:
        return await do
    except Refused as refused:
        raise await problem_of(refused, current) from None


async def problem_of(refused: Refused, current: Callable[[], Awaitable[Any]]) -> Problem:
    shows = refused.refusal.kind in SHOWS_CURRENT
    return of_refusal(refused.refusal, await current() if shows else None)


def pending(look: str, *, ask_again: bool = True) -> JSONResponse:
    """202. With `ask_again` the same request, with the same Idempotency-Key, gets the answer once it is there."""
    headers = {"Location": look} | ({"Retry-After": "2"} if ask_again else {"Preference-Applied": "respond-async"})
    return JSONResponse(Pending(status="pending", look=look).model_dump(), 202, headers=headers)


def wants_no_answer(prefer: str | None) -> bool:
    """`Prefer: respond-async` (RFC 7240)."""
    return any(part.strip().lower() == "respond-async" for part in (prefer or "").split(","))
