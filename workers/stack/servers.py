"""The servers that Throughline stands on: PostgreSQL, Temporal, the simulators of what is outside, the mail catcher.

`Servers` is what `throughline up` and the test suite share: `async with Servers(folder, fsync=False) as servers:` gives
addresses, and `servers.settings()` all that our own processes need to use them.
"""

import asyncio
import importlib.util
import os
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from workers.process import Child, answers, python
from workers.settings import EmbeddedSettings, Settings
from workers.stack.data import DataFolder, Secrets
from workers.stack.errors import DataUnusable
from workers.stack.ports import LOOPBACK, Ports
from workers.stack.postgres import Postgres
from workers.stack.progress import Progress, Silent, Step, step
from workers.stack.temporal import TemporalServer, check_cluster
from workers.stack.temporal_cli import find, obtain

CODEC_PATH = "/v1/ops/codec"
WEBHOOKS_PATH = "/v1/webhooks"
MIGRATION_SECONDS = 60.0
"""To wait for another program that changes the schema; nobody else should, in a folder of ours."""


class Servers:
    """The servers of one data folder, from `start` to `stop`."""

    def __init__(
        self,
        data: Path | DataFolder,
        *,
        fsync: bool | None = None,
        usual_ports: bool = False,
        api_port: int | None = None,
        authorisation_lifetime: float | None = None,
        carriage: Mapping[str, float] | None = None,
        progress: Progress | None = None,
        changed: Callable[[Child], None] | None = None,
        embedded: EmbeddedSettings | None = None,
    ) -> None:
        """`usual_ports`: prefer the documented ports to any free ones. `api_port`: one that must be had.

        `authorisation_lifetime`: seconds that the simulated provider holds money, where its own default will not do.
        `carriage`: durations of the simulated carriers and lockers by option, likewise.
        """
        self.data = data if isinstance(data, DataFolder) else DataFolder(data)
        self._embedded = embedded or EmbeddedSettings()
        self._fsync = self._embedded.embedded_fsync if fsync is None else fsync
        self._usual_ports = usual_ports
        self._asked_api_port = api_port
        self._lifetime = authorisation_lifetime
        self._carriage_durations = carriage or {}
        self._progress = progress or Silent()
        self._changed = changed
        self._ports = Ports()
        self.postgres: Postgres | None = None
        self.temporal: TemporalServer | None = None
        self.payments: Child | None = None
        self.mail: Child | None = None
        self.carriage: Child | None = None
        self.smtp_host = LOOPBACK

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start everything, side by side. On failure nothing is left running."""
        self.data.acquire()
        try:
            self.secrets: Secrets = self.data.secrets()
            self._pick_ports()
            await side_by_side(
                self._start_postgres(),
                self._start_temporal(),
                self._start_payments(),
                self._start_mail(),
                self._start_carriage(),
            )
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """End everything, the database last, and let go of the folder."""
        try:
            await asyncio.gather(*(child.stop() for child in (self.payments, self.mail, self.carriage) if child))
            if self.temporal:
                await self.temporal.stop()
        finally:
            if self.postgres:
                await self.postgres.stop()
            self._ports.close()
            self.data.release()

    def settings(self, **others: Any) -> Settings:
        """Settings for our own processes on these servers. `others` come first, then these, then the environment."""
        keys = ("master_key", "code_key", "link_key", "lookup_key")
        values: dict[str, Any] = {
            "database_url": self.database_url,
            "temporal_address": self.temporal_address,
            "temporal_namespace": self.temporal_namespace,
            "temporal_ui": self.temporal_ui,
            "data": self.data.path,
            "api_port": self.api_port,
            "api_url": self.api_url,
            "payments_url": self.payments_url,
            "carriers_url": self.carriers_url,
            "lockers_url": self.lockers_url,
            "partners_url": self.partners_url,
            "signing_url": self.signing_url,
            "smtp_host": self.smtp_host,
            "smtp_port": self.smtp_port,
            "mail_url": self.mail_url,
            "webhook_secrets": self.secrets.webhook_secrets,
            **{key: getattr(self.secrets, key) for key in keys},
        }
        return Settings(**(values | others))

    @property
    def database_url(self) -> str:
        """PostgreSQL for SQLAlchemy."""
        assert self.postgres is not None, "the servers are not started"
        return self.postgres.url

    @property
    def dsn(self) -> str:
        """PostgreSQL for any client."""
        assert self.postgres is not None, "the servers are not started"
        return self.postgres.dsn

    async def migrate(self) -> None:
        """Bring the database to the newest schema. Raises `DataUnusable`."""
        # Here, since only a stack needs Alembic.
        from adapters.postgres.migrate import MigrationBusy, UnknownSchema, upgrade

        try:
            await asyncio.to_thread(upgrade, self.database_url, wait_seconds=MIGRATION_SECONDS)
        except UnknownSchema as error:
            raise DataUnusable(
                "The database was made by a later version of Throughline.",
                "Use that version, name another folder with --data, or start afresh with `throughline reset`.",
            ) from error
        except MigrationBusy as error:
            raise DataUnusable(
                "Another program is changing the database.", "Wait for it to end, then try again."
            ) from error

    def pids(self) -> dict[str, int | None]:
        """The servers' processes by name; None for one that is not ours or does not run."""
        return {
            "temporal": self.temporal.child.pid if self.temporal else None,
            "database": self.postgres.child.pid if self.postgres and self.postgres.child else None,
            "payments": self.payments.pid if self.payments else None,
            "mail": self.mail.pid if self.mail else None,
            "carriage": self.carriage.pid if self.carriage else None,
        }

    def _pick_ports(self) -> None:
        def pick(name: str, asked: int | None = None) -> int:
            return self._ports.pick(name, asked, preferred=self._usual_ports)

        self.api_port = pick("api", self._asked_api_port)
        self.api_url = f"http://{LOOPBACK}:{self.api_port}"
        self._database_port = pick("database")
        self._payments_port = pick("payments")
        self.payments_url = f"http://{LOOPBACK}:{self._payments_port}"
        self._mail_port = pick("mail")
        self.mail_url = f"http://{LOOPBACK}:{self._mail_port}"
        self.smtp_port = pick("smtp")
        self._carriage_port = pick("carriage")
        self._carriage_url = f"http://{LOOPBACK}:{self._carriage_port}"
        self.carriers_url = f"{self._carriage_url}/carriers"
        self.lockers_url = f"{self._carriage_url}/lockers"
        self.partners_url = f"{self._carriage_url}/partners"
        self.signing_url = f"{self._carriage_url}/signing"

    async def _start_postgres(self) -> None:
        with step(self._progress, "PostgreSQL") as shown:
            self.postgres = Postgres(
                self.data.postgres,
                port=self._database_port,
                password=self.secrets.database_password,
                log=self.data.logs / "postgres.log",
                fsync=self._fsync,
                changed=self._changed,
            )
            await self.postgres.start()
            shown.note = f"{LOOPBACK}:{self._database_port}"

    async def _start_temporal(self) -> None:
        attributes = search_attributes()
        self.temporal_namespace = self._embedded.temporal_namespace
        with step(self._progress, "Temporal") as shown:
            if self._embedded.temporal_address:
                await check_cluster(self._embedded.temporal_address, self.temporal_namespace, attributes)
                self.temporal_address = self._embedded.temporal_address
                self.temporal_ui = self._embedded.temporal_ui
                here = find()
                self.temporal_cli = str(here.path) if here else None
                shown.note = f"{self.temporal_address}, a cluster that was there"
                return
            found = await asyncio.to_thread(obtain, self._noted(shown))
            self.temporal = TemporalServer(
                found.path,
                self.data.temporal,
                port=self._ports.pick("temporal", preferred=self._usual_ports),
                ui_port=self._ports.pick("temporal_ui", preferred=self._usual_ports),
                log=self.data.logs / "temporal.log",
                search_attributes=attributes,
                codec_url=self.api_url + CODEC_PATH,
                namespace=self.temporal_namespace,
                fsync=self._fsync,
                changed=self._changed,
            )
            self.temporal_address = self.temporal.address
            self.temporal_ui = self.temporal.ui
            self.temporal_cli = str(found.path)
            await self.temporal.start()
            shown.note = self.temporal_ui

    def _noted(self, shown: Step) -> Callable[[str], None]:
        loop = asyncio.get_running_loop()

        def note(text: str) -> None:
            loop.call_soon_threadsafe(self._progress.note, shown, text)

        return note

    async def _start_payments(self) -> None:
        secret = self.secrets.webhook_secrets.payment.get_secret_value()
        command = python(
            "adapters.simulators.payment",
            *("--port", self._payments_port),
            *("--webhook-url", f"{self.api_url}{WEBHOOKS_PATH}/payment"),
            *("--webhook-secret", secret),
            *("--data", self.data.simulators / "payments.jsonl"),
            *(("--authorisation-lifetime", str(self._lifetime)) if self._lifetime else ()),
        )
        self.payments = self._program("payment simulator", command, "payments", f"{self.payments_url}/ledger")
        with step(self._progress, "Payment simulator") as shown:
            await self.payments.start()
            shown.note = self.payments_url

    async def _start_mail(self) -> None:
        command = python(
            "adapters.simulators.mail",
            *("--smtp-port", self.smtp_port),
            *("--http-port", self._mail_port),
            *("--data", self.data.simulators / "mails.jsonl"),
        )
        self.mail = self._program("mail catcher", command, "mail", f"{self.mail_url}/messages")
        with step(self._progress, "Mail catcher") as shown:
            await self.mail.start()
            shown.note = self.mail_url

    async def _start_carriage(self) -> None:
        secrets = self.secrets.webhook_secrets.revealed()
        command = python(
            "adapters.simulators.carriage",
            *("--port", self._carriage_port),
            *("--webhook-url", self.api_url + WEBHOOKS_PATH),
            *(word for name in ("carrier", "locker", "partner") for word in (f"--{name}-secret", secrets[name])),
            *("--signing-secret", secrets["signature"]),
            *("--data", self.data.simulators),
            *(word for name, seconds in self._carriage_durations.items() for word in (f"--{name}", str(seconds))),
        )
        self.carriage = self._program("carriage simulator", command, "carriage", f"{self._carriage_url}/healthz")
        with step(self._progress, "Carriers, lockers") as shown:
            await self.carriage.start()
            shown.note = self._carriage_url

    def _program(self, name: str, command: list[str], log: str, url: str) -> Child:
        return Child(
            name,
            command,
            log=self.data.logs / f"{log}.log",
            ready=answers(url),
            environment=surroundings(),
            changed=self._changed,
        )


def surroundings() -> Mapping[str, str]:
    """The environment for programs that need none of our secrets."""
    return {name: value for name, value in os.environ.items() if not name.startswith("THROUGHLINE_")} | {
        "PYTHONUNBUFFERED": "1"
    }


def search_attributes() -> dict[str, str]:
    """Names and types of the search attributes that the workflows set."""
    if importlib.util.find_spec("workflows.visibility") is None:
        return {}
    from workflows import visibility

    return dict(visibility.search_attributes())


async def side_by_side(*works: Coroutine[Any, Any, None]) -> None:
    """Do all at once. The first failure ends the others, which are awaited, and is raised as it is."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
