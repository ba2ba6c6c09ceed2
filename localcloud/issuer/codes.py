"""One-time sign-in codes: a link carries a code, and the page exchanges it for a token.

A code works once and for a limited time. The store holds its SHA-256 only.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Final

from localcloud.core.store import Store

CODE_SECONDS: Final = 3600
_CODES: Final = "issuer.codes"
# 128 bits: RFC 6749, 10.10, asks for a chance of guessing of at most 2^-128.
_CODE_BYTES: Final = 16


@dataclass(frozen=True, kw_only=True)
class SignedIn:
    """The claims of the token that a code is exchanged for."""

    audience: str
    subject: str
    tenant: str


class SignInCodes:
    """The unused codes of one issuer.

    Args:
        store: The store that keeps them.
        clock: Seconds since the epoch.
    """

    def __init__(self, store: Store, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._table = store.table(_CODES)
        self._clock = clock

    def issue(self, claims: SignedIn) -> str:
        """Return a new code for these claims, and forget expired codes."""
        code, now = secrets.token_urlsafe(_CODE_BYTES), self._clock()
        with self._store.transaction():
            for key, document in list(self._table.items()):
                if document["expires"] <= now:
                    self._table.delete(key)
            self._table.put(_key(code), {**asdict(claims), "expires": now + CODE_SECONDS})
        return code

    def redeem(self, code: str) -> SignedIn | None:
        """Use a code up; return its claims, or None if it is unknown, used or expired."""
        with self._store.transaction():
            document = self._table.get(_key(code))
            if document is None:
                return None
            self._table.delete(_key(code))
        if document["expires"] <= self._clock():
            return None
        return SignedIn(**{name: document[name] for name in ("audience", "subject", "tenant")})


def _key(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()
