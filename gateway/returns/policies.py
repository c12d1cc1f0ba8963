"""`/v1/return-policies`: the returns policy and its versions. Orders keep the one they were placed under."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response
from pydantic import Field, ValidationError

from adapters.access.port import PrincipalKind
from domain.intake import Key
from domain.returns.packs import built_in
from domain.returns.policy import BlindReturns, Limit, ReturnException, ReturnPolicy, ReturnTerms
from gateway.fields import Body
from gateway.principals import Caller, CallerRoute, CurrentCaller, require
from gateway.problems import FieldError, Problem, ProblemKind
from gateway.rights import must_run_operations
from gateway.services import CurrentServices
from gateway.wording import reason_of

router = APIRouter(prefix="/v1/return-policies", route_class=CallerRoute, tags=["returns"])

Readers = Annotated[Caller, Depends(require(PrincipalKind.CHANNEL, PrincipalKind.STORE, PrincipalKind.OPS))]


class PolicyBody(Body):
    """The next version, whole. `version` is the number that it gets: one more than the newest."""

    name: Key
    version: Annotated[int, Field(ge=1, le=2**31 - 1)]
    terms: ReturnTerms = ReturnTerms()
    exceptions: Annotated[list[ReturnException], Field(max_length=500, default_factory=list)]
    blind: BlindReturns = BlindReturns()
    appeasement_limits: dict[str, Limit] = Field(default_factory=dict)


class Policies(Body):
    items: list[ReturnPolicy]


@router.get("", summary="Every version of the returns policy, newest first")
async def policies(caller: Readers, services: CurrentServices) -> Policies:
    async with services.transactions.begin() as books:
        found = await books.return_policies.all()
    return Policies(items=[*found, built_in(services.policy)])


@router.put("", status_code=201, summary="A new version; orders that are placed from now on keep it")
async def add(caller: CurrentCaller, services: CurrentServices, body: PolicyBody, response: Response) -> ReturnPolicy:
    await must_run_operations(caller)
    policy = _checked(body)
    async with services.transactions.begin() as books:
        newest = await books.return_policies.newest()
        expected = (newest.version if newest else 0) + 1
        if newest is not None and newest == policy:
            response.status_code = 200
            return policy
        if body.version != expected or not await books.return_policies.add(policy, services.now(), caller.principal.id):
            raise Problem(
                ProblemKind.STALE_VERSION, f"The next version is {expected}.", current={"version": expected - 1}
            )
    return policy


def _checked(body: PolicyBody) -> ReturnPolicy:
    """Raises 422 for an exception whose terms are none."""
    for position, exception in enumerate(body.exceptions):
        try:
            ReturnTerms.model_validate(body.terms.model_dump() | exception.then)
        except ValidationError as error:
            errors = [
                FieldError(
                    pointer="/".join((f"/exceptions/{position}/then", *map(str, each["loc"]))), reason=reason_of(each)
                )
                for each in error.errors(include_url=False, include_input=False)
            ]
            raise Problem(ProblemKind.VALIDATION, "See errors.", errors=errors) from None
    return ReturnPolicy.model_validate(body.model_dump(exclude_unset=True))
