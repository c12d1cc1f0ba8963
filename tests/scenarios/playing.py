"""Stories of one module are played side by side, because most of a story is waiting; each is judged on its own."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.scenarios.world import World

Story = Callable[[World], Awaitable[None]]

AT_ONCE = 6
"""So many stories at a time: two cores play no more without one waiting for another."""
LONGEST = 150.0


class Cast:
    """The stories of one module. The first one that is asked for starts all that are going to be asked for."""

    def __init__(self) -> None:
        self._stories: dict[str, Story] = {}
        self._fates: dict[str, asyncio.Task[None]] = {}

    def add(self, story: Story) -> None:
        self._stories[story.__name__] = story

    async def fate(self, name: str, wanted: set[str], world: World) -> None:
        if name not in self._fates:
            gate = asyncio.Semaphore(AT_ONCE)
            for each, story in self._stories.items():
                if each in wanted:
                    self._fates[each] = asyncio.ensure_future(_play(story, world, gate))
        await self._fates[name]


async def _play(story: Story, world: World, gate: asyncio.Semaphore) -> None:
    async with gate, asyncio.timeout(LONGEST):
        await story(world)


_casts: dict[str, Cast] = {}


def story(play: Story) -> Callable[[World, pytest.FixtureRequest], Awaitable[None]]:
    """A test that begins together with the other stories of its module, as far as they were selected to run."""
    cast = _casts.setdefault(play.__module__, Cast())
    cast.add(play)

    async def told(world: World, request: pytest.FixtureRequest) -> None:
        selected = {item.name for item in request.session.items if item.path == request.node.path}
        await cast.fate(play.__name__, selected, world)

    # Not `functools.wraps`: pytest would read the parameters of what is wrapped.
    told.__name__, told.__qualname__, told.__module__ = play.__name__, play.__qualname__, play.__module__
    told.__doc__ = play.__doc__
    return told
