"""Workers in this process, with a cache of the size that a test wants."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

from temporalio.client import Client

from tests.workflows.shop import Shop
from workers.composition import Parts
from workers.worker import make_workers
from workflows import options

POOLS = (
    options.ORDERS,
    options.PAYMENT,
    options.SHIPPING,
    options.LOCKER,
    options.PARTNERS,
    options.BROKERING,
)
OpenShop = Callable[..., Awaitable[Shop]]
"""Opens a shop of its own: `await open_shop(s1=20, s2=20, policy=SHORT)`."""


@asynccontextmanager
async def working(client: Client, made: Parts, cache: int = 2000) -> AsyncIterator[None]:
    """Workers for orders, payments, labels and lockers, until the block ends."""
    settings = made.settings.model_copy(update={"workflow_cache": cache})
    async with AsyncExitStack() as running:
        for worker in make_workers(client, replace(made, settings=settings), POOLS):
            await running.enter_async_context(worker)
        yield
