"""The queue of DLC jobs, as a worker of the daemon."""

from __future__ import annotations

from localcloud.core.background import Worker, worker_of
from localcloud.core.resources import Context
from localcloud.paidlc.controller import JobController


def controller_of(context: Context) -> JobController:
    """Return the controller that serves ``context``."""
    return worker_of(context, JobController, JobController)


def workers(context: Context) -> tuple[Worker, ...]:
    """Return what the daemon starts and closes."""
    return (controller_of(context),)
