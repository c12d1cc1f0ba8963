"""Restate: its server as a process, our steps in a service of its Python SDK, called through its ingress.

Durable as it comes: one node, its write-ahead log synced. The order is a virtual object, its key the order's id.
"""

import asyncio
import os
import platform
import shutil
import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from benchmarks.flow.party import OpenParty, Party
from benchmarks.flow.stage import Stage
from benchmarks.flow.steps import Command
from benchmarks.shown import say
from domain.terms import OrderTerms
from workers.process import Child, answers, python
from workers.stack.ports import LOOPBACK
from workers.stack.temporal_cli import cache_folder

VERSION = "1.7.12"


class NoRestate(Exception):
    """Its server can neither be found nor be installed here."""


def restate_server() -> Path:
    """The server's binary: RESTATE_SERVER, one on the path, or the npm package's, installed into the cache once."""
    if named := os.environ.get("RESTATE_SERVER") or shutil.which("restate-server"):
        return Path(named)
    system = {"Linux": "linux", "Darwin": "darwin"}.get(platform.system(), "none")
    machine = {"x86_64": "x64", "aarch64": "arm64", "arm64": "arm64"}.get(platform.machine(), "none")
    package = f"@restatedev/restate-server-{system}-{machine}"
    folder = cache_folder().parent / "peers" / f"restate-{VERSION}"
    binary = folder / "node_modules" / package / "bin" / "restate-server"
    if not binary.exists():
        npm = shutil.which("npm")
        if npm is None:
            raise NoRestate("npm is missing. Install it, or set RESTATE_SERVER to the server's binary.")
        say(f"  installing Restate's server {VERSION} …")
        folder.mkdir(parents=True, exist_ok=True)
        command = [npm, "install", "--prefix", str(folder), "--no-audit", "--no-fund", "--loglevel=error"]
        done = subprocess.run([*command, f"{package}@{VERSION}"], capture_output=True, text=True, check=False)
        if done.returncode != 0 or not binary.exists():
            raise NoRestate(f"npm could not install Restate's server: {(done.stderr or done.stdout).strip()[-300:]}")
    return binary


@dataclass
class Restate:
    http: httpx.AsyncClient
    server: Child
    service: Child
    calls_itself = False

    async def prepare(self, orders: Sequence[OrderTerms]) -> None:
        pass

    async def place(self, terms: OrderTerms) -> None:
        await self._call(terms, "place", terms.model_dump(mode="json"))

    async def tell(self, terms: OrderTerms, command: Command) -> None:
        await self._call(terms, "tell", {"terms": terms.model_dump(mode="json"), "command": command.value})

    async def collect(self, terms: OrderTerms) -> None:
        await self._call(terms, "collect", terms.model_dump(mode="json"))

    def processes(self) -> Mapping[str, Sequence[int]]:
        return {
            "worker": [self.service.pid] if self.service.pid else [],
            "server": [self.server.pid] if self.server.pid else [],
        }

    def databases(self) -> Mapping[str, str]:
        return {}

    async def _call(self, terms: OrderTerms, handler: str, body: dict[str, Any]) -> None:
        answer = await self.http.post(
            f"/Order/{terms.order_id}/{handler}",
            json=body,
            headers={"idempotency-key": f"{handler}-{terms.order_id}-{body.get('command', '')}"},
        )
        answer.raise_for_status()


def restate() -> OpenParty:
    @asynccontextmanager
    async def opened(stage: Stage) -> AsyncIterator[Party]:
        binary = await asyncio.to_thread(restate_server)
        ingress, admin, fabric, port = (stage.port() for _ in range(4))
        folder = stage.folder / "restate"
        folder.mkdir(exist_ok=True)
        server = stage.child(
            "restate server",
            [str(binary), "--no-logo", "--listen-mode", "tcp", "--bind-ip", LOOPBACK, "--node-name", "bench"],
            ready=answers(f"http://{LOOPBACK}:{admin}/health"),
            within=60.0,
            environment={
                "RESTATE_BASE_DIR": str(folder),
                "RESTATE_BIND_PORT": str(fabric),
                "RESTATE_INGRESS__BIND_PORT": str(ingress),
                "RESTATE_ADMIN__BIND_PORT": str(admin),
                "RESTATE_DISABLE_TELEMETRY": "true",
                "RESTATE_LOG_FILTER": "error",
            },
        )
        service = stage.child(
            "restate service",
            python("benchmarks.flow.restate_service", port, stage.db.url, stage.payments_url, "uvloop"),
            ready=_listens(port),
        )
        try:
            await service.start()
            await server.start()
            async with httpx.AsyncClient(
                base_url=f"http://{LOOPBACK}:{ingress}", timeout=60.0, limits=httpx.Limits(max_connections=300)
            ) as http:
                registered = await http.post(
                    f"http://{LOOPBACK}:{admin}/deployments",
                    json={"uri": f"http://{LOOPBACK}:{port}", "force": True},
                )
                registered.raise_for_status()
                yield Restate(http, server, service)
        finally:
            await server.stop()
            await service.stop()

    return opened


def _listens(port: int) -> Any:
    async def ready() -> bool:
        try:
            _, writer = await asyncio.open_connection(LOOPBACK, port)
        except OSError:
            return False
        writer.close()
        return True

    return ready
