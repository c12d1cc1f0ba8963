"""PostgreSQL as the system's packages bring it: the whole of it, where the wheel's lacks the contributed extensions.

Temporal's visibility tables need `btree_gin`. Only the programs are used: files and port are a stack's own.
"""

import os
from pathlib import Path

from workers.stack.errors import NoPostgres

PLACES = ("/usr/lib/postgresql/*", "/usr/pgsql-*", "/opt/homebrew/opt/postgresql@*", "/usr/local/opt/postgresql@*")
EXTENSION = "btree_gin"


def find_system_postgres() -> Path | None:
    """The folder whose `bin` holds the newest PostgreSQL of this system with its extensions."""
    found = [
        folder
        for pattern in PLACES
        for folder in Path("/").glob(pattern.lstrip("/"))
        if os.access(folder / "bin" / "postgres", os.X_OK) and _extensions(folder)
    ]
    return max(found, key=lambda folder: int("".join(filter(str.isdigit, folder.name)) or 0), default=None)


def system_postgres() -> Path:
    """As `find_system_postgres`. Raises `NoPostgres`."""
    found = find_system_postgres()
    if found is None:
        raise NoPostgres(
            f"No PostgreSQL with the extension {EXTENSION} is installed.",
            "Install it as the system's package, on Debian `apt-get install postgresql`.",
        )
    return found


def _extensions(folder: Path) -> bool:
    control = f"extension/{EXTENSION}.control"
    shared = Path("/usr/share/postgresql") / folder.name
    return any((each / control).exists() for each in (shared, folder / "share", folder / "share" / "postgresql"))
