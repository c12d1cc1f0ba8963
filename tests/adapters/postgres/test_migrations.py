"""The schema on a real PostgreSQL: up, down, up again, from several processes at once, never apart from the tables."""

import logging
import shutil
import subprocess
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest
from alembic import command
from psycopg import sql

from adapters.postgres import migrate
from adapters.postgres.catalog import describe
from adapters.postgres.migrations.writing import generate
from workers.process import python
from workers.stack.ports import Ports
from workers.stack.postgres import Postgres, remove_files


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Postgres]:
    folder: Path = tmp_path_factory.mktemp("migrations")
    ports = Ports()
    port = ports.pick("database", preferred=False)
    server = Postgres(folder / "postgres", port=port, password="test", log=folder / "postgres.log", fsync=False)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()
        ports.close()
        remove_files(folder / "postgres")


@contextmanager
def new_database(server: Postgres, name: str, template: str = "template1") -> Iterator[str]:
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        create = sql.SQL("create database {} template {}")
        connection.execute(create.format(sql.Identifier(name), sql.Identifier(template)))
        try:
            yield f"{server.dsn.rpartition('/')[0]}/{name}"
        finally:
            connection.execute(sql.SQL("drop database {}").format(sql.Identifier(name)))


@pytest.fixture
def database(server: Postgres) -> Iterator[str]:
    """An empty database."""
    with new_database(server, "empty") as url:
        yield url


@pytest.fixture(scope="module")
def migrated(server: Postgres) -> Iterator[str]:
    """A database at the newest schema that no test changes."""
    with new_database(server, "migrated") as url:
        migrate.upgrade(url)
        yield url


@pytest.fixture
def changeable(server: Postgres, migrated: str) -> Iterator[str]:
    """A copy of it."""
    with new_database(server, "changeable", template="migrated") as url:
        yield url


def objects(url: str) -> set[str]:
    with migrate.connected(url) as engine, engine.connect() as connection:
        return describe(connection)


def test_the_newest_schema_is_what_the_tables_say(migrated: str) -> None:
    assert migrate.drift(migrated) == []
    assert "table orders" in objects(migrated)
    assert migrate.current(migrated) == migrate.heads()[-1]


def test_there_is_one_newest_migration() -> None:
    assert len(migrate.heads()) == 1


@pytest.mark.parametrize(
    ("change", "tells"),
    [
        ("DROP TRIGGER stock_movements_append_only ON stock_movements", "missing: trigger "),
        ("ALTER TABLE stock_levels DROP CONSTRAINT ck_stock_levels_not_negative", "missing: constraint stock_levels."),
        ("DROP INDEX ix_orders_status", "missing: index "),
        ("ALTER TABLE orders ALTER COLUMN total TYPE integer", "missing: column orders.total bigint"),
        ("ALTER TABLE orders ALTER COLUMN status DROP NOT NULL", "missing: column orders.status"),
        ("ALTER TABLE orders ADD COLUMN forgotten text", "unknown: column orders.forgotten"),
        ("CREATE TABLE forgotten ()", "unknown: table forgotten"),
    ],
)
def test_whatever_differs_from_the_tables_is_named(changeable: str, change: LiteralString, tells: str) -> None:
    with psycopg.connect(changeable) as connection:
        connection.execute(change)
    assert any(line.startswith(tells) for line in migrate.drift(changeable))


def test_the_way_down_leaves_nothing_and_the_way_up_works_again(database: str) -> None:
    migrate.upgrade(database)
    first = objects(database)
    migrate.downgrade(database, "base")
    assert objects(database) == set()
    assert migrate.current(database) is None
    with psycopg.connect(database) as connection:
        left = connection.execute("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace").fetchall()
    assert left == []
    migrate.upgrade(database)
    assert objects(database) == first


def test_an_upgrade_of_the_newest_schema_keeps_the_data(database: str) -> None:
    migrate.upgrade(database)
    with psycopg.connect(database) as connection:
        connection.execute("INSERT INTO items VALUES ('SHOE-42', '{}')")
    migrate.upgrade(database)
    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT sku FROM items").fetchall() == [("SHOE-42",)]


def test_processes_that_start_at_once_migrate_once(database: str) -> None:
    start = [*python("adapters.postgres.migrate"), "--database-url", database]
    running = [subprocess.Popen(start, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    for process in running:
        said, complaints = process.communicate(timeout=60)
        assert (process.returncode, complaints) == (0, "")
        assert said.strip() == f"The database is at revision {migrate.heads()[0]}."
    assert migrate.drift(database) == []


def test_who_comes_second_waits_for_the_first(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as first:
        first.execute("SELECT pg_advisory_lock(%s)", [migrate.LOCK])
        with pytest.raises(migrate.MigrationBusy, match="try again"):
            migrate.upgrade(database, wait_seconds=0)
        assert objects(database) == set()
        second = threading.Thread(target=migrate.upgrade, args=[database])
        second.start()
        first.execute("SELECT pg_advisory_unlock(%s)", [migrate.LOCK])
        second.join(60)
    assert migrate.drift(database) == []


@pytest.mark.parametrize(
    "change",
    [
        *("UPDATE stock_movements SET on_hand = 9", "DELETE FROM stock_movements"),
        *("UPDATE journal_entries SET currency = 'USD'", "DELETE FROM journal_entries"),
        *("UPDATE journal_lines SET amount = 9", "DELETE FROM journal_lines"),
        *("UPDATE audit_entries SET outcome = 'allowed'", "DELETE FROM audit_entries"),
    ],
)
def test_a_ledger_refuses_to_be_rewritten(migrated: str, change: LiteralString) -> None:
    with psycopg.connect(migrated) as connection, pytest.raises(psycopg.errors.RaiseException, match="append-only"):
        connection.execute(change)


def test_a_timeline_is_never_changed_and_goes_only_with_its_order(migrated: str) -> None:
    with psycopg.connect(migrated) as connection:
        connection.execute(
            "INSERT INTO orders (order_id, version, channel, external_id, customer_ref, status, currency, total,"
            " placed_at, changed_at, visible, head) VALUES ('o', 1, 'web', 'W-1', 'C', 'held', 'EUR', 1,"
            " '2026-11-22T10:00:00Z', '2026-11-22T10:00:00Z', true, '{}')"
        )
        connection.execute("INSERT INTO order_timeline VALUES ('o', 1, '{}')")
        with pytest.raises(psycopg.errors.RaiseException, match="append-only"), connection.transaction():
            connection.execute("UPDATE order_timeline SET position = 2")
        connection.execute("DELETE FROM orders")
        assert connection.execute("SELECT count(*) FROM order_timeline").fetchall() == [(0,)]
        connection.rollback()


def test_entries_of_the_journal_balance(migrated: str) -> None:
    with psycopg.connect(migrated) as connection:
        connection.execute(
            "INSERT INTO journal_entries (operation_key, movement, provider, order_id, tender_id, currency, at)"
            "VALUES ('k', 'capture', 'simulator', 'o', 't1', 'EUR', '2026-11-22T10:00:00Z')"
        )
        with pytest.raises(psycopg.errors.RaiseException, match="sum to zero"):
            connection.execute("INSERT INTO journal_lines SELECT max(id), 'cash', 5 FROM journal_entries")
        connection.rollback()


def test_a_database_of_another_version_is_left_alone_with_advice(database: str) -> None:
    migrate.upgrade(database)
    with psycopg.connect(database) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(migrate.UnknownSchema, match="install"):
        migrate.upgrade(database)
    assert migrate.drift(database) == []


def test_migrating_leaves_logging_as_it_is(database: str) -> None:
    root, ours = logging.getLogger(), logging.getLogger("throughline.test")
    before = (root.level, list(root.handlers), ours.level, ours.disabled)
    migrate.upgrade(database)
    assert (root.level, list(root.handlers), ours.level, ours.disabled) == before


def test_nothing_is_left_to_generate_and_comparing_leaves_nothing_behind(migrated: str, tmp_path: Path) -> None:
    folder = tmp_path / "migrations"
    shutil.copytree(migrate.MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    written = generate(migrated, "One more", folder=folder).read_text()
    assert f'down_revision: str | None = "{migrate.heads()[0]}"' in written
    assert written.count("pass") == 2
    with psycopg.connect(migrated) as connection:
        schemas = connection.execute("SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_'").fetchall()
    assert {name for (name,) in schemas} == {"public", "information_schema"}


def test_the_initial_migration_can_be_written_afresh(migrated: str, database: str, tmp_path: Path) -> None:
    folder = tmp_path / "migrations"
    shutil.copytree(migrate.MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    written = generate(database, None, folder=folder)
    assert [each.name for each in (folder / "versions").glob("*.py")] == [written.name]
    with migrate.connected(database) as engine, engine.connect() as connection:
        migrate.run(command.upgrade, connection, "head", folder)
    assert objects(database) == objects(migrated)


def test_the_command_tells_what_is_missing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv(migrate.DATABASE_URL, raising=False)
    with pytest.raises(SystemExit) as ended:
        migrate.main([])
    assert ended.value.code == 2
    assert migrate.DATABASE_URL in capsys.readouterr().err


def test_the_command_goes_down_compares_and_goes_up(
    database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(migrate.DATABASE_URL, database)
    assert migrate.main(["drift"]) == 1
    assert "missing: table orders" in capsys.readouterr().out
    assert migrate.main(["upgrade"]) == 0
    assert migrate.main(["drift"]) == 0
    assert migrate.main(["downgrade", "base"]) == 0
    assert capsys.readouterr().out.endswith("The database is at revision base.\n")
    assert migrate.main(["upgrade", "no-such"]) == 1
    assert "no-such" in capsys.readouterr().err


def test_a_database_that_does_not_answer_is_an_error_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    ports = Ports()
    nobody = f"postgresql://nobody@127.0.0.1:{ports.pick('database', preferred=False)}/none"
    ports.close()
    assert migrate.main(["--database-url", nobody]) == 1
    assert "did not answer" in capsys.readouterr().err
