"""The issuer of a local stack, as a worker of the daemon."""

from __future__ import annotations

from localcloud.background import Worker, worker_of
from localcloud.issuer.server import Issuer
from localcloud.resources import Context


def workers(context: Context) -> tuple[Worker, ...]:
    """What the daemon starts and closes."""
    return (worker_of(context, Issuer, Issuer),)
