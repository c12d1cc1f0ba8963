"""Lists come in pages: `limit` and `cursor` in, `items` and `next_cursor` out; a cursor is a signed place in a list."""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Sequence
from typing import Annotated, Generic, TypeVar

from fastapi import Depends, Query
from pydantic import BaseModel, WithJsonSchema
from starlette.requests import Request

from gateway.problems import invalid

Item = TypeVar("Item")
Position = tuple[str | int | None, ...]
"""The sort values of the last item of a page."""

_TAG = 16
_CURSOR_SCHEMA = WithJsonSchema({"type": "string", "pattern": "^[A-Za-z0-9_-]{23,1000}$"})


class Page(BaseModel, Generic[Item]):
    items: Sequence[Item]
    next_cursor: str | None


class Cursors:
    """Signed, so that a place is only ever one that we gave out; bound to its list and filters by `list_name`."""

    def __init__(self, secret: bytes):
        self._secret = secret

    def write(self, list_name: str, position: Position) -> str:
        payload = json.dumps(position, separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(self._tag(list_name, payload) + payload).decode().rstrip("=")

    def read(self, list_name: str, cursor: str) -> Position:
        """Raises 422 for anything else than a cursor of this list."""
        try:
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        tag, payload = raw[:_TAG], raw[_TAG:]
        if not payload or not hmac.compare_digest(tag, self._tag(list_name, payload)):
            raise invalid("/query/cursor", "Should be a next_cursor of this list, with the same filters")
        return tuple(json.loads(payload))

    def _tag(self, list_name: str, payload: bytes) -> bytes:
        return hmac.digest(self._secret, b"cursor\0" + list_name.encode() + b"\0" + payload, hashlib.sha256)[:_TAG]


class PageRequest:
    """A dependency: what page is asked for."""

    def __init__(
        self,
        request: Request,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        cursor: Annotated[str | None, Query(min_length=1, max_length=1000), _CURSOR_SCHEMA] = None,
    ):
        self.limit = limit
        self.asked_for = not {"limit", "cursor"}.isdisjoint(request.query_params)
        """Whether the caller wants pages at all."""
        self._cursor = cursor
        self._cursors: Cursors = request.app.state.cursors
        filters = sorted((n, v) for n, v in request.query_params.multi_items() if n not in ("limit", "cursor"))
        self._list_name = request.url.path + json.dumps(filters)

    @property
    def after(self) -> Position | None:
        """Where to go on, or nothing for the first page."""
        return None if self._cursor is None else self._cursors.read(self._list_name, self._cursor)

    def page(self, items: Sequence[Item], next_position: Position | None) -> Page[Item]:
        """A page, with a cursor when there is more."""
        following = None if next_position is None else self._cursors.write(self._list_name, next_position)
        return Page(items=items, next_cursor=following)


CurrentPage = Annotated[PageRequest, Depends(PageRequest)]
"""Take it in a handler: `page: CurrentPage`."""
