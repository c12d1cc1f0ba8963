"""Callers in a closed loop: so many at once, each beginning the next piece of work when its last is done."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")


async def closed_loop(items: Iterable[Item], at_once: int, work: Callable[[Item], Awaitable[None]]) -> None:
    """Do `work` for every item, `at_once` at a time. The first failure ends it."""
    left: Iterator[Item] = iter(items)

    async def caller() -> None:
        for item in left:
            await work(item)

    async with asyncio.TaskGroup() as callers:
        for _ in range(at_once):
            callers.create_task(caller())


def within(seconds: float, items: Iterable[Item], begun: list[Item]) -> Iterator[Item]:
    """The items until time is over; `begun` gets those that were given out."""
    ends = time.perf_counter() + seconds
    for item in items:
        if time.perf_counter() > ends:
            return
        begun.append(item)
        yield item


async def steadily(items: Iterable[Item], per_second: float) -> AsyncIterator[Item]:
    """Each item at its time, however long the work for those before it takes (an open loop)."""
    began = time.perf_counter()
    for number, item in enumerate(items):
        pause = began + number / per_second - time.perf_counter()
        if pause > 0:
            await asyncio.sleep(pause)
        yield item


async def at_rate(items: Iterable[Item], per_second: float, work: Callable[[Item], Awaitable[None]]) -> None:
    """Begin `work` at a steady rate and wait for all of it."""
    async with asyncio.TaskGroup() as callers:
        async for item in steadily(items, per_second):
            callers.create_task(work(item))  # type: ignore[arg-type]


class Stopwatch:
    """How long each piece of work took, in seconds."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def time(self, work: Awaitable[Item]) -> Item:
        began = time.perf_counter()
        done = await work
        self.seconds.append(time.perf_counter() - began)
        return done
