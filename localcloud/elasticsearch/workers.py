"""The daemon's worker that takes snapshots."""

from __future__ import annotations

from localcloud.core.background import Worker
from localcloud.core.resources import Context
from localcloud.elasticsearch.snapshots import snapshots_of


def workers(context: Context) -> tuple[Worker, ...]:
    """Return the workers that the daemon starts and closes."""
    return (snapshots_of(context),)
