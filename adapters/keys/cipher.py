"""AES-256-GCM with a random 96-bit nonce in front: `nonce ‖ ciphertext ‖ tag` (NIST SP 800-38D)."""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from adapters.keys.port import DataKey

_NONCE = 12


class SealBroken(Exception):
    """The bytes were changed, cut, or sealed with another key or for another purpose."""


def seal(key: DataKey, plain: bytes, purpose: bytes) -> bytes:
    """Encrypt and authenticate; `purpose` and the key's id are authenticated too and must be the same to open."""
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(key.secret).encrypt(nonce, plain, _associated(key, purpose))


def unseal(key: DataKey, sealed: bytes, purpose: bytes) -> bytes:
    """Raises `SealBroken`."""
    try:
        return AESGCM(key.secret).decrypt(sealed[:_NONCE], sealed[_NONCE:], _associated(key, purpose))
    except (InvalidTag, ValueError):
        raise SealBroken(f"cannot open what key {key.id} sealed: it was changed or sealed otherwise") from None


def _associated(key: DataKey, purpose: bytes) -> bytes:
    return purpose + b"\x00" + key.id.encode()
