import os
import signal
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest

from tests.workers.stack.watching import lives, until
from workers.stack.errors import DataUnusable
from workers.stack.ports import LOOPBACK, Ports
from workers.stack.postgres import Postgres, throwaway

pytestmark = pytest.mark.stack


@pytest.fixture
async def postgres(tmp_path: Path) -> AsyncIterator[Postgres]:
    ports = Ports()
    port = ports.pick("database", preferred=False)
    server = Postgres(tmp_path / "postgres", port=port, password="p@ss/word", log=tmp_path / "log", fsync=False)
    yield server
    await server.stop()
    server.discard()
    ports.close()


async def rows(server: Postgres, statement: str) -> list[tuple[object, ...]]:
    async with await psycopg.AsyncConnection.connect(server.dsn, autocommit=True) as connection:
        cursor = await connection.execute(statement)
        return await cursor.fetchall() if cursor.description else []


async def test_a_database_keeps_its_rows_over_a_stop_and_over_a_kill(postgres: Postgres) -> None:
    await postgres.start()
    assert (await rows(postgres, "show server_version"))[0][0].startswith("18.")
    await rows(postgres, "create table kept (n int)")
    await rows(postgres, "insert into kept values (1)")
    await postgres.stop()
    await postgres.start()
    await rows(postgres, "insert into kept values (2)")
    await rows(postgres, "checkpoint")

    child = postgres.child
    assert child is not None
    assert child.pid is not None
    killed = child.pid
    os.kill(killed, signal.SIGKILL)
    await until(lambda: child.restarted)
    assert child.pid != killed
    assert await rows(postgres, "select n from kept order by n") == [(1,), (2,)]


async def test_only_the_password_opens_it_and_only_from_this_machine(postgres: Postgres) -> None:
    await postgres.start()
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        await psycopg.AsyncConnection.connect(host=LOOPBACK, port=postgres.port, user="throughline", password="guess")
    assert await rows(postgres, "show listen_addresses") == [(LOOPBACK,)]
    assert await rows(postgres, "show unix_socket_directories") == [("",)]


async def test_failed_statements_leave_no_values_in_the_log(postgres: Postgres, tmp_path: Path) -> None:
    await postgres.start()
    await rows(postgres, "create table people (mail text primary key)")
    await rows(postgres, "insert into people values ('someone@example.org')")
    with pytest.raises(psycopg.errors.UniqueViolation):
        await rows(postgres, "insert into people values ('someone@example.org')")
    await postgres.stop()
    log = (tmp_path / "log").read_text()
    assert "duplicate key value" in log
    assert "someone@example.org" not in log


async def test_stopping_leaves_no_process(postgres: Postgres) -> None:
    await postgres.start()
    backends = [int(str(row[0])) for row in await rows(postgres, "select pid from pg_stat_activity")]
    assert postgres.child is not None
    assert postgres.child.pid is not None
    everyone = [postgres.child.pid, *backends]
    await postgres.stop()
    assert not any(lives(pid) for pid in everyone)


async def test_a_pid_file_whose_number_belongs_to_another_program_is_no_hindrance(postgres: Postgres) -> None:
    await postgres.start()
    await postgres.stop()
    cluster = postgres.folder.resolve() / "cluster"
    postgres.child = None
    (cluster / "postmaster.pid").write_text(f"{os.getpid()}\n{cluster}\n1\n{postgres.port}\n\n{LOOPBACK}\n1 1\n")
    await postgres.start()
    assert await rows(postgres, "select 1") == [(1,)]


async def test_files_of_another_version_are_refused_with_a_remedy(postgres: Postgres) -> None:
    await postgres.start()
    await postgres.stop()
    (postgres.folder.resolve() / "cluster" / "PG_VERSION").write_text("16\n")
    postgres.child = None
    with pytest.raises(DataUnusable, match=r"PostgreSQL 16.*reset"):
        await postgres.start()


async def test_a_throwaway_server_takes_its_files_with_it(tmp_path: Path) -> None:
    async with throwaway(tmp_path) as server:
        assert await rows(server, "select 1") == [(1,)]
        files = server.folder.resolve()
        assert files.exists()
    assert not files.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root hands its database to another user")
async def test_started_by_root_in_a_private_folder_no_mode_of_it_changes(tmp_path: Path, postgres: Postgres) -> None:
    os.chmod(tmp_path, 0o700)
    await postgres.start()
    assert stat.S_IMODE(os.stat(tmp_path).st_mode) == 0o700
    assert postgres.folder.is_symlink()
    assert postgres.folder.resolve().stat().st_uid != 0
    away = postgres.folder.resolve()
    await postgres.stop()
    postgres.discard()
    assert not away.exists()
    assert not postgres.folder.is_symlink()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root hands its database to another user")
async def test_binaries_that_the_other_user_cannot_reach_are_copied(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.stack.postgres.may_pass", lambda folder, account: False)
    await postgres.start()
    assert postgres.child is not None
    assert Path(postgres.child.command[0]).is_relative_to(postgres.folder.resolve())
    assert await rows(postgres, "select 1") == [(1,)]
