"""A Temporal server that keeps its state in PostgreSQL, as a team runs it: one process with all four services.

`DurableTemporal` makes databases and tables where they are missing, then starts the server on the loopback address.
"""

import asyncio
import json
import socket
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import psycopg
from temporalio.client import Client

from workers.namespace import prepare
from workers.process import Child
from workers.stack.errors import ProcessFailed
from workers.stack.ports import LOOPBACK
from workers.stack.temporal_programs import TemporalPrograms

DRIVER = "postgres12_pgx"
DYNAMIC_CONFIG = Path(__file__).parent.parent / "deployment" / "temporal.yaml"
SERVICES = ("frontend", "history", "matching", "worker")
SCHEMAS = {"temporal": "postgresql/v12/temporal", "temporal_visibility": "postgresql/v12/visibility"}
"""The databases, and the name under which the tool carries the tables of each."""
CONNECTIONS = {"temporal": 20, "temporal_visibility": 10}
"""To each database, of each of the four services."""
SCHEMA_SECONDS = 120.0


@dataclass(frozen=True)
class Role:
    """A PostgreSQL server, and a role in it that may make databases."""

    host: str
    port: int
    user: str
    password: str

    @classmethod
    def of(cls, dsn: str) -> "Role":
        parts = urlsplit(dsn)
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        return cls(parts.hostname or LOOPBACK, parts.port or 5432, user, password)


class DurableTemporal:
    """The server and its namespace. Its own files in `folder` are configuration only."""

    def __init__(
        self,
        programs: TemporalPrograms,
        folder: Path,
        *,
        database: str,
        log: Path,
        search_attributes: Mapping[str, str],
        pick_port: Callable[[], int],
        namespace: str = "default",
        shards: int = 4,
        connections: Mapping[str, int] | None = None,
        dynamic_config: Path = DYNAMIC_CONFIG,
        log_level: str = "warn",
        changed: Callable[[Child], None] | None = None,
    ) -> None:
        """`database`: the DSN of a role that may make databases. `shards` can never be changed afterwards."""
        self.namespace = namespace
        self._programs = programs
        self._folder = folder
        self._role = Role.of(database)
        self._log = log
        self._search_attributes = dict(search_attributes)
        self._shards = shards
        self._connections = {**CONNECTIONS, **(connections or {})}
        self._dynamic_config = dynamic_config
        self._log_level = log_level
        self._rpc_ports = {service: pick_port() for service in SERVICES}
        self._membership_ports = {service: pick_port() for service in SERVICES}
        self._http_port = pick_port()
        self._metrics_port = pick_port()
        self.child = Child(
            "Temporal",
            [programs.server, "--root", folder, "--config", "config", "--env", "team", "--allow-no-auth", "start"],
            log=log,
            ready=self._serves,
            folder=folder,
            environment={},
            stop_within=30.0,
            changed=changed,
        )

    @property
    def address(self) -> str:
        return f"{LOOPBACK}:{self._rpc_ports['frontend']}"

    @property
    def metrics(self) -> str:
        """Where Prometheus reads the server's metrics."""
        return f"http://{LOOPBACK}:{self._metrics_port}/metrics"

    async def start(self) -> None:
        """Tables, server, namespace, search attributes: each made where it is missing. Raises `StackError`."""
        for database, schema in SCHEMAS.items():
            await self._make_tables(database, schema)
        folder = self._folder / "config"
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / "team.yaml"
        file.touch(mode=0o600)
        file.write_text(json.dumps(self.configuration(), indent=2))  # JSON is YAML
        await self.child.start()
        await prepare(self.address, self.namespace, self._search_attributes)

    async def stop(self) -> None:
        await self.child.stop()

    def configuration(self) -> dict[str, Any]:
        """The server's configuration file. Holds the role's password."""
        rpc = {
            service: {
                "rpc": {
                    "grpcPort": self._rpc_ports[service],
                    "membershipPort": self._membership_ports[service],
                    "bindOnIP": LOOPBACK,
                    **({"httpPort": self._http_port} if service == "frontend" else {}),
                }
            }
            for service in SERVICES
        }
        return {
            "log": {"stdout": True, "level": self._log_level},
            "persistence": {
                "defaultStore": "temporal",
                "visibilityStore": "temporal_visibility",
                "numHistoryShards": self._shards,
                "datastores": {database: {"sql": self._store(database)} for database in SCHEMAS},
            },
            "global": {
                "membership": {"maxJoinDuration": "30s", "broadcastAddress": LOOPBACK},
                "metrics": {
                    "prometheus": {"timerType": "histogram", "listenAddress": f"{LOOPBACK}:{self._metrics_port}"}
                },
            },
            "services": rpc,
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
                        "rpcAddress": self.address,
                    }
                },
            },
            "dcRedirectionPolicy": {"policy": "noop"},
            "publicClient": {"hostPort": self.address},
            "dynamicConfigClient": {"filepath": str(self._dynamic_config), "pollInterval": "60s"},
        }

    def _store(self, database: str) -> dict[str, Any]:
        return {
            "pluginName": DRIVER,
            "databaseName": database,
            "connectAddr": f"{self._role.host}:{self._role.port}",
            "connectProtocol": "tcp",
            "user": self._role.user,
            "password": self._role.password,
            "maxConns": self._connections[database],
            "maxIdleConns": self._connections[database],
            "maxConnLifetime": "1h",
        }

    async def _make_tables(self, database: str, schema: str) -> None:
        """As the schema job of docker-compose.yml does it; what is there already is left alone."""
        if not await self._finds("template1", f"select 1 from pg_database where datname = '{database}'"):
            await self._tool(database, "create-database")
        if not await self._finds(database, "select 1 where to_regclass('schema_version') is not null"):
            await self._tool(database, "setup-schema", "--version", "0.0")
        await self._tool(database, "update-schema", "--schema-name", schema)

    async def _finds(self, database: str, query: str) -> bool:
        async with await psycopg.AsyncConnection.connect(**asdict(self._role), dbname=database) as connection:
            found = await connection.execute(query.encode())
            return await found.fetchone() is not None

    async def _tool(self, database: str, *command: str) -> None:
        role = self._role
        process = await asyncio.create_subprocess_exec(
            *(self._programs.sql, "--plugin", DRIVER, "--endpoint", role.host, "--port", str(role.port)),
            *("--user", role.user, "--database", database, *command),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={"SQL_PASSWORD": role.password},
        )
        try:
            said, _ = await asyncio.wait_for(process.communicate(), SCHEMA_SECONDS)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode != 0:
            raise ProcessFailed(
                f"The Temporal tables could not be written ({command[0]} in {database}).",
                "The role must be allowed to make databases and the extension btree_gin.",
                detail="\n".join(said.decode(errors="replace").splitlines()[-5:]),
            )

    async def _serves(self) -> bool:
        """The frontend is well, and the services behind it listen; `worker` never does."""
        try:
            client = await Client.connect(self.address)
            if not await client.service_client.check_health():
                return False
            for service in ("history", "matching"):
                socket.create_connection((LOOPBACK, self._rpc_ports[service]), timeout=1).close()
        except (OSError, RuntimeError):
            return False
        return True
