"""The issuer of a local stack, as a worker of the daemon."""

from __future__ import annotations

from localcloud.core.background import Worker, worker_of
from localcloud.core.resources import Context
from localcloud.issuer.server import Issuer


def workers(context: Context) -> tuple[Worker, ...]:
    """Return what the daemon starts and closes."""
    return (worker_of(context, Issuer, Issuer),)
