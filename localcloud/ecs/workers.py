"""The worker of ECS: the instances of a local stack."""

from __future__ import annotations

from localcloud.core.background import Worker, worker_of
from localcloud.core.resources import Context
from localcloud.ecs.instances import Instances


def instances_of(context: Context) -> Instances:
    """Return the instances of the local cloud."""
    return worker_of(context, Instances, Instances)


def workers(context: Context) -> tuple[Worker, ...]:
    """Return the workers of this service."""
    return (instances_of(context),)
