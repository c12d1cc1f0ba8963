"""Looks at what the stack needs on this machine, and says what to do where something is missing."""

import os
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from workers.settings import EmbeddedSettings
from workers.stack import temporal_cli
from workers.stack.accounts import may_pass, unprivileged
from workers.stack.data import DataFolder
from workers.stack.errors import NoPostgres
from workers.stack.ports import PREFERRED, is_free
from workers.stack.postgres import installed_programs

LEAST_PYTHON = (3, 11)
LEAST_DISK = 1_000_000_000
"""Bytes: the data folder of a stack that was played with for a day stays far below."""


@dataclass(frozen=True)
class Finding:
    """One thing that the stack needs: whether it is there, what was found, what to do if not."""

    name: str
    well: bool
    found: str
    remedy: str = ""


def examine(data: DataFolder) -> list[Finding]:
    """All findings for a stack in `data`, in the order in which it would need them."""
    return [_python(), _postgres(data), _temporal(), _disk(data), _folder(data), _ports(data)]


def _python() -> Finding:
    well = sys.version_info >= LEAST_PYTHON
    return Finding("Python", well, platform.python_version(), "" if well else "Install Python 3.11 or later.")


def _postgres(data: DataFolder) -> Finding:
    try:
        programs = installed_programs()
        account = unprivileged()
        answer = subprocess.run([programs / "bin" / "postgres", "--version"], capture_output=True, text=True, cwd="/")
    except NoPostgres as error:
        return Finding("PostgreSQL", False, error.problem, error.remedy)
    except OSError as error:
        return Finding("PostgreSQL", False, f"cannot run: {error.strerror}", "Install the wheel for this platform.")
    if answer.returncode != 0:
        return Finding("PostgreSQL", False, "cannot run on this machine", "Use Linux with glibc, or macOS.")
    found = answer.stdout.strip().removeprefix("postgres (PostgreSQL) ")
    if account is not None:
        near = may_pass(_existing(data.path), account) and not data.postgres.is_symlink()
        found += ", as user nobody" + ("" if near else ", its files under /var/tmp")
    return Finding("PostgreSQL", True, found)


def _temporal() -> Finding:
    cluster = EmbeddedSettings().temporal_address
    if cluster:
        return Finding("Temporal", True, f"cluster at {cluster} (TEMPORAL_ADDRESS)")
    found = temporal_cli.find()
    if found is not None:
        return Finding("Temporal", True, f"{found.path} ({found.source})")
    if temporal_cli.can_download():
        return Finding("Temporal", True, "will be downloaded by the SDK at the first start")
    if shutil.which("go"):
        return Finding("Temporal", True, "will be built with Go at the first start, about 3 minutes")
    return Finding(
        "Temporal",
        False,
        "not found, no download possible, no Go to build it",
        "Install the `temporal` command or Go 1.24 or later, or set TEMPORAL_ADDRESS to a cluster.",
    )


def _disk(data: DataFolder) -> Finding:
    free = shutil.disk_usage(_existing(data.postgres.resolve())).free
    well = free >= LEAST_DISK
    remedy = "" if well else f"Free {LEAST_DISK / 1e9:.0f} GB, or name another folder with --data."
    return Finding("Disk space", well, f"{free / 1e9:.1f} GB free", remedy)


def _folder(data: DataFolder) -> Finding:
    owner = data.owner()
    if owner is not None:
        return Finding("Data folder", True, f"{data.path}, in use by the stack of process {owner}")
    well = os.access(_existing(data.path), os.W_OK)
    remedy = "" if well else "Correct its owner and mode, or name another folder with --data."
    return Finding("Data folder", well, str(data.path) if well else f"{data.path} cannot be written", remedy)


def _ports(data: DataFolder) -> Finding:
    taken = [port for port in PREFERRED.values() if not is_free(port)]
    if not taken:
        return Finding("Ports", True, "all usual ones are free")
    listed = ", ".join(str(port) for port in sorted(taken))
    mine = " (by the stack in this folder)" if data.owner() is not None else "; others will be used instead"
    return Finding("Ports", True, f"{listed} taken{mine}")


def _existing(path: Path) -> Path:
    return next(each for each in (path, *path.parents) if each.exists())
