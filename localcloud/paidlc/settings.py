"""Settings for running the jobs of a local stack; tests change them."""

from __future__ import annotations

import os
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings for running jobs.

    Attributes:
        max_running_jobs: Maximum of concurrent jobs; others are ``Queuing``. One job fills two
            cores.
        max_restarts: Maximum of restarts of all pods of a job together.
        sync_seconds: Seconds between two uploads.
        seconds_per_minute: Length of a minute in ``JobMaxRunningTimeMinutes``; tests shorten it.
        cores: Cores that the pods of a job share; by default all of this machine.
    """

    max_running_jobs: int = 1
    max_restarts: int = 3
    sync_seconds: float = 3.0
    seconds_per_minute: float = 60.0
    cores: int = field(default_factory=lambda: len(os.sched_getaffinity(0)))
