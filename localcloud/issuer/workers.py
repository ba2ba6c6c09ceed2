"""The worker of the issuer."""

from __future__ import annotations

from localcloud.core.background import Worker, worker_of
from localcloud.core.resources import Context
from localcloud.issuer.server import Issuer


def workers(context: Context) -> tuple[Worker, ...]:
    """Return the workers of this service."""
    return (worker_of(context, Issuer, Issuer),)
