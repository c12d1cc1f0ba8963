import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.workers.stack.watching import lives, until
from workers.process import Child, Restarts
from workers.stack.errors import ProcessFailed

SLEEPS = [sys.executable, "-c", "import time; time.sleep(600)"]


async def test_a_child_runs_in_a_group_of_its_own_until_it_is_stopped(tmp_path: Path) -> None:
    child = Child("sleeper", SLEEPS, log=tmp_path / "log")
    await child.start()
    pid = child.pid
    assert pid is not None
    assert lives(pid)
    assert os.getpgid(pid) == pid
    await child.stop()
    assert not lives(pid)
    assert child.pid is None


async def test_a_child_that_dies_is_started_again_and_says_so(tmp_path: Path) -> None:
    told: list[Child] = []
    child = Child("sleeper", SLEEPS, log=tmp_path / "log", changed=told.append)
    await child.start()
    first = child.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    await until(lambda: told)
    assert child.pid not in (first, None)
    assert (child.restarted, child.last_exit) == (1, -signal.SIGKILL)
    await child.stop()


async def test_a_child_that_was_stopped_stays_stopped(tmp_path: Path) -> None:
    told: list[Child] = []
    child = Child("sleeper", SLEEPS, log=tmp_path / "log", changed=told.append, restarts=Restarts(first=0.0))
    await child.start()
    await child.stop()
    await asyncio.sleep(0.1)
    assert (child.pid, told) == (None, [])


async def test_a_child_that_ends_at_once_is_an_error_with_the_end_of_its_log(tmp_path: Path) -> None:
    async def never() -> bool:
        return False

    script = "import sys; print('line one'); sys.exit('no licence')"
    child = Child("broken", [sys.executable, "-c", script], log=tmp_path / "log", ready=never)
    with pytest.raises(ProcessFailed, match=r"broken ended at once with exit code 1.*log") as caught:
        await child.start()
    assert "no licence" in caught.value.detail


async def test_a_child_that_is_never_ready_is_ended(tmp_path: Path) -> None:
    seen: list[int | None] = []

    async def never() -> bool:
        seen.append(child.pid)
        return False

    child = Child("mute", SLEEPS, log=tmp_path / "log", ready=never, within=0.2)
    with pytest.raises(ProcessFailed, match="not ready within"):
        await child.start()
    assert seen[0] is not None
    assert not lives(seen[0])


async def test_a_child_that_ignores_the_signal_is_killed(tmp_path: Path) -> None:
    script = (
        "import pathlib, signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "pathlib.Path(sys.argv[1]).touch(); time.sleep(600)"
    )
    deaf = tmp_path / "deaf"

    async def ignores() -> bool:
        return deaf.exists()

    command = [sys.executable, "-c", script, deaf]
    child = Child("stubborn", command, log=tmp_path / "log", ready=ignores, stop_within=0.2)
    await child.start()
    pid = child.pid
    assert pid is not None
    await child.stop()
    assert not lives(pid)


async def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    async def never() -> bool:
        return False

    child = Child("ghost", ["/nowhere/ghost"], log=tmp_path / "log", ready=never)
    with pytest.raises(ProcessFailed) as caught:
        await child.start()
    assert "cannot run /nowhere/ghost" in caught.value.detail


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel tells children of their parent's death on Linux only")
async def test_children_of_a_killed_supervisor_end_with_it(tmp_path: Path) -> None:
    script = f"""
import asyncio, pathlib, sys
from workers.process import Child
async def main():
    child = Child("sleeper", {SLEEPS!r}, log=pathlib.Path({str(tmp_path / "log")!r}))
    await child.start()
    print(child.pid, flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as supervisor:  # noqa: ASYNC220
        assert supervisor.stdout is not None
        pid = int(supervisor.stdout.readline())
        assert lives(pid)
        supervisor.kill()
    await until(lambda: not lives(pid))


def test_a_child_whose_parent_died_while_it_started_does_not_start() -> None:
    launch = Path(sys.modules[Child.__module__].__file__ or "").with_name("stack") / "launch.py"
    orphan = subprocess.run(
        [sys.executable, "-IS", launch, "1", "9", "-1", "-1", *SLEEPS], capture_output=True, text=True, timeout=10
    )
    assert orphan.returncode != 0
    assert "is gone" in orphan.stderr
