"""Finding the Temporal server: on this machine, by the SDK's download, or built from source once."""

import fcntl
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from workers.stack.errors import NoTemporal

CLI = "github.com/temporalio/cli/cmd/temporal@v1.5.1"
"""Later tags of the CLI carry a `replace` directive and cannot be installed by `go install`."""
DOWNLOADS = ("temporal.download", 443)
CONNECT_SECONDS = 5.0
DOWNLOAD_SECONDS = 180.0
BUILD_SECONDS = 1500.0

_DOWNLOAD = """
import asyncio, sys
from temporalio.testing import WorkflowEnvironment
async def download():
    environment = await WorkflowEnvironment.start_local(download_dest_dir=sys.argv[1])
    await environment.shutdown()
asyncio.run(download())
"""


@dataclass(frozen=True)
class Found:
    """A Temporal command, and where it came from in words."""

    path: Path
    source: str


def cache_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Where a server that we had to get is kept for all stacks of this user."""
    home = environ.get("XDG_CACHE_HOME") or Path(environ.get("HOME") or "~").expanduser() / ".cache"
    return Path(home) / "throughline" / "bin"


def find(environ: Mapping[str, str] = os.environ) -> Found | None:
    """The Temporal command that is here already; None when it would have to be got."""
    on_path = shutil.which("temporal", path=environ.get("PATH"))
    if on_path:
        return Found(Path(on_path), "on PATH")
    return _cached(cache_folder(environ))


def obtain(say: Callable[[str], None] = lambda _: None, environ: Mapping[str, str] = os.environ) -> Found:
    """The Temporal command, got where it is missing. Takes minutes then. Raises `NoTemporal`."""
    found = find(environ)
    if found is not None:
        return found
    cache = cache_folder(environ)
    cache.mkdir(parents=True, exist_ok=True)
    with _one_at_a_time(cache, say):
        found = _cached(cache)  # another stack may have got it while we waited
        if found is not None:
            return found
        failures = [_download(cache, say), _build(cache, say, environ)]
        found = _cached(cache)
    if found is None:
        raise NoTemporal(
            "No Temporal server was found, and none could be had.",
            "Install the `temporal` command (https://docs.temporal.io/cli) or Go 1.24 or later, "
            "or set TEMPORAL_ADDRESS to a cluster.",
            detail="\n".join(failure for failure in failures if failure),
        )
    return found


def can_download() -> bool:
    """Whether the place that the SDK downloads from can be reached."""
    try:
        socket.create_connection(DOWNLOADS, timeout=CONNECT_SECONDS).close()
    except OSError:
        return False
    return True


def _cached(cache: Path) -> Found | None:
    built = cache / "temporal"
    if os.access(built, os.X_OK):
        return Found(built, "built from source, in the cache")
    for downloaded in sorted(cache.glob("temporal-sdk-python-*"), reverse=True):
        if downloaded.is_file() and os.access(downloaded, os.X_OK) and downloaded.suffix != ".downloading":
            return Found(downloaded, "downloaded by the SDK, in the cache")
    return None


def _download(cache: Path, say: Callable[[str], None]) -> str:
    """Let the SDK download a server. What went wrong, or nothing."""
    say("looking for a download")
    if not can_download():
        return f"Download: {DOWNLOADS[0]} cannot be reached."
    say("downloading")
    # In a process of its own, which can be ended: the SDK's own call cannot be given up half way.
    command = [sys.executable, "-c", _DOWNLOAD, str(cache)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=DOWNLOAD_SECONDS
        )
    except subprocess.TimeoutExpired:
        return f"Download: not done after {DOWNLOAD_SECONDS:g} seconds."
    return f"Download: {_last_line(done.stderr)}" if done.returncode else ""


def _build(cache: Path, say: Callable[[str], None], environ: Mapping[str, str]) -> str:
    """Build the server with Go. What went wrong, or nothing."""
    if _cached(cache) is not None:
        return ""
    go = shutil.which("go", path=environ.get("PATH"))
    if go is None:
        return "Build: `go` is not on PATH."
    say("building with Go, about 3 minutes, once for this user")
    unfinished = cache / "building"
    shutil.rmtree(unfinished, ignore_errors=True)
    settings = {**environ, "GOBIN": str(unfinished), "GOFLAGS": "", "GOOS": "", "GOARCH": ""}
    try:
        done = subprocess.run(
            [go, "install", CLI],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            env=settings,
            cwd=cache,
            timeout=BUILD_SECONDS,
        )
        if done.returncode:
            return f"Build: {_last_line(done.stderr)}"
        (unfinished / "temporal").replace(cache / "temporal")
    except subprocess.TimeoutExpired:
        return f"Build: not done after {BUILD_SECONDS:g} seconds."
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return ""


@contextmanager
def _one_at_a_time(cache: Path, say: Callable[[str], None]) -> Iterator[None]:
    with (cache / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another stack that is getting it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "failed without a word"
