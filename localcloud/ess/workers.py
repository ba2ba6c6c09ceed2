"""The worker of ESS: the scaling groups of a local stack."""

from __future__ import annotations

from localcloud.core.background import Worker, worker_of
from localcloud.core.resources import Context
from localcloud.ess.fleet import Fleets


def fleets_of(context: Context) -> Fleets:
    """Return the scaling groups of the local cloud."""
    return worker_of(context, Fleets, Fleets)


def workers(context: Context) -> tuple[Worker, ...]:
    """Return the workers of this service."""
    return (fleets_of(context),)
