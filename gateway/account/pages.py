"""`/c/{token}`: what a customer may do with a link out of a mail, on a page that works without JavaScript."""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from fastapi import APIRouter
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from domain.card_data import find_card_data
from gateway.account import arrival, choice, extension, payment
from gateway.account.rendering import language_of, message, page, words_in
from gateway.account.visit import Form, NotDone, Outcome, Visit, visit
from gateway.bodies import Handler, StrictRequest, StrictRoute, read_bounded, reads_raw
from gateway.links import LinkKind
from gateway.outages import OUTAGES
from gateway.problems import Problem, ProblemKind
from gateway.services import CurrentServices

MOST_BYTES = 10_000


class Kind(NamedTuple):
    """What one kind of page shows, and what its form does."""

    show: Callable[[Visit], Awaitable[dict[str, Any]]]
    act: Callable[[Visit, Form], Awaitable[Outcome]]


KINDS = {
    LinkKind.CHOICE: Kind(choice.show, choice.act),
    LinkKind.ARRIVAL: Kind(arrival.show, arrival.act),
    LinkKind.EXTENSION: Kind(extension.show, extension.act),
    LinkKind.PAYMENT: Kind(payment.show, payment.act),
}

_MESSAGES = {404: "unknown", 410: "gone", 429: "busy", 503: "busy"}


class PageRoute(StrictRoute):
    """A route for people: what goes wrong is a page too."""

    async def answer(self, request: StrictRequest, inner: Handler) -> Response:
        try:
            return await inner(request)
        except Problem as problem:
            return _said(request, problem)
        except Exception as fault:
            if any(outage.means_away(fault) for outage in OUTAGES):
                return message(_words(request), "busy", 503, **{"Retry-After": "5"})
            raise


router = APIRouter(prefix="/c", route_class=PageRoute, include_in_schema=False)


@router.get("/{token}")
async def read(token: str, request: Request, services: CurrentServices) -> HTMLResponse:
    return await _page(await visit(services, request, token))


@router.post("/{token}")
@reads_raw
async def act(token: str, request: Request, services: CurrentServices) -> HTMLResponse:
    visiting = await visit(services, request, token)
    form = _form(await read_bounded(request, MOST_BYTES))
    if find_card_data(dict(form)) is not None:
        return await _page(visiting, Outcome(visiting.words["errors"]["card"], "bad", 422))
    try:
        outcome = await KINDS[visiting.link.kind].act(visiting, form)
    except NotDone as not_done:
        outcome = not_done.outcome
    except (KeyError, ValueError, ValidationError):
        outcome = Outcome(visiting.words["errors"]["wrong_text"], "bad", 422)
    return await _page(await visiting.again(), outcome)


def _form(raw: bytes) -> Form:
    try:
        text = raw.decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=20, errors="strict")
    except ValueError:
        raise Problem(ProblemKind.MALFORMED, "Send the form as the page has it.") from None
    if any("\x00" in value for pair in pairs for value in pair):
        raise Problem(ProblemKind.MALFORMED, "NUL is not text.")
    return dict(pairs)


async def _page(visiting: Visit, outcome: Outcome | None = None) -> HTMLResponse:
    kind = visiting.link.kind
    context = await KINDS[kind].show(visiting)
    return page(
        kind.value,
        visiting.words,
        outcome.status if outcome else 200,
        order=visiting.order,
        name=visiting.name,
        outcome=outcome.text if outcome else None,
        tone=outcome.tone if outcome else "",
        **({"title": visiting.words[kind.value]["title"]} | context),
    )


def _said(request: Request, problem: Problem) -> HTMLResponse:
    what = _MESSAGES.get(problem.status, "wrong")
    return message(_words(request), what, problem.status, **problem.headers)


def _words(request: Request) -> dict[str, Any]:
    return words_in(language_of(None, request.headers.get("accept-language")))
