"""Workers in the test's own process, in real or in skipped time, and a shop of each test's own."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from tests.workflows.borrower import Begins, Borrower
from tests.workflows.lenders import Outside
from tests.workflows.shop import Shop, shop_on
from tests.workflows.skipping import Calendar, NoTimeSkipping, time_skipping, working_in
from tests.workflows.working import OpenShop, working
from workers.composition import Parts


@pytest.fixture(scope="session")
async def client(made: Parts) -> Client:
    return await made.connect()


@pytest.fixture(scope="module")
async def workers(client: Client, made: Parts) -> AsyncIterator[None]:
    async with working(client, made):
        yield


@pytest.fixture
def open_shop(client: Client, made: Parts, workers: None) -> OpenShop:
    async def opened(**given: object) -> Shop:
        stock = {name: given.pop(name) for name in list(given) if name[0] == "s" and name[1:].isdigit()}
        return await shop_on(made, client, **given).open(**stock)  # type: ignore[arg-type]

    return opened


@pytest.fixture(scope="module")
async def environment(made: Parts) -> AsyncIterator[WorkflowEnvironment]:
    try:
        async with time_skipping(made) as environment:
            yield environment
    except NoTimeSkipping as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="module")
def calendar(environment: WorkflowEnvironment) -> Calendar:
    return Calendar(environment)


@pytest.fixture(scope="module")
async def shops(environment: WorkflowEnvironment, made: Parts) -> AsyncIterator[Callable[..., Shop]]:
    async with working_in(environment, made) as shops:
        yield shops


@pytest.fixture(scope="module")
async def outside(made: Parts) -> Outside:
    """The systems round a lender; they do what a test says."""
    return Outside(made)


@pytest.fixture(scope="module")
async def begins(environment: WorkflowEnvironment, made: Parts, outside: Outside) -> AsyncIterator[Begins]:
    """Begins an application in skipped time."""
    async with outside.working(environment.client):

        async def begun(*given: Any, **more: Any) -> Borrower:
            return await Borrower.begins(made, environment.client, *given, **more)

        yield begun
