"""Taking snapshots, as a worker of the daemon."""

from __future__ import annotations

from localcloud.background import Worker
from localcloud.elasticsearch.snapshots import snapshots_of
from localcloud.resources import Context


def workers(context: Context) -> tuple[Worker, ...]:
    """What the daemon starts and closes."""
    return (snapshots_of(context),)
