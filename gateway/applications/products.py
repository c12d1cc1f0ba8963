"""`/v1/products`, `/v1/policy-packs`: what can be applied for, with what each step asks; new versions are published."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from adapters.access.port import Role
from adapters.audit.port import AuditOutcome
from adapters.policies.port import PackExists, PackRefused
from adapters.policies.reading import checked as checked_pack
from adapters.products.port import DefinitionRefused, VersionExists
from adapters.products.reading import checked
from domain.lending.answers import json_schema
from domain.lending.products import ProductDefinition
from gateway.applications.sending import STAFF
from gateway.audit import trail_of
from gateway.idempotency import CommandRoute
from gateway.principals import Caller, CurrentCaller
from gateway.problems import FieldError, Problem, ProblemKind, not_found
from gateway.rights import must_run_operations
from gateway.services import CurrentServices

router = APIRouter(prefix="/v1", route_class=CommandRoute, tags=["products"])


@router.get("/products", summary="What can be applied for")
async def listed(caller: CurrentCaller, services: CurrentServices) -> dict[str, Any]:
    found = await services.lending.products.all()
    return {"items": [_shown(caller, each) for each in found], "next_cursor": None}


@router.get("/products/{product}", summary="A product, with the JSON Schema of each step's body")
async def read(product: str, caller: CurrentCaller, services: CurrentServices) -> dict[str, Any]:
    found = await services.lending.products.latest(product)
    if found is None:
        raise not_found()
    return _shown(caller, found)


@router.post("/products", status_code=201, summary="Publish a version of a product", response_model=dict[str, Any])
async def publish(body: dict[str, Any], caller: CurrentCaller, services: CurrentServices) -> Any:
    await must_run_operations(caller)
    await caller.must_have(Role.OPS_MANAGER)
    with _refused_with_places():
        definition = checked(body)
        await services.lending.products.publish(definition, caller.principal.id, services.now())
    name = f"{definition.product}/{definition.version}"
    await trail_of(caller.request).write(caller.actor, "publish product", name, AuditOutcome.DONE)
    return JSONResponse(_shown(caller, definition), 201, headers={"Location": f"/v1/products/{definition.product}"})


@router.get("/policy-packs", summary="The rules of lending in all their versions, the newest first")
async def packs(caller: CurrentCaller, services: CurrentServices) -> dict[str, Any]:
    found = await services.lending.policies.all()
    return {"items": [each.model_dump(mode="json") for each in found], "next_cursor": None}


@router.post(
    "/policy-packs", status_code=201, summary="Publish a version of the rules of lending", response_model=dict[str, Any]
)
async def publish_pack(body: dict[str, Any], caller: CurrentCaller, services: CurrentServices) -> Any:
    """For applications that begin from `effective_from` on; those that run keep the pack that they began with."""
    await must_run_operations(caller)
    await caller.must_have(Role.OPS_MANAGER)
    with _refused_with_places():
        pack = checked_pack(body)
        await services.lending.policies.publish(pack, caller.principal.id, services.now())
    name = f"{pack.name}/{pack.version}"
    await trail_of(caller.request).write(caller.actor, "publish policy pack", name, AuditOutcome.DONE)
    return JSONResponse(pack.model_dump(mode="json"), 201, headers={"Location": "/v1/policy-packs"})


@contextmanager
def _refused_with_places() -> Iterator[None]:
    """What is published may be wrong, in all its places, or be there already."""
    try:
        yield
    except (DefinitionRefused, PackRefused) as refused:
        errors = [FieldError(pointer=place, reason=detail) for place, detail in refused.faults]
        raise Problem(ProblemKind.VALIDATION, "See errors.", errors=errors) from None
    except (VersionExists, PackExists) as exists:
        raise Problem(ProblemKind.STALE_VERSION, f"{exists}.") from None


_FOR_STAFF = frozenset({"checks", "facts", "decision", "approvals"})
"""Who knows from which score on a loan is declined, and who must approve how much, asks accordingly."""


def _shown(caller: Caller, definition: ProductDefinition) -> dict[str, Any]:
    content = definition.model_dump(mode="json", exclude_none=True)
    schemas = {step.name: json_schema(step) for step in definition.steps}
    content["steps"] = [
        {name: value for name, value in step.items() if name != "fields"} | {"schema": schemas[step["name"]]}
        for step in content["steps"]
    ]
    if caller.principal.kind not in STAFF:
        content = {name: value for name, value in content.items() if name not in _FOR_STAFF}
    return content
