"""An archive that anybody can check: a manifest with the hash of each member, signed with our private key (Ed25519).

The public key is given out by the API, so that an auditor needs nothing of ours that is secret.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"
_EPOCH = (1980, 1, 1, 0, 0, 0)


class ArchiveKey:
    """Made of 32 secret bytes: the same bytes give the same key, so an installation needs no further secret."""

    def __init__(self, secret: bytes):
        self._private = Ed25519PrivateKey.from_private_bytes(secret)

    @property
    def public(self) -> str:
        """The raw public key, in hexadecimal."""
        return self._private.public_key().public_bytes_raw().hex()

    def seal(self, members: Mapping[str, bytes]) -> bytes:
        """The archive, with its manifest and the manifest's signature; the same members give the same bytes."""
        manifest = as_json({name: hashlib.sha256(content).hexdigest() for name, content in sorted(members.items())})
        signature = self._private.sign(manifest).hex().encode()
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in [*sorted(members.items()), (MANIFEST, manifest), (SIGNATURE, signature)]:
                archive.writestr(zipfile.ZipInfo(name, _EPOCH), content, zipfile.ZIP_DEFLATED)
        return out.getvalue()


def is_genuine(archive: bytes, public: str) -> bool:
    """Whether the archive was signed by the owner of the key and every member is as it was."""
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        manifest = opened.read(MANIFEST)
        try:
            key.verify(bytes.fromhex(opened.read(SIGNATURE).decode()), manifest)
        except (InvalidSignature, ValueError):
            return False
        named = json.loads(manifest)
        if set(named) != set(opened.namelist()) - {MANIFEST, SIGNATURE}:
            return False
        return all(hashlib.sha256(opened.read(name)).hexdigest() == digest for name, digest in named.items())


def as_json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, indent=1, ensure_ascii=False).encode()
