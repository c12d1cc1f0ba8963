"""Pages of applications, and of what one of them has had."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

from adapters.applications.port import Place, StoredApplication
from gateway.applications.sending import Shown, shown
from gateway.listing import page_of
from gateway.paging import Page, PageRequest
from gateway.principals import Caller

Item = TypeVar("Item")


def place_of(page: PageRequest) -> Place | None:
    """Where the page before ended."""
    if page.after is None:
        return None
    at, last = page.after
    return datetime.fromisoformat(str(at)), str(last)


def stored_page(page: PageRequest, caller: Caller, found: Sequence[StoredApplication]) -> Page[Shown]:
    """`found` is one more than the page holds, when there is more."""
    items, last = found[: page.limit], None
    if len(found) > page.limit:
        end = items[-1]
        assert end.at is not None
        last = (end.at.isoformat(), end.view.application_id)
    return page.page([shown(caller, each) for each in items], last)


def whole_unless_asked(page: PageRequest, items: Sequence[Item]) -> Page[Item]:
    """One application's or account's own list is short: it comes in pages for those who ask for them."""
    return page_of(page, items) if page.asked_for else Page(items=items, next_cursor=None)
