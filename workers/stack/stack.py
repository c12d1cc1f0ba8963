"""The whole stack in one process tree: the servers, the schema, the sample data, the workers and the API.

`stack.json` in the data folder says where everything is while it runs; `http-api` documents its shape. What dies is
started again, and the record follows.
"""

import asyncio
import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from workers.process import Child, answers, python
from workers.settings import Policy, Settings
from workers.stack.data import DataFolder
from workers.stack.errors import ProcessFailed
from workers.stack.progress import Progress, Silent, step
from workers.stack.servers import Servers, side_by_side, surroundings

SHORT_AUTHORISATIONS = 10.0
"""Seconds that the simulated provider holds money under the short policy."""
SHORT_CARRIAGE = {"day": 1.0, "auto": 1.0, "hold": 8.0, "return-after": 2.0}
"""The same for the simulated carriers and lockers: a parcel that was picked up takes a step a second."""
SEED_SECONDS = 120.0
STUMBLES = 3
"""Restarts of a worker before the API is ready that make the start a failure."""


@dataclass(frozen=True)
class Programs:
    """The commands of our own processes."""

    seed: Sequence[str] = field(default_factory=lambda: python("workers.seed"))
    worker: Sequence[str] = field(default_factory=lambda: python("workers.worker"))
    api: Sequence[str] = field(default_factory=lambda: python("workers.api"))


class Stack:
    """Everything, from `start` to `stop`. Use it as an async context manager."""

    def __init__(
        self,
        data: Path,
        *,
        policy: Policy = "standard",
        port: int | None = None,
        workers: int = 1,
        fsync: bool | None = None,
        usual_ports: bool = True,
        progress: Progress | None = None,
        programs: Programs | None = None,
    ) -> None:
        """`port`: the API's, which must then be free; without it the usual one or any other is taken."""
        self.data = DataFolder(data)
        self.policy: Policy = policy
        self.keys: dict[str, Any] = {}
        self.servers = Servers(
            self.data,
            fsync=fsync,
            usual_ports=usual_ports,
            api_port=port,
            authorisation_lifetime=SHORT_AUTHORISATIONS if policy == "short" else None,
            carriage=SHORT_CARRIAGE if policy == "short" else None,
            progress=progress,
            changed=self._started_again,
        )
        self.workers: list[Child] = []
        self.api: Child | None = None
        self._count = workers
        self._progress = progress or Silent()
        self._programs = programs or Programs()
        self._complete = False
        self._ready = asyncio.Event()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start everything and write `stack.json`. On failure nothing is left running. Raises `StackError`."""
        try:
            await self.servers.start()
            with step(self._progress, "Database schema"):
                await self.servers.migrate()
            with step(self._progress, "Sample data"):
                self.keys = await self._seed()
            self._make_processes()
            await side_by_side(self._start_workers(), self._start_api())
            self._complete = True
            self._write_record()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """End everything in the order in which it is needed least."""
        self._complete = False
        if self.data.held:
            self.data.forget()
        try:
            if self.api:
                await self.api.stop()
            await asyncio.gather(*(worker.stop() for worker in self.workers))
        finally:
            await self.servers.stop()

    @property
    def api_url(self) -> str:
        return self.servers.api_url

    @property
    def console_url(self) -> str:
        """Where a person looks first; until there are pages for orders, the list of calls."""
        return f"{self.api_url}/docs"

    def settings(self, **others: Any) -> Settings:
        """The settings that the API and the workers of this stack run with."""
        return self.servers.settings(**({"policy": self.policy} | others))

    def record(self) -> dict[str, Any]:
        """What `stack.json` holds."""
        servers = self.servers
        pids = servers.pids()
        return {
            "api": self.api_url,
            "console": self.console_url,
            "temporal": servers.temporal_address,
            "temporal_ui": servers.temporal_ui,
            "temporal_namespace": servers.temporal_namespace,
            "temporal_cli": servers.temporal_cli,
            "payments": servers.payments_url,
            "carriers": servers.carriers_url,
            "lockers": servers.lockers_url,
            "partners": servers.partners_url,
            "signing": servers.signing_url,
            "mail": servers.mail_url,
            "smtp": f"{servers.smtp_host}:{servers.smtp_port}",
            "database": servers.dsn,
            "data": str(self.data.path),
            "policy": self.policy,
            "pids": {
                "supervisor": os.getpid(),
                "api": self.api.pid if self.api else None,
                "workers": [worker.pid for worker in self.workers if worker.pid],
                **pids,
            },
            "keys": self.keys,
            "webhook_secrets": servers.secrets.webhook_secrets.revealed(),
        }

    def _write_record(self) -> None:
        self.data.write_record(self.record())

    def _started_again(self, child: Child) -> None:
        self._progress.say(f"{child.name} ended ({_in_words(child.last_exit)}) and was started again")
        if self._complete:
            self._write_record()

    def _make_processes(self) -> None:
        environment = {**surroundings(), **self.settings().environment()}
        for number in range(1, self._count + 1):
            child = Child(
                f"worker {number}",
                self._programs.worker,
                log=self.data.logs / f"worker-{number}.log",
                environment=environment,
                changed=self._started_again,
            )
            self.workers.append(child)
        self.api = Child(
            "API",
            self._programs.api,
            log=self.data.logs / "api.log",
            # Ready, not just alive: the readiness of the API includes that workers are polling.
            ready=answers(f"{self.api_url}/readyz"),
            environment=environment,
            changed=self._started_again,
        )

    async def _start_workers(self) -> None:
        for worker in self.workers:
            with step(self._progress, worker.name.capitalize()) as shown:
                await worker.start()
                shown.note = f"process {worker.pid}"
        while not self._ready.is_set():
            for worker in self.workers:
                if worker.restarted >= STUMBLES:
                    raise worker.failure(f"{worker.name.capitalize()} ends again and again.")
            await asyncio.sleep(0.1)

    async def _start_api(self) -> None:
        assert self.api is not None
        with step(self._progress, "API") as shown:
            await self.api.start()
            self._ready.set()
            shown.note = self.api_url

    async def _seed(self) -> dict[str, Any]:
        """Write the sample data where it is missing; the API keys of everyone in it."""
        log = self.data.logs / "seed.log"
        environment = {**surroundings(), **self.settings().environment()}
        with tempfile.TemporaryFile() as errors:
            process = await asyncio.create_subprocess_exec(
                *self._programs.seed,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                env=environment,
                process_group=0,
            )
            try:
                output, _ = await asyncio.wait_for(process.communicate(), SEED_SECONDS)
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
                errors.seek(0)
                said = errors.read().decode(errors="replace")
                log.write_text(said)
        try:
            # The last line only: the keys go to stack.json, never into a log.
            keys: dict[str, Any] = json.loads(output.decode().strip().splitlines()[-1])["keys"]
        except (IndexError, KeyError, TypeError, ValueError):
            keys = {}
        if process.returncode != 0 or not keys:
            raise ProcessFailed(
                f"The sample data could not be written (exit code {process.returncode}).",
                f"Its log is {log}.",
                detail="\n".join(said.splitlines()[-15:]),
            )
        return keys


def _in_words(code: int | None) -> str:
    if code is None:
        return "unknown"
    return f"signal {-code}" if code < 0 else f"exit code {code}"
