"""The scaling groups of a local stack, as a worker of the daemon."""

from __future__ import annotations

from localcloud.background import Worker, worker_of
from localcloud.ess.fleet import Fleets
from localcloud.resources import Context


def fleets_of(context: Context) -> Fleets:
    """The scaling groups that ``context`` serves."""
    return worker_of(context, Fleets, Fleets)


def workers(context: Context) -> tuple[Worker, ...]:
    """What the daemon starts and closes."""
    return (fleets_of(context),)
