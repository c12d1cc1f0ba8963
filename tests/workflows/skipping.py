"""A Temporal server that skips time: days of an order's life in a moment. It is a Java program from Maven Central.

It is fetched once, by Maven, into the cache outside the repository. Where there is no Maven, the SDK fetches its own
build of it; where neither can be had, the tests that need it are skipped and say why.
"""

import asyncio
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.testing import WorkflowEnvironment

from adapters.locker.memory import MemoryLockers
from adapters.payment.by_means import by_means
from adapters.payment.ledgered import LedgeredPayments
from adapters.payment.memory import MemoryPayments
from adapters.payment.port import AuthoriseRequest, CaptureRequest, RefundRequest, VoidRequest
from adapters.simulators.wire import Answer, Call
from domain.ids import OrderId
from domain.payments import Authorisation, Capture, Refund, Void
from tests.workflows.machine import door_in_memory
from tests.workflows.shop import Shop, shop_on
from tests.workflows.working import working
from workers.composition import Parts
from workers.plugin import throughline_plugin
from workers.settings import key_bytes
from workers.stack.temporal import VALUE_TYPES
from workers.stack.temporal_cli import cache_folder
from workflows.visibility import search_attributes

VERSION = "1.32.1"
CACHE = cache_folder().parent
START_WITHIN = timedelta(seconds=60)
POM = f"""\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>throughline</groupId><artifactId>time-skipping</artifactId><version>1</version>
  <dependencies>
    <dependency>
      <groupId>io.temporal</groupId><artifactId>temporal-test-server</artifactId><version>{VERSION}</version>
      <exclusions><exclusion><groupId>ch.qos.logback</groupId><artifactId>*</artifactId></exclusion></exclusions>
    </dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>2.0.17</version></dependency>
  </dependencies>
</project>
"""
WRAPPER = """\
#!/bin/sh
exec java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp "$(dirname "$0")/jars/*" io.temporal.testserver.TestServer "$@"
"""


class NoTimeSkipping(Exception):
    """The server cannot be had on this machine."""


def obtain(cache: Path | None = None) -> Path | None:
    """The program to start, fetched where it is missing; none when the SDK should fetch its own build.

    Raises `NoTimeSkipping` when Maven cannot fetch it.
    """
    home = (cache or CACHE) / f"temporal-test-server-{VERSION}"
    program = home / "temporal-test-server"
    if shutil.which("java") is None:
        return None
    if program.exists():
        return program
    if shutil.which("mvn") is None:
        return None
    home.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home.parent, prefix="unfinished-") as folder:
        unfinished = Path(folder) / "new"
        unfinished.mkdir()
        (unfinished / "pom.xml").write_text(POM)
        command = ["mvn", "--quiet", "--batch-mode", "dependency:copy-dependencies", "-DoutputDirectory=jars"]
        done = subprocess.run(command, cwd=unfinished, capture_output=True, text=True, timeout=240, check=False)
        if done.returncode != 0:
            raise NoTimeSkipping(f"Maven could not fetch the time-skipping server: {done.stdout[-500:]}")
        wrapper = unfinished / program.name
        wrapper.write_text(WRAPPER)
        wrapper.chmod(0o755)
        try:
            unfinished.rename(home)
        except OSError:
            if not program.exists():  # another run of the suite was faster
                raise
    return program


@asynccontextmanager
async def time_skipping(made: Parts) -> AsyncIterator[WorkflowEnvironment]:
    """A running server. Raises `NoTimeSkipping`."""
    program = await asyncio.to_thread(obtain)
    CACHE.mkdir(parents=True, exist_ok=True)
    start = WorkflowEnvironment.start_time_skipping(
        plugins=[throughline_plugin(made.keys, sandbox=True)],
        test_server_existing_path=str(program) if program else None,
        test_server_startup_timeout=START_WITHIN,
        download_dest_dir=str(CACHE),
    )
    try:
        environment = await asyncio.wait_for(start, 120)
    except (RuntimeError, TimeoutError) as error:
        if program:
            raise
        raise NoTimeSkipping(
            "The time-skipping server could not be fetched: install Java 17 and Maven, or let the SDK download it."
        ) from error
    async with environment:
        client = environment.client
        for name, kind in search_attributes().items():
            request = AddSearchAttributesRequest(
                namespace=client.namespace, search_attributes={name: VALUE_TYPES[kind]}
            )
            await client.operator_service.add_search_attributes(request)
        yield environment


class OrdersTime:
    """The provider's clock: the time of orders, as far as their requests and readers of the ledger have brought it."""

    def __init__(self) -> None:
        self.seen = datetime.min.replace(tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.seen

    def is_at_least(self, at: datetime) -> None:
        self.seen = max(self.seen, at)


class PunctualPayments(LedgeredPayments):
    """Payments whose provider has the time of who asks, not of the machine."""

    def __init__(self, engine: AsyncEngine, provider: MemoryPayments, name: str, clock: OrdersTime):
        super().__init__(engine, provider, name, clock=clock)
        self._time = clock

    async def authorise(self, request: AuthoriseRequest) -> Authorisation:
        self._time.is_at_least(request.at)
        return await super().authorise(request)

    async def capture(self, request: CaptureRequest) -> Capture:
        self._time.is_at_least(request.at)
        return await super().capture(request)

    async def void(self, request: VoidRequest) -> Void:
        self._time.is_at_least(request.at)
        return await super().void(request)

    async def refund(self, request: RefundRequest) -> Refund:
        self._time.is_at_least(request.at)
        return await super().refund(request)


class PunctualLockers(MemoryLockers):
    """A locker operator whose clock is the server's, whenever it is asked."""

    def __init__(self, environment: WorkflowEnvironment):
        self._environment = environment
        self._time = OrdersTime()
        super().__init__(self._time)

    async def carry(self, call: Call) -> Answer:
        self._time.is_at_least(await self._environment.get_current_time())
        return await super().carry(call)


class Calendar:
    """The server's time, as people in Berlin read and tell it."""

    def __init__(self, environment: WorkflowEnvironment):
        self._environment = environment

    async def now(self) -> datetime:
        return await self._environment.get_current_time()

    async def skip(self, **span: float) -> None:
        await self._environment.sleep(timedelta(**span))

    async def skip_to(self, at: datetime) -> None:
        await self._environment.sleep(at - await self.now())

    async def skip_to_weekday(self, weekday: int, hour: int, minute: int = 0) -> datetime:
        """The next day of that number (Monday is 0) from tomorrow on, at that time."""
        tomorrow = (await self.now()).astimezone(BERLIN).date() + timedelta(days=1)
        day = tomorrow + timedelta(days=(weekday - tomorrow.weekday()) % 7)
        at = berlin(day, hour, minute)
        await self.skip_to(at)
        return at


BERLIN = ZoneInfo("Europe/Berlin")


def berlin(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), BERLIN).astimezone(UTC)


@asynccontextmanager
async def working_in(environment: WorkflowEnvironment, made: Parts) -> AsyncIterator[Callable[..., Shop]]:
    """Workers in skipped time, and who makes shops there; the provider keeps its books in memory, by that time."""
    now = OrdersTime()
    provider = MemoryPayments(now)
    punctual = PunctualPayments(made.engine, provider, f"memory-{secrets.token_hex(4)}", clock=now)
    payments = by_means(punctual, made.engine, key_bytes(made.settings.code_key), made.settings.api_url, now)
    lockers = PunctualLockers(environment)
    parts = replace(made, payments=payments, lockers=lockers)

    async def ledger(order: OrderId) -> list[dict[str, Any]]:
        now.is_at_least(await environment.get_current_time())
        return provider.engine.ledger(order)

    def shop(**varied: Any) -> Shop:
        clock, door = environment.get_current_time, door_in_memory(lockers)
        return replace(shop_on(parts, environment.client, clock=clock, door=door, **varied), ledger=ledger)

    async with working(environment.client, parts):
        yield shop
