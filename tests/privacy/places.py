"""Every place where something of a stack is written down, as bytes to be searched."""

import base64
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
from psycopg import sql
from temporalio.client import Client

from workers.stack.stack import Stack

OUTSIDE = ("simulators", "logs/payments.log", "logs/carriage.log", "logs/mail.log")
"""The provider and the mail box are not ours: they know tokens and mails, as in the world."""

Place = tuple[str, bytes]


def files(stack: Stack) -> Iterator[Place]:
    """All files of the data folder, and PostgreSQL's wherever they lie: tables, write-ahead log, Temporal's, logs."""
    data = stack.data.path
    for root in {data, stack.data.postgres.resolve()}:
        for file in sorted(root.rglob("*")):
            name = str(file.relative_to(root))
            if file.is_file() and not file.is_symlink() and not name.startswith((*OUTSIDE, "programs")):
                yield f"file {file}", _content(file)


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError:  # PostgreSQL tidied up meanwhile
        return b""


async def tables(dsn: str) -> AsyncIterator[Place]:
    """Every row of every table as text, and every binary value as it is."""
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as database:
        await database.execute("checkpoint")
        listed = await database.execute(
            "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
        )
        for (name,) in await listed.fetchall():
            rows = await database.execute(sql.SQL("select * from {}").format(sql.Identifier(name)))
            for row in await rows.fetchall():
                binary = b"\n".join(value for value in row if isinstance(value, bytes))
                yield f"table {name}", json.dumps(row, default=str, ensure_ascii=False).encode() + binary


async def histories(client: Client) -> AsyncIterator[Place]:
    """Every history as it is exported, with all that its base 64 holds; search attributes and memos."""
    async for workflow in client.list_workflows():
        handle = client.get_workflow_handle(workflow.id, run_id=workflow.run_id)
        exported = (await handle.fetch_history()).to_json()
        yield f"history {workflow.id}", exported.encode()
        yield f"payloads of {workflow.id}", b"\n".join(_decoded(json.loads(exported)))
        described = await handle.describe()
        shown = f"{workflow.search_attributes} {described.raw_description} {await described.static_summary()}"
        yield f"description of {workflow.id}", shown.encode()


def _decoded(value: Any) -> Iterator[bytes]:
    """Whatever in a JSON document is base 64, decoded."""
    if isinstance(value, dict):
        for each in value.values():
            yield from _decoded(each)
    elif isinstance(value, list):
        for each in value:
            yield from _decoded(each)
    elif isinstance(value, str) and len(value) >= 8:
        try:
            yield base64.b64decode(value, validate=True)
        except ValueError:
            return


async def metrics(*urls: str) -> AsyncIterator[Place]:
    async with httpx.AsyncClient(trust_env=False) as http:
        for url in urls:
            answer = await http.get(url)
            assert answer.status_code == 200, url
            yield f"metrics {url}", answer.content
