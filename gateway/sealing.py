"""What is kept for a while and may hold personal data is kept sealed: AES-256-GCM, the nonce before the text."""

import os
from collections.abc import Callable
from typing import NamedTuple

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE = 12


class Seal(NamedTuple):
    seal: Callable[[bytes], bytes]
    unseal: Callable[[bytes], bytes]
    """Raises when what is given was not sealed with this key."""


def seal_with(key: bytes) -> Seal:
    """`key`: 32 bytes."""
    cipher = AESGCM(key)

    def seal(clear: bytes) -> bytes:
        nonce = os.urandom(_NONCE)
        return nonce + cipher.encrypt(nonce, clear, None)

    def unseal(sealed: bytes) -> bytes:
        return cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], None)

    return Seal(seal, unseal)
