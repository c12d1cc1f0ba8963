"""The data folder of one stack: who may use it, its secrets, its record of what runs, and how it is emptied."""

import base64
import contextlib
import fcntl
import json
import os
import secrets
import shutil
import signal
import time
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from workers.settings import WebhookSecrets
from workers.stack.errors import AlreadyRunning, DataUnusable, NotRunning

OURS = ("stack.json", "secrets.json", "keys.json", "postgres", "temporal", "simulators", "documents", "logs")
"""All that a stack keeps in its data folder. Nothing else in it is ever removed."""

LEAST_DISK = 300_000_000
"""Bytes that must be free to start: a fresh database and its log, and some hours of play."""


class Secrets(BaseModel):
    """What protects one stack's data. Made once, kept with the data, never shown."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    database_password: str
    master_key: str
    code_key: str
    link_key: str
    lookup_key: str
    webhook_secrets: WebhookSecrets

    @classmethod
    def generate(cls) -> "Secrets":
        return cls(
            database_password=secrets.token_urlsafe(24),
            master_key=_key(),
            code_key=_key(),
            link_key=_key(),
            lookup_key=_key(),
            webhook_secrets=WebhookSecrets(**{name: f"whsec_{_key()}" for name in WebhookSecrets.model_fields}),
        )

    def with_partner(self) -> "Secrets":
        partner = SecretStr(f"whsec_{_key()}")
        return self.model_copy(update={"webhook_secrets": self.webhook_secrets.model_copy(update={"partner": partner})})

    def write(self, file: Path) -> None:
        write_private(file, self.model_dump() | {"webhook_secrets": self.webhook_secrets.revealed()})


class DataFolder:
    """A stack's folder, `.throughline` unless another is named."""

    def __init__(self, path: Path) -> None:
        self.path = Path(os.path.abspath(path))
        self._lock: int | None = None

    @property
    def lock_file(self) -> Path:
        return self.path / "lock"

    @property
    def record_file(self) -> Path:
        return self.path / "stack.json"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def simulators(self) -> Path:
        return self.path / "simulators"

    @property
    def postgres(self) -> Path:
        return self.path / "postgres"

    @property
    def temporal(self) -> Path:
        return self.path / "temporal"

    @property
    def held(self) -> bool:
        """Whether this process is the folder's user."""
        return self._lock is not None

    def acquire(self) -> None:
        """Make this process the folder's only user until `release` or its end. Raises `AlreadyRunning`."""
        try:
            if not self.path.exists():
                # Root's database runs as another user, which has to pass through but may not look round.
                self.path.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True)
            descriptor = os.open(self.lock_file, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise DataUnusable(
                f"The data folder {self.path} cannot be used: {error.strerror}.",
                "Name another one with --data, or correct its owner and mode.",
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(descriptor, 20, 0).decode().strip() or "unknown"
            os.close(descriptor)
            raise AlreadyRunning(
                f"A stack is already running in {self.path} (process {owner}).",
                "Use it, stop it with `throughline down`, or start another one elsewhere with --data.",
            ) from None
        if shutil.disk_usage(self.path).free < LEAST_DISK:
            os.close(descriptor)
            raise DataUnusable(
                f"The disk that holds {self.path} is full.",
                f"Free {LEAST_DISK // 1_000_000} MB, or name another folder with --data.",
            )
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._lock = descriptor
        # What a killed predecessor left says nothing true any more.
        self.forget()
        for folder in (self.logs, self.simulators, self.temporal):
            folder.mkdir(mode=0o700, exist_ok=True)

    def release(self) -> None:
        """Let others use the folder."""
        if self._lock is not None:
            os.ftruncate(self._lock, 0)
            os.close(self._lock)
            self._lock = None

    def owner(self) -> int | None:
        """The pid of the process that uses the folder; None when nobody does."""
        try:
            descriptor = os.open(self.lock_file, os.O_RDWR)
        except OSError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            text = os.pread(descriptor, 20, 0).decode().strip()
            return int(text) if text.isdigit() else None
        finally:
            os.close(descriptor)
        return None

    def stop_owner(self, *, within: float = 60.0) -> int:
        """Ask the stack that uses the folder to stop, and wait until it has. Its pid. Raises `NotRunning`."""
        pid = self.owner()
        if pid is None:
            raise NotRunning(f"No stack is running in {self.path}.", "Start one with `throughline up`.")
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        ends = time.monotonic() + within
        while self.owner() == pid or _runs(pid):
            if time.monotonic() > ends:
                raise AlreadyRunning(
                    f"The stack (process {pid}) did not stop within {within:g} seconds.",
                    f"See {self.logs}; `kill -9 {pid}` ends it and all that it started.",
                )
            time.sleep(0.05)
        return pid

    def secrets(self) -> Secrets:
        """The folder's secrets, made at first use, readable by their owner only."""
        file = self.path / "secrets.json"
        try:
            kept = Secrets.model_validate_json(file.read_bytes())
        except FileNotFoundError:
            kept = Secrets.generate()
            kept.write(file)
        except (ValidationError, OSError) as error:
            raise DataUnusable(
                f"{file} cannot be read.", "Restore it, or start afresh with `throughline reset` (all data is lost)."
            ) from error
        if kept.webhook_secrets.partner is None:  # of a stack from before partners sent events
            kept = kept.with_partner()
            kept.write(file)
        return kept

    def write_record(self, record: dict[str, Any]) -> None:
        write_private(self.record_file, record)

    def read_record(self) -> dict[str, Any]:
        """What runs, as the stack wrote it. Raises `NotRunning` when it does not run."""
        try:
            record: dict[str, Any] = json.loads(self.record_file.read_bytes())
        except FileNotFoundError:
            raise NotRunning(f"No stack is running in {self.path}.", "Start one with `throughline up`.") from None
        return record

    def forget(self) -> None:
        """Remove the record of what runs."""
        self.record_file.unlink(missing_ok=True)

    def empty(self) -> None:
        """Remove all that stacks kept here, the database wherever it lies. Raises `AlreadyRunning` while one runs."""
        if not self.lock_file.exists():
            return
        self.acquire()
        try:
            if self.postgres.is_symlink():
                # Only what we made ourselves: see `postgres.py` on where root's database files live.
                shutil.rmtree(self.postgres.resolve(), ignore_errors=True)
                self.postgres.unlink()
            for name in OURS:
                entry = self.path / name
                if entry.is_dir():
                    shutil.rmtree(entry)
                else:
                    entry.unlink(missing_ok=True)
        finally:
            self.release()

    def discard(self) -> None:
        """Empty the folder and remove it, unless it holds something that is not ours."""
        self.empty()
        self.lock_file.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self.path.rmdir()


def write_private(file: Path, content: dict[str, Any]) -> None:
    """Write JSON that only its owner may read, so that a reader sees the old or the new whole."""
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as out:
        json.dump(content, out, indent=2)
        out.write("\n")
        out.flush()
        os.fsync(out.fileno())
    temporary.replace(file)


def _runs(pid: int) -> bool:
    """Whether the process is still there. One that ended and waits to be reaped by its parent is not."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, PermissionError, FileNotFoundError):
        return False


def _key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()
