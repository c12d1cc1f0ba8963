"""`/v1/underwriting`: the queue, and what its people decide."""

from typing import Any

from fastapi import APIRouter

from adapters.access.port import PrincipalKind, Role
from domain.lending.application_view import ApplicationView
from domain.lending.approvals import Reviewer
from domain.lending.terms import LoanTerms
from gateway.answering import PENDING
from gateway.applications import bodies
from gateway.applications.listing import place_of, stored_page
from gateway.applications.persons import as_reviewer
from gateway.applications.sending import CurrentApplicationRequest, Shown
from gateway.idempotency import CommandRoute
from gateway.paging import CurrentPage, Page
from gateway.principals import Caller, CurrentCaller
from gateway.problems import invalid
from gateway.services import CurrentServices
from workflows import application_messages as messages

router = APIRouter(prefix="/v1/underwriting", route_class=CommandRoute, tags=["underwriting"])

REVIEWING = (Role.UNDERWRITER, Role.SENIOR_UNDERWRITER)


async def reviewer_of(caller: Caller) -> Reviewer:
    """The underwriter who calls. Others: 403."""
    await caller.must_be(PrincipalKind.UNDERWRITER)
    await caller.must_have(*REVIEWING)
    return as_reviewer(caller.principal)


@router.get("/queue", summary="What waits for an underwriter, the next due first")
async def queue(caller: CurrentCaller, services: CurrentServices, page: CurrentPage) -> Page[Shown]:
    await caller.must_be(PrincipalKind.UNDERWRITER, PrincipalKind.OPS)
    found = await services.lending.applications.queue(page.limit + 1, place_of(page))
    return stored_page(page, caller, found)


@router.post("/applications/{application_id}/claim", summary="Take it", responses=PENDING, response_model=Shown)
async def claim(request: CurrentApplicationRequest) -> Any:
    reviewer = await reviewer_of(request.caller)
    await request.visible()
    command = messages.ClaimReview(**request.heading(), reviewer=reviewer)
    return await request.carry_out(command)


@router.post("/applications/{application_id}/release", summary="Give it back", responses=PENDING, response_model=Shown)
async def release(request: CurrentApplicationRequest) -> Any:
    reviewer = await reviewer_of(request.caller)
    await request.visible()
    command = messages.ReleaseReview(**request.heading(), reviewer=reviewer)
    return await request.carry_out(command)


@router.post(
    "/applications/{application_id}/reassign",
    summary="Give it to somebody else",
    responses=PENDING,
    response_model=Shown,
)
async def reassign(request: CurrentApplicationRequest, body: bodies.ReassignBody) -> Any:
    reviewer = await reviewer_of(request.caller)
    await request.caller.must_have(Role.SENIOR_UNDERWRITER)
    await request.visible()
    to = await request.services.edge.principals.find(body.to)
    if to is None or to.kind is not PrincipalKind.UNDERWRITER or not to.roles & set(REVIEWING):
        raise invalid("/to", "Should be an underwriter")
    command = messages.ReassignReview(**request.heading(body), reviewer=reviewer, to=as_reviewer(to))
    return await request.carry_out(command)


@router.post("/applications/{application_id}/recuse", summary="Step aside", responses=PENDING, response_model=Shown)
async def recuse(request: CurrentApplicationRequest, body: bodies.ReasonBody) -> Any:
    reviewer = await reviewer_of(request.caller)
    await request.visible()
    command = messages.Recuse(**request.heading(body), reviewer=reviewer, reason=body.reason)
    return await request.carry_out(command)


@router.post(
    "/applications/{application_id}/decide",
    summary="Approve, refer or decline",
    responses=PENDING,
    response_model=Shown,
)
async def decide(request: CurrentApplicationRequest, body: bodies.DecideBody) -> Any:
    reviewer = await reviewer_of(request.caller)
    stored = await request.visible()
    terms = _terms(stored.view, body.terms) if body.terms else None
    command = messages.Decide(
        **request.heading(body),
        reviewer=reviewer,
        verdict=body.decision,
        reasons=body.reasons,
        conditions=tuple(messages.GivenCondition(code=each.code, kind=each.kind) for each in body.conditions),
        terms=terms,
    )
    return await request.carry_out(command)


@router.post(
    "/applications/{application_id}/counteroffer",
    summary="Offer other terms",
    responses=PENDING,
    response_model=Shown,
)
async def counteroffer(request: CurrentApplicationRequest, body: bodies.CounterofferBody) -> Any:
    reviewer = await reviewer_of(request.caller)
    stored = await request.visible()
    command = messages.Counteroffer(
        **request.heading(body),
        reviewer=reviewer,
        terms=_terms(stored.view, body.terms),
        reasons=body.reasons,
    )
    return await request.carry_out(command)


@router.post(
    "/applications/{application_id}/approve",
    summary="Agree to the terms as another pair of eyes",
    responses=PENDING,
    response_model=Shown,
)
async def approve(request: CurrentApplicationRequest, body: bodies.ApproveBody | None = None) -> Any:
    reviewer = await reviewer_of(request.caller)
    stored = await request.visible()
    given = body or bodies.ApproveBody()
    command = messages.Approve(
        **request.heading(given),
        reviewer=reviewer,
        terms_hash=given.terms_hash or stored.view.terms_hash,
    )
    return await request.carry_out(command)


def _terms(view: ApplicationView, body: bodies.TermsBody) -> LoanTerms:
    """What is asked for, with what the underwriter changes."""
    asked = view.asked_terms or view.terms
    if asked is None:
        raise invalid("/terms", "This product has no terms to change")
    return body.over(asked)
