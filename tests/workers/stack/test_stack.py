import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.workers.stack import conftest
from tests.workers.stack.watching import lives, until
from workers.stack.errors import AlreadyRunning, PortTaken, ProcessFailed
from workers.stack.ports import LOOPBACK
from workers.stack.stack import Programs, Stack

pytestmark = pytest.mark.stack


def all_pids(record: dict[str, Any]) -> list[int | None]:
    """None: that process died and its successor is on its way."""
    named = {name: pid for name, pid in record["pids"].items() if name not in ("supervisor", "workers")}
    return [*named.values(), *record["pids"]["workers"]]


async def record_when(stack: Stack, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    await until(lambda: condition(stack.data.read_record()))
    return stack.data.read_record()


async def test_a_stack_says_where_everything_is_and_leaves_nothing_behind(folder: Path, programs: Programs) -> None:
    async with Stack(folder, workers=2, fsync=False, usual_ports=False, programs=programs) as stack:
        record = stack.data.read_record()
        assert set(record) >= {
            *("api", "console", "temporal", "temporal_ui", "temporal_namespace", "temporal_cli", "payments", "mail"),
            *("carriers", "lockers", "partners", "database", "data", "pids", "keys", "webhook_secrets"),
        }
        assert set(record["webhook_secrets"]) == {
            *("payment", "fraud", "carrier", "locker", "partner", "bureau", "signature")
        }
        assert record["keys"]["stores"] == {"S001": "key-s001"}
        assert len(record["pids"]["workers"]) == 2
        assert stat.S_IMODE(stack.data.record_file.stat().st_mode) == 0o600
        pids = all_pids(record)
        assert all(lives(pid) for pid in pids)
        with psycopg.connect(record["database"]) as connection:
            connection.execute("create table kept ()")
            assert connection.execute("select count(*) > 0 from alembic_version").fetchone() == (True,)
        assert "key-web" not in (folder / "logs" / "seed.log").read_text()
    assert not any(lives(pid) for pid in pids)
    assert not stack.data.record_file.exists()

    async with Stack(folder, fsync=False, usual_ports=False, programs=programs) as again:
        with psycopg.connect(again.servers.dsn) as connection:
            connection.execute("select * from kept")
        assert again.servers.secrets == stack.servers.secrets


async def test_a_killed_worker_and_api_come_back_and_the_record_follows(folder: Path, programs: Programs) -> None:
    async with Stack(folder, fsync=False, usual_ports=False, programs=programs) as stack:
        before = stack.data.read_record()
        os.kill(before["pids"]["api"], signal.SIGKILL)
        os.kill(before["pids"]["workers"][0], signal.SIGKILL)
        after = await record_when(
            stack,
            lambda now: (
                now["pids"]["api"] != before["pids"]["api"]
                and now["pids"]["workers"] != before["pids"]["workers"]
                and all(lives(pid) for pid in all_pids(now))
            ),
        )
        assert after["api"] == before["api"]
        assert after["keys"] == before["keys"]


async def test_two_stacks_in_two_folders_do_not_meet_and_one_folder_takes_one_stack(
    tmp_path: Path, folder: Path, programs: Programs
) -> None:
    other_folder = tmp_path / "other"
    async with (
        Stack(folder, fsync=False, programs=programs) as one,
        Stack(other_folder, fsync=False, programs=programs) as other,
    ):
        mine, theirs = one.data.read_record(), other.data.read_record()
        assert not set(all_pids(mine)) & set(all_pids(theirs))
        for name in (
            "api",
            "temporal",
            "temporal_ui",
            "payments",
            "carriers",
            "lockers",
            "mail",
            "smtp",
            "database",
            "webhook_secrets",
        ):
            assert mine[name] != theirs[name]
        with pytest.raises(AlreadyRunning, match=f"process {os.getpid()}"):
            await Stack(folder, fsync=False, programs=programs).start()
        assert one.data.read_record() == mine
    other.data.discard()


async def test_an_asked_port_that_is_taken_is_told_before_anything_starts(folder: Path, programs: Programs) -> None:
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        listener.listen()
        port = listener.getsockname()[1]
        with pytest.raises(PortTaken, match=f"Port {port}"):
            await Stack(folder, port=port, fsync=False, programs=programs).start()
    assert not (folder / "logs" / "postgres.log").exists()


async def test_sample_data_that_fails_is_told_with_its_log_and_everything_is_stopped(
    folder: Path, programs: Programs
) -> None:
    broken = Programs(seed=[sys.executable, "-c", "import sys; sys.exit('no stores')"])
    stack = Stack(folder, fsync=False, usual_ports=False, programs=broken)
    with pytest.raises(ProcessFailed, match=r"sample data.*seed.log") as caught:
        await stack.start()
    assert caught.value.detail == "no stores"
    assert set(stack.servers.pids().values()) == {None}
    assert stack.data.owner() is None


async def test_a_worker_that_ends_again_and_again_fails_the_start_with_its_log(
    folder: Path, programs: Programs
) -> None:
    slow_api = [sys.executable, "-c", "import time; time.sleep(600)"]
    broken = Programs(seed=programs.seed, worker=[sys.executable, "-c", "raise SystemExit('no queue')"], api=slow_api)
    with pytest.raises(ProcessFailed, match="again and again") as caught:
        await Stack(folder, fsync=False, usual_ports=False, programs=broken).start()
    assert "no queue" in caught.value.detail


SUPERVISOR = """
import asyncio, sys
from pathlib import Path
from workers.cli import _until_told
from workers.stack.stack import Programs, Stack

commands = [[sys.executable, "-c", script] for script in sys.argv[2:5]]

async def serve():
    async with Stack(Path(sys.argv[1]), fsync=False, usual_ports=False, programs=Programs(*commands)):
        print("up", flush=True)
        await asyncio.Event().wait()

asyncio.run(_until_told(serve))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
async def test_no_process_is_left_whichever_way_the_supervisor_ends(folder: Path, number: signal.Signals) -> None:
    scripts = [conftest.SEED, conftest.WORKER, conftest.API]
    command = [sys.executable, "-c", SUPERVISOR, str(folder), *scripts]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as supervisor:  # noqa: ASYNC220
        assert supervisor.stdout is not None
        assert supervisor.stdout.readline() == "up\n"
        pids = all_pids(json.loads((folder / "stack.json").read_text()))
        assert all(lives(pid) for pid in pids)
        supervisor.send_signal(number)
        supervisor.communicate(timeout=60)
    await until(lambda: not any(lives(pid) for pid in pids))
    if number != signal.SIGKILL:
        assert supervisor.returncode == 0
        assert not (folder / "stack.json").exists()
