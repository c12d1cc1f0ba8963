"""Which route a request met, with the prefixes of the routers that include it."""

from collections.abc import MutableMapping
from typing import Any

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.requests import Request


def template(scope: MutableMapping[str, Any]) -> str | None:
    """The path as it was declared (`/v1/orders/{order_id}`): safe in labels and audit rows, for it holds no ids."""
    route = _in_effect(scope)
    path = getattr(route, "path_format", None) or getattr(route, "path", None)
    return str(path) if path is not None else None


def methods(request: Request) -> set[str]:
    """Every method that the path of the request takes, whichever route declares it."""
    path = template(request.scope)
    contexts = iter_route_contexts(request.app.routes)
    return {method for context in contexts if context.path_format == path for method in context.methods or ()}


def dependant(route: APIRoute, request: Request) -> Dependant:
    """The parameters of `route` and of the routers round it."""
    in_effect = _in_effect(request.scope)
    found = getattr(in_effect, "dependant", None)
    return found if isinstance(found, Dependant) else route.dependant


def _in_effect(scope: MutableMapping[str, Any]) -> Any:
    # FastAPI keeps the route as included, with its prefixes, beside the route as declared.
    return scope.get("fastapi", {}).get("effective_route_context") or scope.get("route")
