"""What all parties of the order flow stand on: one PostgreSQL with our schema, one payment simulator, our keys."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.database import Database, database, folder_for
from benchmarks.shown import say
from workers.process import Child, answers, python
from workers.settings import Settings
from workers.stack.data import DataFolder, Secrets
from workers.stack.ports import LOOPBACK, Ports
from workers.stack.servers import surroundings


@dataclass
class Stage:
    folder: Path
    db: Database
    payments_url: str
    payments: Child
    secrets: Secrets
    ports: Ports
    made: set[str] = field(default_factory=set)
    """Names of things made once for all turns: databases, clusters."""

    def port(self) -> int:
        return self.ports.pick("api", preferred=False)

    def settings(self, temporal_address: str, **others: Any) -> Settings:
        """For our own processes, as in production: no sandbox."""
        keys = ("master_key", "code_key", "link_key", "lookup_key")
        values: dict[str, Any] = {
            "database_url": self.db.url,
            "temporal_address": temporal_address,
            "data": self.folder,
            "payments_url": self.payments_url,
            "webhook_secrets": self.secrets.webhook_secrets,
            "sandbox": False,
            "pools": ("orders", "payment"),
            "log_level": "error",
            "grace": 2.0,
            **{key: getattr(self.secrets, key) for key in keys},
        }
        return Settings(**(values | others))

    def child(self, name: str, command: list[str], **others: Any) -> Child:
        environment = {**surroundings(), **others.pop("environment", {})}
        return Child(
            name,
            command,
            log=self.folder / f"{name.replace(' ', '-')}.log",
            environment=environment,
            folder=self.folder,
            **others,
        )

    async def once(self, name: str) -> str:
        """A database of a peer's own on the shared server, kept from turn to turn; its address."""
        if name not in self.made:
            self.made.add(name)
            return await self.db.make(name)
        return f"{self.db.dsn.rpartition('/')[0]}/{name}"


@asynccontextmanager
async def stage(what: str) -> AsyncIterator[Stage]:
    async with folder_for(what) as folder, database(folder) as db:
        ports = Ports()
        port = ports.pick("payments", preferred=False)
        url = f"http://{LOOPBACK}:{port}"
        payments = Child(
            "payment simulator",
            python("adapters.simulators.payment", "--port", port),
            log=folder / "payments.log",
            ready=answers(f"{url}/v1/operations?key=none", status=404),
            environment=surroundings(),
        )
        try:
            secrets = await asyncio.to_thread(_secrets, folder / "data")
            await payments.start()
            yield Stage(folder, db, url, payments, secrets, ports)
        except BaseException:
            _tell_logs(folder)
            raise
        finally:
            await payments.stop()
            ports.close()


def _tell_logs(folder: Path) -> None:
    """What the processes said last: their files are gone in a moment."""
    for log in sorted([*folder.glob("*.log"), *folder.glob("*/*.log")]):
        if lines := log.read_text(errors="replace").splitlines()[-12:]:
            say(f"--- {log.name}")
            say("\n".join(lines))


def _secrets(folder: Path) -> Secrets:
    folder.mkdir()
    return DataFolder(folder).secrets()
