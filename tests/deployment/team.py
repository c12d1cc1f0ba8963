"""What docker-compose.yml describes, as plain processes on loopback: the same commands, settings, scripts and files.

Only addresses differ. PostgreSQL is the system's package, Temporal the server built with Go: both are got where they
are missing.
"""

import asyncio
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.deployment import compose_file
from tests.deployment.compose_file import ROOT, Json, command
from workers.process import Child, answers
from workers.stack.errors import NoPostgres, NoTemporal
from workers.stack.ports import LOOPBACK, Ports
from workers.stack.postgres import Postgres
from workers.stack.system_postgres import find_system_postgres, system_postgres
from workers.stack.temporal_programs import TemporalPrograms, obtain_programs
from workers.stack.temporal_server import DurableTemporal
from workflows import visibility

APIS = ("api-1", "api-2")
WORKERS = (
    "worker-orders",
    "worker-payment",
    "worker-shipping",
    "worker-locker",
    "worker-partners",
    "worker-brokering",
    "worker-notification",
    "worker-applications",
    "worker-lending",
)
SHARDS = 4
"""On one small machine; the compose file's default is for a cluster that grows."""
JOB_SECONDS = 120.0
INSTALL_SECONDS = 600.0


class Away(Exception):
    """What is needed cannot be had on this machine; the text says why."""


def say(text: str) -> None:
    """Past pytest's capture: who waits minutes for a build wants to know."""
    sys.__stderr__.write(f"  {text}\n")
    sys.__stderr__.flush()


def postgres_programs() -> Path:
    """The system's PostgreSQL, installed where that is allowed. Raises `Away`."""
    apt = shutil.which("apt-get")
    if find_system_postgres() is None and apt and os.geteuid() == 0:
        say("installing PostgreSQL with apt-get")
        # No server of its own: only the programs are wanted.
        settings = Path("/etc/postgresql-common/createcluster.d")
        settings.mkdir(parents=True, exist_ok=True)
        (settings / "throughline.conf").write_text("create_main_cluster = false\n")
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for step in (["update", "-q"], ["install", "-y", "-q", "--no-install-recommends", "postgresql"]):
            done = subprocess.run(
                [apt, *step], env=environment, capture_output=True, text=True, timeout=INSTALL_SECONDS
            )
            if done.returncode != 0:
                raise Away(f"apt-get {step[0]} failed: {done.stderr.strip().splitlines()[-1:]}")
    try:
        return system_postgres()
    except NoPostgres as error:
        raise Away(str(error)) from None


def temporal_programs() -> TemporalPrograms:
    """The server of the compose file's version, built where it is missing. Raises `Away`."""
    try:
        return obtain_programs(say)
    except NoTemporal as error:
        raise Away(f"{error} {error.detail}") from None


class Team:
    """All of it, from `start` to `stop`."""

    def __init__(self, folder: Path, postgres: Path, temporal: TemporalPrograms) -> None:
        self.folder = folder
        self.env = compose_file.filled_in() | {"THROUGHLINE_DRAIN": "1", "THROUGHLINE_GRACE": "10"}
        self.services = compose_file.services(self.env)
        self.processes: dict[str, Child] = {}
        self.keys: Json = {}
        self._programs = temporal
        self._ports_held = Ports()
        names = ("postgres", "payments", "carriage", "mail", "smtp", *APIS)
        self.ports = {name: self._pick() for name in names}
        self.metrics_ports = {name: self._pick() for name in (*APIS, *WORKERS)}
        self.postgres = Postgres(
            folder / "postgres",
            port=self.ports["postgres"],
            name="postgres",
            password=self.env["POSTGRES_PASSWORD"],
            log=folder / "logs" / "postgres.log",
            programs=postgres,
            settings=self._postgres_settings(),
        )
        self._postgres_programs = postgres
        self.temporal: DurableTemporal | None = None

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """In the order that the compose file's `depends_on` asks for."""
        await self.postgres.start()
        await self._script("postgres", "postgres-roles.sh", {"PGHOST": LOOPBACK, "PGPORT": str(self.ports["postgres"])})
        await self._script("temporal-schema", "temporal-schema.sh", {})
        temporal_folder = self.folder / "temporal"
        temporal_folder.mkdir()
        password = self.services["temporal"]["environment"]["POSTGRES_PWD"]
        self.temporal = DurableTemporal(
            self._programs,
            temporal_folder,
            database=f"postgresql://temporal:{password}@{LOOPBACK}:{self.ports['postgres']}/temporal",
            log=self.folder / "logs" / "temporal.log",
            search_attributes=visibility.search_attributes(),
            pick_port=self._pick,
            namespace=self.services["api-1"]["environment"]["THROUGHLINE_TEMPORAL_NAMESPACE"],
            shards=SHARDS,
        )
        await self.temporal.start()
        for name, path in (("payments", "/ledger"), ("carriage", "/healthz"), ("mail", "/messages")):
            await self._child(name, answers(f"http://{LOOPBACK}:{self.ports[name]}{path}")).start()
        for job in ("migrate", "namespace", "seed"):
            said = await self.job(job)
        self.keys = json.loads(said.splitlines()[-1])["keys"]
        await asyncio.gather(*(self.process(name).start() for name in (*WORKERS, *APIS)))

    async def stop(self) -> None:
        await asyncio.gather(*(child.stop() for child in self.processes.values()))
        if self.temporal:
            await self.temporal.stop()
        await self.postgres.stop()
        self.postgres.discard()
        self._ports_held.close()

    def process(self, name: str) -> Child:
        """An API or a worker; ready when its health check says so, an API when it takes requests too."""
        if name not in self.processes:
            if name in APIS:
                self._child(name, answers(f"{self.url(name)}/readyz"))
            else:
                self._child(name, lambda: self.is_well(name))
        return self.processes[name]

    async def exchange(self, name: str) -> int:
        """End one process as an orchestrator does, and start its successor. The exit code of the old one."""
        old = self.process(name)
        old.signal(signal.SIGTERM)
        code = await old.gone()
        await old.start()
        return code

    async def is_well(self, name: str) -> bool:
        """What the compose file's health check of the service says, asked as it asks."""
        test = self.services[name].get("healthcheck", {}).get("test", ["CMD", "python", "-m", "workers.health", "api"])
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", *test[2:]), cwd=ROOT, env=self._environment(name), stdin=asyncio.subprocess.DEVNULL
        )
        return await process.wait() == 0

    async def job(self, name: str, *other: str) -> str:
        """Run a job of the compose file, or another module in its place, to its end; what it printed."""
        process = await asyncio.create_subprocess_exec(
            *([sys.executable, "-P", "-m", *other] if other else self._command(name)),
            env=self._environment(name),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        said, errors = await asyncio.wait_for(process.communicate(), JOB_SECONDS)
        assert process.returncode == 0, (name, errors.decode())
        return said.decode().strip()

    def url(self, api: str) -> str:
        return f"http://{LOOPBACK}:{self.ports[api]}"

    def record(self) -> Json:
        """As a stack writes `stack.json`, so that outsiders' stories can be played here."""
        assert self.temporal is not None
        return {
            "api": self.url(APIS[0]),
            "temporal": self.temporal.address,
            "temporal_namespace": self.temporal.namespace,
            "payments": f"http://{LOOPBACK}:{self.ports['payments']}",
            "carriers": f"http://{LOOPBACK}:{self.ports['carriage']}/carriers",
            "lockers": f"http://{LOOPBACK}:{self.ports['carriage']}/lockers",
            "partners": f"http://{LOOPBACK}:{self.ports['carriage']}/partners",
            "signing": f"http://{LOOPBACK}:{self.ports['carriage']}/signing",
            "mail": f"http://{LOOPBACK}:{self.ports['mail']}",
            "policy": "standard",
            "keys": self.keys,
            "webhook_secrets": {
                kind: self.env[f"THROUGHLINE_WEBHOOK_SECRETS__{kind.upper()}"]
                for kind in ("payment", "fraud", "carrier", "locker", "bureau", "signature")
            },
        }

    def _pick(self) -> int:
        return self._ports_held.pick("any", preferred=False)

    def _postgres_settings(self) -> dict[str, str]:
        """The `-c name=value` of the compose file, but for its share of the memory."""
        words = command(self.services["postgres"])
        given = dict(word.split("=", 1) for flag, word in itertools.pairwise(words) if flag == "-c")
        return given | {"shared_buffers": "64MB"}

    def _child(self, name: str, ready: Any) -> Child:
        self.processes[name] = Child(
            name,
            self._command(name),
            log=self.folder / "logs" / f"{name}.log",
            ready=ready,
            environment=self._environment(name),
            restarts=None,
            stop_within=float(self.services[name]["stop_grace_period"].removesuffix("s")),
        )
        return self.processes[name]

    def _command(self, name: str) -> list[str]:
        program, *words = command(self.services[name])
        assert program == "python"
        return [sys.executable, "-P", *(self._here(word, name) for word in words)]

    def _environment(self, name: str) -> dict[str, str]:
        """The service's own, and nothing of ours but where programs and packages are."""
        given = {variable: self._here(value, name) for variable, value in self.services[name]["environment"].items()}
        if "THROUGHLINE_DATA" in given:
            folder = self.folder / name
            folder.mkdir(exist_ok=True)
            others = {
                "THROUGHLINE_DATA": str(folder),
                "THROUGHLINE_SMTP_HOST": LOOPBACK,
                "THROUGHLINE_SMTP_PORT": str(self.ports["smtp"]),
                "THROUGHLINE_API_PORT": str(self.ports.get(name, self.ports["api-1"])),
                "THROUGHLINE_API_URL": self.url("api-1"),
                "THROUGHLINE_METRICS_PORT": str(self.metrics_ports.get(name, 0)),
            }
            given |= others
        return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"} | given

    def _here(self, text: str, name: str) -> str:
        """Hosts and ports of the containers, as they are on this machine."""
        temporal = self.temporal.address if self.temporal else ""
        replaced = {
            "@postgres:5432": f"@{LOOPBACK}:{self.ports['postgres']}",
            "temporal:7233": temporal,
            "http://payments:8181": f"http://{LOOPBACK}:{self.ports['payments']}",
            "http://carriage:8183": f"http://{LOOPBACK}:{self.ports['carriage']}",
            "http://api-1:8180": self.url("api-1"),
            "--public-url=http://127.0.0.1:8182": f"--public-url=http://{LOOPBACK}:{self.ports['payments']}",
            "--port=8181": f"--port={self.ports['payments']}",
            "--port=8183": f"--port={self.ports['carriage']}",
            "--smtp-port=8125": f"--smtp-port={self.ports['smtp']}",
            "--http-port=8182": f"--http-port={self.ports['mail']}",
            "/var/lib/throughline/": f"{self.folder}/{name}-",
            "0.0.0.0": LOOPBACK,
        }
        for there, here in replaced.items():
            text = text.replace(there, here)
        return text

    async def _script(self, service: str, script: str, more: dict[str, str]) -> None:
        """A script that the compose file mounts into an image of others, run with that service's environment."""
        mounted = [each.split(":")[0] for each in self.services[service]["volumes"]]
        [file] = [ROOT / mount for mount in mounted if mount.endswith(script)]
        tools = self.folder / "tools"
        tools.mkdir(exist_ok=True)
        tool = tools / "temporal-sql-tool"
        if not tool.exists():
            tool.symlink_to(self._programs.sql)
        environment = self.services[service]["environment"] | more
        if "SQL_HOST" in environment:
            environment |= {"SQL_HOST": LOOPBACK, "SQL_PORT": str(self.ports["postgres"])}
        environment |= {
            "PATH": f"{tools}:{self._postgres_programs / 'bin'}:{os.environ['PATH']}",
            "PGPASSWORD": environment.get("POSTGRES_PASSWORD", ""),
        }
        # Twice: the schema's is run at every start.
        for _ in range(2 if service == "temporal-schema" else 1):
            process = await asyncio.create_subprocess_exec(
                *("sh", str(file)),
                env=environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
            )
            said, _ = await asyncio.wait_for(process.communicate(), JOB_SECONDS)
            assert process.returncode == 0, (script, said.decode())
