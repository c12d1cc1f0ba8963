"""Keyed hashes of mail addresses and phone numbers, so that an order is found by them without keeping them in clear."""

import hashlib
import hmac

from adapters.vault.port import LookupHash
from domain.personal import Region, normal_email, normal_phone


class Lookup:
    """HMAC-SHA-256 under a key of its own. Two spellings of one address or number give one hash."""

    def __init__(self, key: bytes, region: Region | None = None) -> None:
        """`region` reads phone numbers that were written without their country."""
        if len(key) < 32:
            raise ValueError("the look-up key needs 32 random bytes; make one with `openssl rand -base64 32`")
        self._key, self._region = key, region

    def email(self, email: str) -> LookupHash:
        return self._hash("email", normal_email(email))

    def phone(self, phone: str, region: Region | None = None) -> LookupHash | None:
        """Nothing when it cannot be a phone number."""
        number = normal_phone(phone, region or self._region)
        return None if number is None else self._hash("phone", number)

    def card(self, token: str) -> LookupHash:
        """Of the provider's token; a card's number never comes here."""
        return self._hash("card", token)

    def _hash(self, kind: str, value: str) -> LookupHash:
        # The kind is hashed too: a number typed into the mail field must not find a phone.
        return LookupHash(hmac.digest(self._key, f"{kind}\x00{value}".encode(), hashlib.sha256))
