"""The programs of the Temporal server that keeps its state in PostgreSQL: found, or built with Go once for this user.

The development server of `temporal_cli` has a file database and one shard. What a team runs is this one.
"""

import fcntl
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from workers.stack.errors import NoTemporal
from workers.stack.temporal_cli import cache_folder

VERSION = "1.29.1"
"""The same as the image in docker-compose.yml; a test compares them."""
SOURCES = {
    "server": "go.temporal.io/server/cmd/server",
    "sql": "go.temporal.io/server/cmd/tools/sql",
}
BUILD_SECONDS = 1500.0
TOLD_EVERY = 100
"""Packages, of some 1,200, between two words on how the build goes."""


@dataclass(frozen=True)
class TemporalPrograms:
    """The server, and the tool that writes its tables."""

    server: Path
    sql: Path


def programs_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Where the programs are kept for all stacks of this user."""
    return cache_folder(environ).parent / "temporal-server"


def find_programs(environ: Mapping[str, str] = os.environ) -> TemporalPrograms | None:
    """The programs that were built before, of the version that we want."""
    folder = programs_folder(environ)
    found = [folder / name for name in SOURCES]
    return TemporalPrograms(*found) if all(_is_wanted(each) for each in found) else None


def obtain_programs(
    say: Callable[[str], None] = lambda _: None, environ: Mapping[str, str] = os.environ
) -> TemporalPrograms:
    """The programs, built where they are missing. Takes minutes then. Raises `NoTemporal`."""
    found = find_programs(environ)
    if found is not None:
        return found
    go = shutil.which("go", path=environ.get("PATH"))
    if go is None:
        raise NoTemporal("The Temporal server has to be built, and `go` is not on PATH.", "Install Go 1.24 or later.")
    folder = programs_folder(environ)
    folder.mkdir(parents=True, exist_ok=True)
    with _one_at_a_time(folder, say):
        found = find_programs(environ)  # another may have built it while we waited
        if found is None:
            _build(go, folder, say, environ)
            found = find_programs(environ)
    if found is None:
        raise NoTemporal(f"What Go built in {folder} does not run.", "Remove that folder and try again.")
    return found


def _is_wanted(program: Path) -> bool:
    if not os.access(program, os.X_OK):
        return False
    said = subprocess.run([program, "--version"], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    return re.search(rf"\b{re.escape(VERSION)}\b", said.stdout + said.stderr) is not None


def _build(go: str, folder: Path, say: Callable[[str], None], environ: Mapping[str, str]) -> None:
    """Both programs, put in place only when they are whole."""
    say("building the server with Go, 3 to 10 minutes, once for this user")
    unfinished = folder / "building"
    shutil.rmtree(unfinished, ignore_errors=True)
    command = [go, "install", "-v", *(f"{source}@v{VERSION}" for source in SOURCES.values())]
    settings = {**environ, "GOBIN": str(unfinished), "GOFLAGS": "", "GOOS": "", "GOARCH": "", "CGO_ENABLED": "0"}
    building = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=settings,
        cwd=folder,
    )
    overdue = threading.Timer(BUILD_SECONDS, building.kill)
    overdue.start()
    try:
        assert building.stderr is not None
        last = ""
        for number, line in enumerate(building.stderr, 1):
            last = line.strip() or last
            if number % TOLD_EVERY == 0:
                say(f"building the server with Go: {number} packages fetched or built")
        if building.wait() != 0:
            raise NoTemporal(
                "The Temporal server could not be built with Go.",
                "Check that Go is 1.24 or later and can fetch modules.",
                detail=last,
            )
        for name in SOURCES:
            (unfinished / name).replace(folder / name)
    finally:
        overdue.cancel()
        building.kill()
        building.wait()
        if building.stderr is not None:
            building.stderr.close()
        shutil.rmtree(unfinished, ignore_errors=True)


@contextmanager
def _one_at_a_time(folder: Path, say: Callable[[str], None]) -> Iterator[None]:
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another run that builds it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
