"""Writing a migration from the tables of the code; for developers (see `adapters.postgres.migrate`).

Read what is written before you keep it. Triggers and functions get into the initial migration by themselves; in later
ones add them by hand: `drift` tells when one is missing.
"""

import importlib.util
import textwrap
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations.ops import ExecuteSQLOp, MigrationScript
from alembic.script import ScriptDirectory
from sqlalchemy import URL

from adapters.postgres.migrate import MIGRATIONS, MODULES, configuration, connected, run, scratch


class Statement(ExecuteSQLOp):
    """A statement that is written as people write it."""


def generate(database_url: str | URL, message: str | None, *, folder: Path = MIGRATIONS) -> Path:
    """Write the migration from the newest one in `folder` to the code's tables; the file.

    Without a message all migrations are removed and the initial one is written again.
    """
    if message is None:
        for old in (folder / "versions").glob("[0-9]*.py"):
            old.unlink()
    with connected(database_url) as engine, scratch(engine) as connection:
        config = configuration(connection, folder)
        known = len(list(ScriptDirectory.from_config(config).walk_revisions()))
        if known:
            run(command.upgrade, connection, "head", folder)
        if importlib.util.find_spec("ruff"):
            for name, value in {
                "hooks": "sort, format, mark",
                "sort.type": "module",
                "sort.module": "ruff",
                "sort.options": "check --quiet --fix --ignore E501 REVISION_SCRIPT_FILENAME",
                "format.type": "module",
                "format.module": "ruff",
                "format.options": "format --quiet REVISION_SCRIPT_FILENAME",
                "mark.type": "module",
                "mark.module": "ruff",
                "mark.options": "check --quiet --add-noqa REVISION_SCRIPT_FILENAME",
            }.items():
                config.set_section_option("post_write_hooks", name, value)
        written = command.revision(
            config,
            message or "Initial tables",
            autogenerate=True,
            rev_id=f"{known + 1:04}",
            process_revision_directives=_add_statements if not known else None,
        )
    assert written is not None
    assert not isinstance(written, list)
    path = Path(written.path)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if not line.strip().startswith("# ###")))
    return path


def _add_statements(context: Any, revision: Any, scripts: list[Any]) -> None:
    """The triggers and functions that the modules of tables name for the migration."""
    script: MigrationScript = scripts[0]
    assert script.upgrade_ops is not None
    assert script.downgrade_ops is not None
    for statement in (each for module in MODULES for each in getattr(module, "APPEND_ONLY", ())):
        script.upgrade_ops.ops.append(Statement(textwrap.dedent(statement).strip()))
        head, _, rest = textwrap.dedent(statement).strip().partition("FUNCTION ")
        if head.split() in (["CREATE"], ["CREATE", "OR", "REPLACE"]):
            # Triggers go with their tables, functions stay.
            script.downgrade_ops.ops.append(Statement(f"DROP FUNCTION {rest.partition('(')[0]}()"))


@renderers.dispatch_for(Statement)
def _render(context: AutogenContext, operation: Statement) -> str:
    statement = str(operation.sqltext)
    if "\n" not in statement:
        return f'op.execute("{statement}")'
    return f'op.execute(\n"""\n{textwrap.indent(statement, " " * 4)}\n    """\n)'
