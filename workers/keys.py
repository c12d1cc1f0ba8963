"""API keys of an installation: `python -m workers.keys issue ops ada --role ops --role ops_manager`, `… revoke KEY_ID`.

Works on the database that `THROUGHLINE_DATABASE_URL` names, since the first key cannot be asked for with a key. A key
is printed once and kept as a hash. Rotate by issuing a second one, handing it over, and revoking the first.
"""

import argparse
import asyncio
import os
import sys
from datetime import timedelta

from pydantic import ValidationError
from sqlalchemy.exc import OperationalError, ProgrammingError

from adapters.access.keys import issue_key
from adapters.access.port import Principal, PrincipalKind, Role
from adapters.access.postgres import PostgresPrincipals
from adapters.clock import system_clock
from adapters.postgres.engine import make_engine
from domain.actors import Channel

DATABASE_URL = "THROUGHLINE_DATABASE_URL"
CHANNELS = {
    PrincipalKind.STORE: Channel.STORE,
    PrincipalKind.OPS: Channel.OPS,
    PrincipalKind.UNDERWRITER: Channel.OPS,
    PrincipalKind.SERVICE: Channel.SYSTEM,
}
"""Where a caller's channel follows from its kind. A channel system names its own."""


def _principal(asked: argparse.Namespace) -> Principal:
    kind = PrincipalKind(asked.kind)
    if (kind is PrincipalKind.STORE) != bool(asked.store):
        raise ValueError("--store belongs to callers of kind store, and to them only")
    return Principal(
        id=asked.id,
        kind=kind,
        channel=Channel(asked.id) if kind is PrincipalKind.CHANNEL else CHANNELS[kind],
        store_id=asked.store,
        roles=frozenset(Role(role) for role in asked.role),
        rights=frozenset(asked.right),
    )


async def _issue(url: str, principal: Principal, days: int | None) -> str:
    engine = make_engine(url, pool_size=1, application="throughline-keys")
    now = system_clock()
    try:
        ends = now + timedelta(days=days) if days else None
        return await issue_key(PostgresPrincipals(engine), principal, at=now, expires_at=ends)
    finally:
        await engine.dispose()


async def _revoke(url: str, key_id: str) -> bool:
    engine = make_engine(url, pool_size=1, application="throughline-keys")
    try:
        principals = PostgresPrincipals(engine)
        known = await principals.find_key(key_id) is not None
        await principals.revoke(key_id, system_clock())
        return known
    finally:
        await engine.dispose()


def _asked(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m workers.keys", description="API keys of an installation.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    issue = commands.add_parser("issue", help="print a new key of a caller, who is made where missing")
    issue.add_argument("kind", choices=[kind.value for kind in PrincipalKind])
    issue.add_argument("id", help="the account's name; for a channel system the channel: web, app, call_centre, …")
    issue.add_argument("--store", help="the store or warehouse of a caller of kind store")
    issue.add_argument("--role", action="append", default=[], choices=[role.value for role in Role])
    issue.add_argument("--right", action="append", default=[], help="e.g. webhooks:payment, stock:movements")
    issue.add_argument("--days", type=int, help="until the key ends; for ever without it")
    revoke = commands.add_parser("revoke", help="end a key; processes remember it for some seconds")
    revoke.add_argument("key_id", help="the part of the key between the first two underscores")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Issue or revoke; the exit code."""
    asked = _asked(arguments)
    url = os.environ.get(DATABASE_URL)
    if not url:
        print(f"Set {DATABASE_URL}.", file=sys.stderr)  # noqa: T201
        return 2
    try:
        if asked.command == "issue":
            print(asyncio.run(_issue(url, _principal(asked), asked.days)))  # noqa: T201
            return 0
        known = asyncio.run(_revoke(url, asked.key_id))
        print("Revoked." if known else "There is no such key.", file=sys.stderr)  # noqa: T201
        return 0 if known else 1
    except ValidationError as error:
        print(f"Nobody can be called so: {error.errors()[0]['msg']}.", file=sys.stderr)  # noqa: T201
    except ValueError as error:
        print(f"No key was issued: {error}.", file=sys.stderr)  # noqa: T201
    except (OperationalError, ProgrammingError) as error:
        advice = "Is it running, and migrated with `python -m adapters.postgres.migrate`?"
        print(f"The database cannot be used: {error.orig}\n{advice}", file=sys.stderr)  # noqa: T201
    return 1


if __name__ == "__main__":
    sys.exit(main())
