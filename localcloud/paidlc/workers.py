"""The worker of PAI DLC: the queue of jobs."""

from __future__ import annotations

from localcloud.core.background import Worker, worker_of
from localcloud.core.resources import Context
from localcloud.paidlc.controller import JobController


def controller_of(context: Context) -> JobController:
    """Return the job controller of the local cloud."""
    return worker_of(context, JobController, JobController)


def workers(context: Context) -> tuple[Worker, ...]:
    """Return the workers of this service."""
    return (controller_of(context),)
