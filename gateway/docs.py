"""`/docs`: the contract on one page, made from the OpenAPI document; nothing is fetched from elsewhere."""

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse

from gateway.account.rendering import page, words_in

router = APIRouter(include_in_schema=False)

METHODS = ("get", "post", "put", "patch", "delete")


@router.get("/docs")
async def docs(request: Request) -> HTMLResponse:
    app = request.app
    return page("docs", words_in("en"), title=app.title, summary=app.summary, sections=_sections(app.openapi()))


def _sections(document: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """The calls by tag, in the order of the document."""
    sections: dict[str, list[dict[str, Any]]] = {}
    for path, calls in document["paths"].items():
        for method in METHODS:
            if call := calls.get(method):
                tag = (call.get("tags") or ["other"])[0]
                sections.setdefault(tag, []).append(
                    {
                        "method": method.upper(),
                        "path": path,
                        "summary": call.get("summary", ""),
                        "body": _name(call.get("requestBody", {})),
                    }
                )
    return sections


def _name(body: dict[str, Any]) -> str:
    """The name of the body's schema."""
    schema = body.get("content", {}).get("application/json", {}).get("schema", {})
    references = [schema.get("$ref", ""), *(part.get("$ref", "") for part in schema.get("anyOf", ()))]
    return next((each.rpartition("/")[2] for each in references if each), "")
