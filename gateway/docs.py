"""`/docs`: the contract on one page, made from the OpenAPI document; nothing is fetched from elsewhere."""

import re
from collections.abc import Iterator
from typing import Any

from fastapi import APIRouter
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse

from gateway.account.rendering import page, words_in

router = APIRouter(include_in_schema=False)

METHODS = ("get", "post", "put", "patch", "delete")
Schema = dict[str, Any]
_CODE = re.compile("`([^`]+)`")


@router.get("/")
async def front_door() -> RedirectResponse:
    return RedirectResponse("/docs", 307)


@router.get("/docs")
async def docs(request: Request) -> HTMLResponse:
    document = request.app.openapi()
    return page(
        "docs",
        words_in("en"),
        title=request.app.title,
        summary=request.app.summary,
        sections=_sections(document),
        bodies=_bodies(document),
    )


def _sections(document: Schema) -> dict[str, list[dict[str, Any]]]:
    """The calls by tag, in the order of the document."""
    sections: dict[str, list[dict[str, Any]]] = {}
    for path, method, call in _calls(document):
        tag = (call.get("tags") or ["other"])[0]
        sections.setdefault(tag, []).append(
            {
                "method": method.upper(),
                "path": path,
                "summary": _text(call.get("summary", "")),
                "query": [each["name"] for each in call.get("parameters", ()) if each["in"] == "query"],
                "bodies": list(_references(_body(call))),
            }
        )
    return sections


def _bodies(document: Schema) -> dict[str, dict[str, Any]]:
    """Every object that a body has or has in it, by name."""
    schemas = document.get("components", {}).get("schemas", {})
    left = [name for _, _, call in _calls(document) for name in _references(_body(call))]
    found: dict[str, dict[str, Any]] = {}
    while left:
        name = left.pop(0)
        schema = schemas.get(name, {})
        if name in found or "properties" not in schema:
            continue
        required = schema.get("required", ())
        fields = [
            {
                "name": field,
                "required": field in required,
                "kind": _kind(each, schemas),
                "about": _text(each.get("description", "")),
                "of": [inner for inner in _references(each) if "properties" in schemas.get(inner, {})],
            }
            for field, each in schema["properties"].items()
        ]
        found[name] = {"about": _text(schema.get("description", "")), "fields": fields}
        left += [inner for each in fields for inner in each["of"]]
    return dict(sorted(found.items()))


def _calls(document: Schema) -> Iterator[tuple[str, str, Schema]]:
    for path, calls in document["paths"].items():
        for method in METHODS:
            if call := calls.get(method):
                yield path, method, call


def _body(call: Schema) -> Schema:
    schema: Schema = call.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    return schema


def _references(schema: Any) -> Iterator[str]:
    """The names of the schemas that one is made of."""
    if isinstance(schema, dict):
        if "$ref" in schema:
            yield schema["$ref"].rpartition("/")[2]
        for key in ("anyOf", "oneOf", "allOf", "prefixItems"):
            for part in schema.get(key, ()):
                yield from _references(part)
        for key in ("items", "additionalProperties"):
            yield from _references(schema.get(key))


def _kind(schema: Schema, schemas: dict[str, Schema]) -> str:
    """What a field takes, in a few words."""
    if "$ref" in schema:
        return _kind(schemas.get(schema["$ref"].rpartition("/")[2], {}), schemas)
    parts = [each for key in ("anyOf", "oneOf", "allOf") for each in schema.get(key, ())]
    if parts:
        return " or ".join(dict.fromkeys(kind for each in parts if (kind := _kind(each, schemas)) != "null"))
    if "enum" in schema:
        return " | ".join(str(each) for each in schema["enum"])
    if "const" in schema:
        return str(schema["const"])
    match schema.get("type"):
        case "array":
            return f"list of {_kind(schema.get('items', {}), schemas)}"
        case "string":
            return {"date-time": "time", "date": "date"}.get(schema.get("format", ""), "text")
        case "integer" | "number":
            least, most = (
                "…" if end is None else f"{end:,.0f}" for end in (schema.get("minimum"), schema.get("maximum"))
            )
            return str(schema["type"]) + ("" if least == most == "…" else f", {least} to {most}")
        case "boolean":
            return "true | false"
        case "null":
            return "null"
    return "object"


def _text(words: str) -> Markup:
    """What stands in backticks as code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(words))))
