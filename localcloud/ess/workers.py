"""The scaling groups of a local stack, as a worker of the daemon."""

from __future__ import annotations

from localcloud.core.background import Worker, worker_of
from localcloud.core.resources import Context
from localcloud.ess.fleet import Fleets


def fleets_of(context: Context) -> Fleets:
    """Return the scaling groups that ``context`` serves."""
    return worker_of(context, Fleets, Fleets)


def workers(context: Context) -> tuple[Worker, ...]:
    """Return what the daemon starts and closes."""
    return (fleets_of(context),)
