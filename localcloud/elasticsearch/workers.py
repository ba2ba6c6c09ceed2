"""Taking snapshots, as a worker of the daemon."""

from __future__ import annotations

from localcloud.core.background import Worker
from localcloud.core.resources import Context
from localcloud.elasticsearch.snapshots import snapshots_of


def workers(context: Context) -> tuple[Worker, ...]:
    """What the daemon starts and closes."""
    return (snapshots_of(context),)
