"""API keys: `tl_<key id>_<secret>`, 256 random bits, shown once and kept as a SHA-256.

A slow password hash would protect guessable secrets; against 256 random bits there is nothing to guess.
"""

import hashlib
import hmac
import secrets
from datetime import datetime
from typing import NamedTuple

from adapters.access.port import KeyRecord, Principal, Principals

PREFIX = "tl"


class ClearKey(NamedTuple):
    key_id: str
    secret: str

    def __str__(self) -> str:
        return f"{PREFIX}_{self.key_id}_{self.secret}"


def parse_key(text: str) -> ClearKey | None:
    """The parts of a key, or nothing when it is none."""
    prefix, _, rest = text.partition("_")
    key_id, _, secret = rest.partition("_")
    return ClearKey(key_id, secret) if prefix == PREFIX and key_id and secret else None


def hash_secret(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def matches(record: KeyRecord, secret: str) -> bool:
    """Compared in constant time."""
    return hmac.compare_digest(record.secret_hash, hash_secret(secret))


async def issue_key(
    principals: Principals, principal: Principal, *, at: datetime, expires_at: datetime | None = None
) -> str:
    """Save the principal, give it a new key and return the key in clear: the only time that anyone can see it."""
    key = ClearKey(secrets.token_hex(8), secrets.token_urlsafe(32))
    await principals.save(principal)
    await principals.add_key(
        KeyRecord(
            key_id=key.key_id,
            secret_hash=hash_secret(key.secret),
            principal=principal,
            issued_at=at,
            expires_at=expires_at,
        )
    )
    return str(key)
