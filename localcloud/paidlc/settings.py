"""How the jobs of a local stack are run; tests change it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from localcloud.paidlc.status import Scenario


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How jobs are run.

    Attributes:
        max_running_jobs: Jobs at a time; others are ``Queuing``. One fills two cores.
        max_restarts: Restarts of a job's pods, all together.
        sync_seconds: Seconds between two rounds of carrying files up.
        seconds_per_minute: Length of a minute of ``JobMaxRunningTimeMinutes``; tests shorten it.
        cores: Cores that a job's pods share; this machine's by default.
        scenario: Slow and failing statuses; none by default.
    """

    max_running_jobs: int = 1
    max_restarts: int = 3
    sync_seconds: float = 3.0
    seconds_per_minute: float = 60.0
    cores: int = field(default_factory=lambda: len(os.sched_getaffinity(0)))
    scenario: Scenario = field(default_factory=Scenario)
