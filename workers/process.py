"""A child process that is kept: started, awaited until ready, started again when it dies, ended by its pid."""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from adapters.http import http_client
from workers.stack.errors import ProcessFailed

LAUNCH = Path(__file__).with_name("stack") / "launch.py"
LOG_LIMIT = 20_000_000
"""Bytes after which a log is put aside as `.1` at the next start."""

Ready = Callable[[], Awaitable[bool]]


@dataclass(frozen=True)
class Account:
    """The user that a program runs as, when it may not run as root."""

    uid: int
    gid: int


@dataclass(frozen=True)
class Restarts:
    """How a program that died is started again: at once, then with growing pauses while it keeps dying."""

    first: float = 0.1
    longest: float = 5.0
    steady: float = 20.0
    """Seconds alive after which a program counts as well and its next pause is short again."""


class Child:
    """One program under supervision.

    It gets a process group of its own, so that Ctrl-C reaches the supervisor only, and on Linux a signal when the
    supervisor dies, so that nothing is left behind. That signal follows the thread that started the child: run the
    event loop in a thread that lives as long as the stack, such as the main one.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        log: Path,
        ready: Ready | None = None,
        within: float = 60.0,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
        account: Account | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
        stop_within: float = 15.0,
        orphan_signal: signal.Signals = signal.SIGKILL,
        restarts: Restarts | None = Restarts(),
        changed: Callable[["Child"], None] | None = None,
    ) -> None:
        self.name = name
        self.command = [str(part) for part in command]
        self.log = log
        self.restarted = 0
        self.last_exit: int | None = None
        self._ready = ready
        self._within = within
        self._environment = environment
        self._folder = folder
        self._account = account
        self._stop_signal = stop_signal
        self._stop_within = stop_within
        self._orphan_signal = orphan_signal
        self._restarts = restarts
        self._changed = changed
        self._process: asyncio.subprocess.Process | None = None
        self._watch: asyncio.Task[None] | None = None
        self._log_start = 0

    @property
    def pid(self) -> int | None:
        """The pid of the running program; None while there is none."""
        return self._process.pid if self.running and self._process else None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Start the program and wait until it is ready. Raises `ProcessFailed` with the end of its log."""
        if self.running:
            return
        try:
            await self._spawn()
            await self._until_ready()
        except BaseException:
            await self._end()
            raise
        self._watch = asyncio.create_task(self._keep(), name=f"keep {self.name}")

    async def stop(self) -> None:
        """End the program: politely, then by force. Does nothing when it is not running."""
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watch
        await self._end()

    async def gone(self) -> int:
        """Wait until the present process has ended; its exit code."""
        assert self._process is not None
        return await self._process.wait()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the running program, if there is one."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)

    def log_tail(self, lines: int = 15) -> str:
        """The last lines that the program wrote since it was last started by `start`."""
        try:
            with self.log.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(self._log_start, size - 16_384))
                text = file.read().decode(errors="replace")
        except OSError:
            return ""
        return "\n".join(text.splitlines()[-lines:])

    def failure(self, problem: str) -> ProcessFailed:
        """The error that says `problem` and shows the end of the log."""
        return ProcessFailed(problem, f"Its log is {self.log}.", detail=self.log_tail())

    async def _spawn(self) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(OSError):
            if self.log.stat().st_size > LOG_LIMIT:
                self.log.replace(self.log.with_name(self.log.name + ".1"))
        uid, gid = (self._account.uid, self._account.gid) if self._account else (-1, -1)
        # Opened for the owner only: logs carry no personal data, but they are nobody else's business.
        descriptor = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            if self._watch is None:
                self._log_start = os.fstat(descriptor).st_size
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-IS",
                str(LAUNCH),
                *(str(number) for number in (os.getpid(), int(self._orphan_signal), uid, gid)),
                *self.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=descriptor,
                stderr=descriptor,
                env=dict(self._environment) if self._environment is not None else None,
                cwd=self._folder,
                process_group=0,
            )
        finally:
            os.close(descriptor)

    async def _until_ready(self) -> None:
        assert self._process is not None
        ends = time.monotonic() + self._within
        pause = 0.02
        while True:
            if self._process.returncode is not None:
                raise self.failure(f"{self.name} ended at once with exit code {self._process.returncode}.")
            if self._ready is None or await self._ready():
                return
            if time.monotonic() > ends:
                raise self.failure(f"{self.name} was not ready within {self._within:g} seconds.")
            await asyncio.sleep(pause)
            pause = min(pause * 1.3, 0.25)

    async def _keep(self) -> None:
        """Start the program again whenever it ends without being asked to."""
        pause = 0.0
        while True:
            assert self._process is not None
            began = time.monotonic()
            self.last_exit = await self._process.wait()
            if self._restarts is None:
                self._tell()
                return
            if time.monotonic() - began > self._restarts.steady:
                pause = 0.0
            await asyncio.sleep(pause)
            pause = min(max(pause * 2, self._restarts.first), self._restarts.longest)
            try:
                await self._spawn()
                await self._until_ready()
            except ProcessFailed:
                await self._end()
                continue
            self.restarted += 1
            self._tell()

    def _tell(self) -> None:
        if self._changed is not None:
            self._changed(self)

    async def _end(self) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        self.signal(self._stop_signal)
        try:
            await asyncio.wait_for(process.wait(), self._stop_within)
        except (TimeoutError, asyncio.CancelledError) as reason:
            # The leader is not reaped yet, so its number still names our group and nobody else's.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
            if isinstance(reason, asyncio.CancelledError):
                raise


def answers(url: str, *, status: int = 200) -> Ready:
    """Ready when a GET on `url` is answered with `status`."""

    async def ready() -> bool:
        async with http_client(timeout=2.0) as client:
            try:
                return (await client.get(url)).status_code == status
            except httpx.HTTPError:
                return False

    return ready


def python(module: str, *arguments: str | int | Path) -> list[str]:
    """The command that runs one of our modules with this interpreter."""
    # -P: the current folder may hold packages with the names of ours.
    return [sys.executable, "-P", "-m", module, *(str(argument) for argument in arguments)]
