"""The cloud's format of a time."""

from __future__ import annotations

import time
from datetime import UTC, datetime


def timestamp(seconds: float | None = None) -> str:
    """Return a time in the cloud's format, such as ``2026-11-21T10:00:00Z``; by default, now."""
    moment = datetime.fromtimestamp(time.time() if seconds is None else seconds, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
