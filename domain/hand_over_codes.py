"""The eight digits that prove a customer's right to a pickup: derived when needed, stored nowhere.

A code follows from a secret, the group and a serial; sending a new code raises the serial and so voids the old one.
What travels to the workflow is a keyed hash, since eight digits under a plain hash are found by trying them all.
"""

import hashlib
import hmac
import unicodedata

from domain.ids import GroupId

DIGITS = 8
MOST_SERIALS = 50
"""So many codes can a pickup have had: a code as typed is tried against each of them."""
_SHORTEST_SECRET = 16


def derive_code(secret: bytes, group_id: GroupId, serial: int) -> str:
    """The code of a group's `serial`-th sending: eight digits, every one of them equally likely."""
    # 256 bits reduced to 10^8 favour no code by more than one part in 10^69.
    number = int.from_bytes(_keyed(secret, "code", group_id, str(serial)), "big") % 10**DIGITS
    return f"{number:0{DIGITS}d}"


def normalised(typed: str) -> str:
    """What an associate typed or scanned, without spaces, dashes and the like."""
    return "".join(character for character in unicodedata.normalize("NFKC", typed) if character.isalnum())


def code_hash(secret: bytes, group_id: GroupId, code: str) -> str:
    """The keyed hash of a code as typed. Anything has one, so that nonsense counts as a try like any wrong code."""
    return _keyed(secret, "hash", group_id, normalised(code)).hex()


def same_hash(expected: str, given: str) -> bool:
    """Compare two hashes in constant time: what a workflow does, which knows no secret."""
    return hmac.compare_digest(expected.encode(), given.encode())


def matches(secret: bytes, group_id: GroupId, serial: int, typed: str) -> bool:
    """Whether `typed` is the group's code of `serial`, in constant time."""
    expected = code_hash(secret, group_id, derive_code(secret, group_id, serial))
    return same_hash(expected, code_hash(secret, group_id, typed))


def _keyed(secret: bytes, *parts: str) -> bytes:
    if len(secret) < _SHORTEST_SECRET:
        raise ValueError(f"the secret of the hand-over codes needs at least {_SHORTEST_SECRET} bytes")
    # Each part with its length, so that no two lists of parts read the same.
    message = b"".join(len(part := text.encode()).to_bytes(4, "big") + part for text in parts)
    return hmac.digest(secret, message, hashlib.sha256)
