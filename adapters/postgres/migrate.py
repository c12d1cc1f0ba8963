"""The database schema: brought up to date, taken back, and compared with the tables that the code knows.

For a team's servers, with `THROUGHLINE_DATABASE_URL` or `--database-url`:

    python -m adapters.postgres.migrate                     bring the database to the newest schema
    python -m adapters.postgres.migrate downgrade REVISION  take it back; `base` removes everything
    python -m adapters.postgres.migrate drift               what differs from the code's tables; exit code 1 if any
    python -m adapters.postgres.migrate generate MESSAGE    write the next migration from the tables
    python -m adapters.postgres.migrate generate --afresh   write the initial migration again (before a release only)

Any number of processes may upgrade at once: one works, the others wait and find it done. `drift` and `generate` compare
in a scratch schema that is rolled back, so any PostgreSQL will do for them and nothing stays in it.
"""

import argparse
import importlib
import os
import pkgutil
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import URL, Connection, Engine, MetaData, NullPool, create_engine, make_url, text
from sqlalchemy.exc import OperationalError

from adapters.postgres import tables
from adapters.postgres.catalog import describe
from adapters.postgres.metadata import Table

DATABASE_URL = "THROUGHLINE_DATABASE_URL"
MIGRATIONS = Path(__file__).with_name("migrations")
SCRATCH = "throughline_scratch"
LOCK = 0x7468726F7567686C
"""The advisory lock of whoever changes the schema."""

MODULES = [importlib.import_module(f"{tables.__name__}.{each.name}") for each in pkgutil.iter_modules(tables.__path__)]
METADATA: MetaData = Table.metadata
"""All tables; they are known once their modules are imported."""

_one_at_a_time = threading.Lock()
"""Alembic keeps the command that runs in a global of its own."""


class MigrationBusy(Exception):
    """Another process has been changing the schema for too long."""


class UnknownSchema(Exception):
    """A revision that this code does not know, of the database or asked for."""


def upgrade(database_url: str | URL, revision: str = "head", *, wait_seconds: float = 600.0) -> None:
    """Bring the database to `revision`. Does nothing when it is there.

    Waits up to `wait_seconds` for another process that does the same. Raises: MigrationBusy, UnknownSchema.
    """
    with connected(database_url) as engine, _locked(engine, wait_seconds), engine.connect() as connection:
        run(command.upgrade, connection, revision)


def downgrade(database_url: str | URL, revision: str, *, wait_seconds: float = 600.0) -> None:
    """Take the database back to `revision`; `base` leaves nothing, and no data. Raises as `upgrade` does."""
    with connected(database_url) as engine, _locked(engine, wait_seconds), engine.connect() as connection:
        run(command.downgrade, connection, revision)
        if revision == "base":
            connection.execute(text("DROP TABLE IF EXISTS alembic_version"))
            connection.commit()


def current(database_url: str | URL) -> str | None:
    """The revision of the database; None before the first."""
    with connected(database_url) as engine, engine.connect() as connection:
        if connection.scalar(text("SELECT to_regclass('alembic_version')")) is None:
            return None
        found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
        return found


def heads() -> list[str]:
    """The newest revision; more than one when two lines of development met and were not joined."""
    return list(ScriptDirectory.from_config(configuration(None)).get_heads())


def drift(database_url: str | URL) -> list[str]:
    """What the code's tables have and the database has not, and the other way round; empty when they agree."""
    with connected(database_url) as engine, scratch(engine) as connection:
        is_there = describe(connection, "public")
        METADATA.create_all(connection, checkfirst=False)
        is_wanted = describe(connection, SCRATCH)
    return [f"missing: {each}" for each in sorted(is_wanted - is_there)] + [
        f"unknown: {each}" for each in sorted(is_there - is_wanted)
    ]


@contextmanager
def connected(url: str | URL) -> Iterator[Engine]:
    """An engine for one command."""
    engine = create_engine(
        make_url(url).set(drivername="postgresql+psycopg"),
        poolclass=NullPool,
        connect_args={"connect_timeout": 10, "application_name": "throughline-migrate"},
    )
    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def scratch(engine: Engine) -> Iterator[Connection]:
    """A connection that works in an empty schema of its own and forgets all that it did."""
    with engine.connect() as connection:
        connection.execute(text(f"CREATE SCHEMA {SCRATCH}"))
        connection.execute(text(f"SET LOCAL search_path TO {SCRATCH}"))
        connection.dialect.default_schema_name = SCRATCH
        yield connection
        connection.rollback()


def configuration(connection: Connection | None, folder: Path = MIGRATIONS) -> Config:
    """Alembic's configuration; no file, and no logging of Alembic's own."""
    config = Config(attributes={"connection": connection, "metadata": METADATA})
    values = {"script_location": str(folder), "path_separator": "os", "file_template": "%(rev)s_%(slug)s"}
    for name, value in values.items():
        config.set_main_option(name, value.replace("%", "%%"))
    return config


def run(work: Callable[[Config, str], None], connection: Connection, revision: str, folder: Path = MIGRATIONS) -> None:
    """Carry out one of Alembic's commands. Raises: UnknownSchema."""
    try:
        with _one_at_a_time:
            work(configuration(connection, folder), revision)
    except CommandError as error:
        if "Can't locate revision" not in str(error):
            raise
        raise UnknownSchema(
            f"{error}, since this version of Throughline is not the one that migrated the database; install that one, "
            "or name a revision of this one"
        ) from error


@contextmanager
def _locked(engine: Engine, wait_seconds: float) -> Iterator[None]:
    # On a connection of its own: the lock outlives the migrations' transactions, and falls when the process dies. Asked
    # for again and again, because a statement that waits would hold back an index that is built concurrently.
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        ends = time.monotonic() + wait_seconds
        while not connection.scalar(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": LOCK}):
            if time.monotonic() > ends:
                raise MigrationBusy(
                    f"another process has been changing the schema for {wait_seconds:g} seconds; find it by its name "
                    "throughline-migrate in pg_stat_activity, then try again"
                )
            time.sleep(0.1)
        yield


def main(arguments: Sequence[str] | None = None) -> int:
    """The command of team servers; its exit code."""
    parser = argparse.ArgumentParser(prog="python -m adapters.postgres.migrate", description="Migrate the database.")
    parser.add_argument("--database-url", default=os.environ.get(DATABASE_URL), help=f"default: {DATABASE_URL}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    up = commands.add_parser("upgrade", help="bring the database to a schema (the default)")
    up.add_argument("revision", nargs="?", default="head")
    down = commands.add_parser("downgrade", help="take the database back")
    down.add_argument("revision", help="a revision, or base to remove everything")
    commands.add_parser("drift", help="what differs from the code's tables")
    new = commands.add_parser("generate", help="write the next migration from the code's tables")
    new.add_argument("message", nargs="?", help="what it does, in a few words")
    new.add_argument("--afresh", action="store_true", help="write the one initial migration again instead")
    asked = parser.parse_args(arguments)
    if not asked.database_url:
        parser.error(f"set {DATABASE_URL} or give --database-url")
    if asked.command == "generate" and bool(asked.message) is asked.afresh:
        parser.error("generate takes a message, or --afresh")
    try:
        return _carry_out(asked)
    except (MigrationBusy, UnknownSchema, CommandError) as error:
        print(f"The database was not migrated: {error}.", file=sys.stderr)  # noqa: T201
    except OperationalError as error:
        print(f"The database did not answer or refused: {error.orig}", file=sys.stderr)  # noqa: T201
    return 1


def _carry_out(asked: argparse.Namespace) -> int:
    url: str = asked.database_url
    match asked.command:
        case "drift":
            found = drift(url)
            print("\n".join(found) or "The database and the code's tables agree.")  # noqa: T201
            return int(bool(found))
        case "generate":
            from adapters.postgres.migrations import writing

            print(f"Wrote {writing.generate(url, asked.message)}. Read it before you keep it.")  # noqa: T201
            return 0
        case "downgrade":
            downgrade(url, asked.revision)
        case _:
            upgrade(url, getattr(asked, "revision", "head"))
    print(f"The database is at revision {current(url) or 'base'}.")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
