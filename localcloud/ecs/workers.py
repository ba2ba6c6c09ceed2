"""The instances of a local stack, as a worker of the daemon."""

from __future__ import annotations

from localcloud.core.background import Worker, worker_of
from localcloud.core.resources import Context
from localcloud.ecs.instances import Instances


def instances_of(context: Context) -> Instances:
    """Return the instances that ``context`` serves."""
    return worker_of(context, Instances, Instances)


def workers(context: Context) -> tuple[Worker, ...]:
    """Return what the daemon starts and closes."""
    return (instances_of(context),)
