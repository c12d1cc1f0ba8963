"""Customers' links out of mails, `/c/{token}`: signed, expiring, and without a word about the person."""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from gateway.problems import Problem, ProblemKind, not_found


class LinkKind(StrEnum):
    CHOICE = "choice"
    ARRIVAL = "arrival"
    EXTENSION = "extension"
    PAYMENT = "payment"


class CustomerLink(BaseModel):
    """What one link allows: one kind of act on one order (and group), until it expires."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: LinkKind
    order_id: str
    group: int | None = None
    expires_at: AwareDatetime


class CustomerLinks:
    """Signs with the first secret and believes all of them, so that a secret can be changed without breaking mails."""

    def __init__(self, secrets: Sequence[bytes]):
        if not secrets or any(len(secret) < 32 for secret in secrets):
            raise ValueError("CustomerLinks needs a secret of 32 bytes or more")
        self._secrets = secrets

    def token(self, link: CustomerLink) -> str:
        values = [link.kind.value, link.order_id, link.group, int(link.expires_at.timestamp())]
        payload = json.dumps(values, separators=(",", ":")).encode()
        return f"{_encode(payload)}.{_encode(_signature(self._secrets[0], payload))}"

    def read(self, token: str, now: datetime) -> CustomerLink:
        """Raises 404 for what we never signed, 410 for what has expired."""
        body, _, tag = token.partition(".")
        payload, signature = _decode(body), _decode(tag)
        if not any(hmac.compare_digest(signature, _signature(secret, payload)) for secret in self._secrets):
            raise not_found()
        try:
            kind, order_id, group, expires = json.loads(payload)
            link = CustomerLink(
                kind=kind, order_id=order_id, group=group, expires_at=datetime.fromtimestamp(expires, UTC)
            )
        except (ValueError, TypeError, ValidationError):
            raise not_found() from None
        if link.expires_at <= now:
            raise Problem(
                ProblemKind.LINK_EXPIRED, "Look for a newer mail about this order, or ask the shop for a new link."
            )
        return link


def _signature(secret: bytes, payload: bytes) -> bytes:
    return hmac.digest(secret, b"customer-link\0" + payload, hashlib.sha256)


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _decode(text: str) -> bytes:
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b""
    return raw if _encode(raw) == text else b""  # one spelling a token
