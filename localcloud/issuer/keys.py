"""The signing keys: the newest signs, and older ones are published until their tokens expire."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from localcloud.core.store import Document, Store

KEYS: Final = "issuer.keys"
TOKEN_SECONDS: Final = 600
SESSION_SECONDS: Final = 12 * 3600
"""How long a person who opened a sign-in link stays signed in: a working day."""
_ALGORITHM: Final = "ES256"
# A verifier may accept a token a little after its expiry.
_SKEW_SECONDS: Final = 120


class SigningKeys:
    """The keys of one issuer.

    Args:
        store: The store that keeps them.
        issuer: The issuer's URL in tokens.
        clock: Returns the seconds since the epoch.
    """

    def __init__(self, store: Store, issuer: str, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._table = store.table(KEYS)
        self._issuer = issuer
        self._clock = clock

    def sign(
        self, *, audience: str, subject: str, tenant: str, seconds: int = TOKEN_SECONDS
    ) -> str:
        """Return a token that is valid for `seconds`; an empty tenant adds no claim."""
        kid, document = self._newest()
        now = int(self._clock())
        claims: dict[str, Any] = {
            "iss": self._issuer,
            "aud": audience,
            "sub": subject,
            "iat": now,
            "exp": now + seconds,
            "jti": str(uuid.uuid4()),
        }
        if tenant:
            claims["tenant"] = tenant
        return jwt.encode(claims, document["pem"], algorithm=_ALGORITHM, headers={"kid": kid})

    def published(self) -> dict[str, Any]:
        """Return the key set: the newest key, and older keys whose tokens may still be valid."""
        self._newest()
        now = self._clock()
        keys = [
            {**_public(document["pem"]), "kid": kid, "use": "sig", "alg": _ALGORITHM}
            for kid, document in self._table.items()
            if document["retires"] is None or document["retires"] > now
        ]
        return {"keys": keys}

    def rotate(self) -> str:
        """Create a key that signs from now on, and return its id."""
        with self._store.transaction():
            for kid, document in self._table.items():
                if document["retires"] is None:
                    retires = self._clock() + SESSION_SECONDS + _SKEW_SECONDS
                    self._table.put(kid, {**document, "retires": retires})
                elif document["retires"] < self._clock():
                    self._table.delete(kid)
            return self._add()

    def _newest(self) -> tuple[str, Document]:
        with self._store.transaction():
            current = [item for item in self._table.items() if item[1]["retires"] is None]
            if not current:
                self._add()
                current = [item for item in self._table.items() if item[1]["retires"] is None]
            return current[0]

    def _add(self) -> str:
        private = ec.generate_private_key(ec.SECP256R1())
        pem = private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        kid = uuid.uuid4().hex[:12]
        self._table.put(kid, {"pem": pem.decode(), "retires": None})
        return kid


def _public(pem: str) -> dict[str, Any]:
    private = serialization.load_pem_private_key(pem.encode(), password=None)
    if not isinstance(private, ec.EllipticCurvePrivateKey):
        raise TypeError(f"the issuer's key is a {type(private).__name__}; it must be an EC key")
    document: dict[str, Any] = json.loads(ECAlgorithm.to_jwk(private.public_key()))
    return document
