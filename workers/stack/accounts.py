"""Whom a program runs as that refuses to run as root, and what that user can reach."""

import os
import pwd
import stat
from pathlib import Path

from workers.process import Account
from workers.stack.errors import NoPostgres


def unprivileged() -> Account | None:
    """The account that stands in for root; None for everyone else. Raises `NoPostgres` when there is none."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        raise NoPostgres(
            "PostgreSQL does not run as root, and this machine has no user `nobody`.", "Run as an ordinary user."
        ) from None
    return Account(entry.pw_uid, entry.pw_gid)


def may_pass(folder: Path, account: Account) -> bool:
    """Whether the account may pass through `folder` and all above it."""
    whole = folder.resolve()
    return all(_opens(each, account) for each in (whole, *whole.parents))


def _opens(folder: Path, account: Account) -> bool:
    status = folder.stat()
    if status.st_uid == account.uid:
        wanted = stat.S_IXUSR
    elif status.st_gid == account.gid:
        wanted = stat.S_IXGRP
    else:
        wanted = stat.S_IXOTH
    return bool(status.st_mode & wanted)
