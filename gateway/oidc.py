"""Tokens of an OIDC issuer: the issuer says who it is, our own register says what they may do."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jwt
from pydantic import BaseModel, ConfigDict

ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")
"""Signatures only: with a shared secret, whoever verifies could also sign."""
LEEWAY = 30
"""Seconds that the issuer's clock may differ from ours."""


class Subject(NamedTuple):
    issuer: str
    subject: str


class OidcIssuer(BaseModel):
    """An issuer that is trusted, with the keys that it publishes (a JWKS document, RFC 7517)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    issuer: str
    audience: str
    jwks: Mapping[str, Any]

    def verify(self, token: str) -> Subject | None:
        """Whom the token names, or nothing when it is not (or no longer) valid here."""
        try:
            key_id = jwt.get_unverified_header(token).get("kid")
            keys = jwt.PyJWKSet.from_dict(dict(self.jwks)).keys
            key = next(key for key in keys if key.key_id == key_id)
            claims = jwt.decode(
                token,
                key,
                algorithms=list(ALGORITHMS),
                audience=self.audience,
                issuer=self.issuer,
                leeway=LEEWAY,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except (jwt.PyJWTError, StopIteration):
            return None
        return Subject(self.issuer, str(claims["sub"]))
