"""Short lists that are read whole (a store's tasks, the channels): shown in pages all the same, like every list."""

from collections.abc import Sequence
from typing import TypeVar

from gateway.paging import Page, PageRequest

Item = TypeVar("Item")


def page_of(page: PageRequest, items: Sequence[Item]) -> Page[Item]:
    """The page that was asked for; its cursor is a number of items, since the list is short and in one order."""
    start = int(page.after[0] or 0) if page.after is not None else 0
    end = start + page.limit
    return page.page(items[start:end], (end,) if end < len(items) else None)
