"""The Cloudflare account and zone that a local cloud emulates. Pure.

Owns how their ids derive from the local account's, for the program and for its preflight.
"""

from __future__ import annotations

import hashlib

__all__ = ["cloudflare_id"]


def cloudflare_id(account_id: str, what: str) -> str:
    """Return 32 hexadecimal digits, like those of Cloudflare's ids.

    Args:
        account_id: The local cloud's account.
        what: `account` or `zone`.
    """
    return hashlib.sha256(f"{account_id} {what}".encode()).hexdigest()[:32]
