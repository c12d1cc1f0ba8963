"""A Temporal server whose state is in PostgreSQL, as a team would run it: four shards, started as plain processes.

Figures of the development server are those of one file. Here each of Temporal's transactions is a commit in a
PostgreSQL of its own: Debian's, since the embedded stack's wheel lacks `btree_gin`, which Temporal's visibility needs.
"""

import asyncio
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import psycopg
from google.protobuf.duration_pb2 import Duration
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from benchmarks.shown import say
from workers.process import Account, Child
from workers.stack.accounts import unprivileged
from workers.stack.ports import LOOPBACK, Ports
from workers.stack.temporal import DYNAMIC_CONFIG, serves
from workers.stack.temporal_cli import cache_folder

VERSION = "v1.29.1"
MODULE = "go.temporal.io/server"
PROGRAMS = {"server": "cmd/server", "sql": "cmd/tools/sql"}
DRIVER = "postgres12_pgx"
SHARDS = 4
BUILD_SECONDS = 1200.0
SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "200",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "jit": "off",
}


class NoDurableTemporal(Exception):
    """Something that it needs is missing; the text says what to do."""


def debian_postgres() -> Path:
    """The folder of the newest PostgreSQL that Debian's packages installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if not found:
        raise NoDurableTemporal("Debian's PostgreSQL is missing: apt-get install postgresql")
    return found[-1].parent


def programs(tell: Callable[[str], None] = say) -> Path:
    """The folder with Temporal's `server`, its `sql` tool and their schema; built with Go once for this user."""
    folder = cache_folder().parent / "temporal-server"
    missing = [name for name in PROGRAMS if not (folder / name).exists()]
    go = shutil.which("go")
    if go is None and (missing or not (folder / "schema").exists()):
        raise NoDurableTemporal(f"Go is missing, which builds Temporal's server into {folder}.")
    folder.mkdir(parents=True, exist_ok=True)
    for name in missing:
        tell(f"  building Temporal's {name} {VERSION} with Go, some minutes, once …")
        unfinished = folder / "building"
        environment = {**os.environ, "GOBIN": str(unfinished), "GOFLAGS": ""}
        _run([str(go), "install", f"{MODULE}/{PROGRAMS[name]}@{VERSION}"], environment)
        (unfinished / Path(PROGRAMS[name]).name).replace(folder / name)
        shutil.rmtree(unfinished, ignore_errors=True)
    if not (folder / "schema").exists():
        module = json.loads(_run([str(go), "mod", "download", "-json", f"{MODULE}@{VERSION}"]))
        shutil.copytree(Path(module["Dir"]) / "schema" / "postgresql" / "v12", folder / "schema.new")
        (folder / "schema.new").rename(folder / "schema")
    return folder


def _run(command: list[str], environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment, cwd="/", timeout=BUILD_SECONDS, check=False
    )
    if done.returncode != 0:
        raise NoDurableTemporal(f"{' '.join(command[:3])} … failed: {(done.stderr or done.stdout).strip()[-400:]}")
    return done.stdout


class DurableTemporal:
    """The cluster's files are kept from start to start, as long as this folder is; `start` makes what is missing."""

    def __init__(self, folder: Path, ports: Ports) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._ports = ports
        self.address = ""
        self.dsn = ""
        self._database: Child | None = None
        self._server: Child | None = None

    def pids(self) -> list[int]:
        """Of the server and of its database: both are what Temporal costs."""
        return [child.pid for child in (self._server, self._database) if child is not None and child.pid is not None]

    async def start(self) -> None:
        made = await asyncio.to_thread(programs)
        port = await self._start_database()
        for database in ("temporal", "temporal_visibility"):
            await asyncio.to_thread(self._schema, made, port, database)
        await self._start_server(made, port)

    async def stop(self) -> None:
        """End both and remove what lies outside the folder."""
        if self._server is not None:
            await self._server.stop()
        if self._database is not None:
            await self._database.stop()
        link = self.folder / "files"
        if link.is_symlink():
            shutil.rmtree(link.resolve(), ignore_errors=True)
            link.unlink()

    async def _start_database(self) -> int:
        binaries, account = debian_postgres(), unprivileged()
        files = await asyncio.to_thread(self._files, binaries, account)
        port = self._ports.pick("database", preferred=False)
        self.dsn = f"postgresql://temporal@{LOOPBACK}:{port}/temporal"

        async def accepts() -> bool:
            try:
                connection = await psycopg.AsyncConnection.connect(self._maintenance(), connect_timeout=2)
            except psycopg.OperationalError:
                return False
            await connection.close()
            return True

        settings = SETTINGS | {"port": str(port)}
        self._database = Child(
            "Temporal's PostgreSQL",
            [binaries / "postgres", "-D", files, *(p for n, v in settings.items() for p in ("-c", f"{n}={v}"))],
            log=self.folder / "postgres.log",
            ready=accepts,
            environment={"PATH": os.defpath, "LC_ALL": "C"},
            folder=Path("/"),
            account=account,
        )
        await self._database.start()
        return port

    def _files(self, binaries: Path, account: Account | None) -> Path:
        """A fresh cluster where the account can reach it. On the loopback address only, and gone after the run."""
        files = Path(tempfile.mkdtemp(prefix="throughline-temporal-", dir="/var/tmp"))
        (self.folder / "files").symlink_to(files)
        if account is not None:
            os.chown(files, account.uid, account.gid)
        command = [str(binaries / "initdb"), "-D", str(files / "cluster"), "-U", "temporal", "--auth", "trust"]
        done = subprocess.run(
            [*command, "--encoding", "UTF8", "--locale", "C"],
            capture_output=True,
            text=True,
            cwd="/",
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            check=False,
        )
        if done.returncode != 0:
            raise NoDurableTemporal(f"initdb failed: {done.stderr.strip()[-300:]}")
        return files / "cluster"

    def _maintenance(self) -> str:
        return self.dsn.removesuffix("temporal") + "postgres"

    def _schema(self, made: Path, port: int, database: str) -> None:
        kind = "visibility" if database.endswith("visibility") else "temporal"
        sql = [str(made / "sql"), "--plugin", DRIVER, "--endpoint", LOOPBACK, "--port", str(port)]
        sql += ["--user", "temporal", "--password", "temporal", "--database", database]
        _run([*sql, "create"])
        _run([*sql, "setup-schema", "-v", "0.0"])
        _run([*sql, "update-schema", "-d", str(made / "schema" / kind / "versioned")])

    async def _start_server(self, made: Path, database_port: int) -> None:
        ports = {name: self._ports.pick("temporal", preferred=False) for name in _PORTS}
        self.address = f"{LOOPBACK}:{ports['frontend']}"
        config = self.folder / "config"
        config.mkdir(exist_ok=True)
        # JSON is YAML too.
        (config / "bench.yaml").write_text(json.dumps(_config(ports, database_port, config / "dynamic.yaml"), indent=1))
        dynamic = {key: [{"value": json.loads(value), "constraints": {}}] for key, value in DYNAMIC_CONFIG.items()}
        (config / "dynamic.yaml").write_text(json.dumps(dynamic))
        self._server = Child(
            "Temporal server",
            [
                made / "server",
                "--root",
                self.folder,
                "--config",
                "config",
                "--env",
                "bench",
                "--allow-no-auth",
                "start",
            ],
            log=self.folder / "temporal.log",
            ready=self._ready,
            within=90.0,
            environment={"PATH": os.defpath},
            folder=self.folder,
        )
        await self._server.start()

    async def _ready(self) -> bool:
        try:
            client = await Client.connect(self.address)
            await client.workflow_service.register_namespace(
                RegisterNamespaceRequest(
                    namespace="default", workflow_execution_retention_period=Duration(seconds=24 * 3600)
                )
            )
        except RPCError as error:
            if error.status is not RPCStatusCode.ALREADY_EXISTS:
                return False
        except RuntimeError:
            return False
        return await serves(self.address, "default")


_PORTS = (
    "frontend", "frontend member", "frontend http", "history", "history member",
    "matching", "matching member", "worker", "worker member",
)  # fmt: skip


def _config(ports: dict[str, int], database_port: int, dynamic: Path) -> dict[str, object]:
    def store(database: str, connections: int) -> dict[str, object]:
        return {
            "sql": {
                "pluginName": DRIVER,
                "databaseName": database,
                "connectAddr": f"{LOOPBACK}:{database_port}",
                "connectProtocol": "tcp",
                "user": "temporal",
                "password": "temporal",
                "maxConns": connections,
                "maxIdleConns": connections,
                "maxConnLifetime": "1h",
            }
        }

    def service(name: str) -> dict[str, object]:
        rpc: dict[str, object] = {
            "grpcPort": ports[name],
            "membershipPort": ports[f"{name} member"],
            "bindOnLocalHost": True,
        }
        if name == "frontend":
            rpc["httpPort"] = ports["frontend http"]
        return {"rpc": rpc}

    disabled = {"state": "disabled"}
    return {
        "log": {"stdout": True, "level": "error"},
        "persistence": {
            "defaultStore": "default",
            "visibilityStore": "visibility",
            "numHistoryShards": SHARDS,
            "datastores": {"default": store("temporal", 20), "visibility": store("temporal_visibility", 10)},
        },
        "global": {"membership": {"maxJoinDuration": "30s", "broadcastAddress": LOOPBACK}},
        "services": {name: service(name) for name in ("frontend", "history", "matching", "worker")},
        "clusterMetadata": {
            "enableGlobalNamespace": False,
            "failoverVersionIncrement": 10,
            "masterClusterName": "active",
            "currentClusterName": "active",
            "clusterInformation": {
                "active": {
                    "enabled": True,
                    "initialFailoverVersion": 1,
                    "rpcName": "frontend",
                    "rpcAddress": f"{LOOPBACK}:{ports['frontend']}",
                }
            },
        },
        "dcRedirectionPolicy": {"policy": "noop"},
        "archival": {"history": disabled, "visibility": disabled},
        "namespaceDefaults": {"archival": {"history": disabled, "visibility": disabled}},
        "dynamicConfigClient": {"filepath": str(dynamic), "pollInterval": "60s"},
    }
