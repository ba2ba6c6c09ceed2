"""Which code a process of the local cloud runs: a daemon outlives the checkout's next pull."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Final

CODE_VARIABLE: Final = "LOCALCLOUD_CODE"
"""In the environment of processes that are adopted by their spec: other code, another process."""


@cache
def code_digest() -> str:
    """Of every module of the local cloud, as it was when this process asked first."""
    package, digest = Path(__file__).resolve().parents[1], hashlib.sha256()
    for file in sorted(package.rglob("*.py")):
        digest.update(f"{file.relative_to(package)}\0".encode() + file.read_bytes() + b"\0")
    return digest.hexdigest()[:16]
