"""A digest of the local cloud's code, because a daemon keeps running after a ``git pull``."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Final

CODE_VARIABLE: Final = "LOCALCLOUD_CODE"
"""Environment variable in the spec of an adopted process, so that new code restarts it."""


@cache
def code_digest() -> str:
    """Return a digest of the daemon's modules, as of this process's first call."""
    root, digest = Path(__file__).resolve().parents[2], hashlib.sha256()
    for package in ("localcloud", "provider_facts"):
        for file in sorted((root / package).rglob("*.py")):
            digest.update(f"{file.relative_to(root)}\0".encode() + file.read_bytes() + b"\0")
    return digest.hexdigest()[:16]
