"""The master key: it wraps customers' keys, and gives the keys of what belongs to no customer.

Nothing is encrypted with the master itself: every use has a key derived from it by HKDF (RFC 5869), so the uses cannot
meet. Several masters may be given for a rotation: the first wraps, all unwrap.
"""

import base64
import binascii
import os
import threading
from functools import lru_cache

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from adapters.keys.cipher import seal, unseal
from adapters.keys.port import DataKey, KeyId, KeyMissing

_WRAP = b"throughline customer key v1"
_SYSTEM = "system"
# Random nonces are safe for 2^32 messages under one key (NIST SP 800-38D, 8.3); a process changes long before.
_MESSAGES_PER_SYSTEM_KEY = 2**28


class MasterKeys:
    """`current` first, then those that older rows may still be wrapped with. Each is 32 random bytes."""

    def __init__(self, current: bytes, *previous: bytes) -> None:
        if any(len(key) != 32 for key in (current, *previous)):
            raise ValueError("a master key is 32 random bytes; make one with `openssl rand -base64 32`")
        self._masters = {_name(key): key for key in (current, *previous)}
        self.current = _name(current)
        self._lock = threading.Lock()
        self._system = self._fresh_system_key()
        self._left = _MESSAGES_PER_SYSTEM_KEY
        self._derived = lru_cache(maxsize=1024)(self._derive_system_key)

    @classmethod
    def parse(cls, text: str) -> "MasterKeys":
        """From a setting: base 64, the current key first, older ones after commas."""
        try:
            keys = [base64.b64decode(part.strip(), validate=True) for part in text.split(",")]
        except binascii.Error:
            raise ValueError("the master key is not base 64; make one with `openssl rand -base64 32`") from None
        return cls(*keys)

    def wrap(self, key: DataKey) -> tuple[str, bytes]:
        """The name of the master that was used, and the wrapped secret. Opens only for the same key id."""
        return self.current, seal(self._wrapping(self.current, key.id), key.secret, _WRAP)

    def unwrap(self, master: str, key_id: KeyId, wrapped: bytes) -> DataKey:
        """Raises `KeyMissing` when that master was not given, `SealBroken` when the row was tampered with."""
        return DataKey(key_id, unseal(self._wrapping(master, key_id), wrapped, _WRAP))

    def system_key(self) -> DataKey:
        """This process's own key for what belongs to no customer."""
        with self._lock:
            self._left -= 1
            if self._left < 0:
                self._system, self._left = self._fresh_system_key(), _MESSAGES_PER_SYSTEM_KEY
            return self._system

    def system_key_of(self, key_id: KeyId) -> DataKey | None:
        """The system key of any process by its id; nothing when the id is a customer's."""
        return self._derived(key_id) if key_id.startswith(_SYSTEM + ".") else None

    def derive(self, purpose: str) -> bytes:
        """32 bytes for one purpose. Changes when the master is rotated."""
        return _hkdf(self._masters[self.current], purpose.encode())

    def _fresh_system_key(self) -> DataKey:
        return self._derive_system_key(KeyId(f"{_SYSTEM}.{self.current}.{os.urandom(16).hex()}"))

    def _derive_system_key(self, key_id: KeyId) -> DataKey:
        parts = key_id.split(".")
        if len(parts) != 3:
            raise KeyMissing("this is no id of a system key")
        return DataKey(key_id, _hkdf(self._master(parts[1]), f"throughline system key {parts[2]}".encode()))

    def _wrapping(self, master: str, key_id: KeyId) -> DataKey:
        return DataKey(key_id, _hkdf(self._master(master), _WRAP))

    def _master(self, name: str) -> bytes:
        if name not in self._masters:
            raise KeyMissing(f"master key {name} is not configured; add it after the current one")
        return self._masters[name]


@lru_cache(maxsize=64)
def _hkdf(master: bytes, info: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(master)


def _name(master: bytes) -> str:
    return _hkdf(master, b"throughline master key's name")[:4].hex()
