"""The statuses of a DLC job, as data.

Source of the names: ``alibabacloud_pai_dlc20201203`` 1.11.6, ``GetJobResponseBody.status``.
Bidding, SanityChecking and the Reserving statuses belong to Lingjun resources and do not occur.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

CREATING, QUEUING, ENV_PREPARING = "Creating", "Queuing", "EnvPreparing"
RUNNING, RESTARTING, STOPPING = "Running", "Restarting", "Stopping"
SUCCEEDED, FAILED, STOPPED = "Succeeded", "Failed", "Stopped"

TERMINAL = frozenset({SUCCEEDED, FAILED, STOPPED})
WAITING = frozenset({CREATING, QUEUING})

FOLLOWS: Mapping[str, frozenset[str]] = {
    CREATING: frozenset({QUEUING, ENV_PREPARING, STOPPING, FAILED}),
    QUEUING: frozenset({ENV_PREPARING, STOPPING, FAILED}),
    ENV_PREPARING: frozenset({RUNNING, STOPPING, FAILED}),
    RUNNING: frozenset({RESTARTING, STOPPING, SUCCEEDED, FAILED}),
    RESTARTING: frozenset({RUNNING, STOPPING, FAILED}),
    STOPPING: frozenset({STOPPED}),
    SUCCEEDED: frozenset(),
    FAILED: frozenset(),
    STOPPED: frozenset(),
}
"""The statuses that may follow each status."""

TIME_OF: Mapping[str, str] = {
    RUNNING: "GmtRunningTime",
    SUCCEEDED: "GmtSuccessedTime",
    FAILED: "GmtFailedTime",
    STOPPED: "GmtStoppedTime",
}
"""The field with the time when a job first reached a status."""


@dataclass(frozen=True, kw_only=True)
class StageFault:
    """A failure in one status, for tests of programs that watch jobs."""

    reason_code: str
    reason_message: str


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """Delays and failures in the chain of statuses; by default, none.

    Attributes:
        delay_seconds: The minimum duration of a status, by status.
        faults: The failure of a status, by status.
    """

    delay_seconds: Mapping[str, float] = field(default_factory=dict)
    faults: Mapping[str, StageFault] = field(default_factory=dict)

    def __post_init__(self) -> None:
        unknown = sorted({*self.delay_seconds, *self.faults} - FOLLOWS.keys())
        if unknown:
            raise ValueError(f"the scenario has unknown statuses {unknown}; use {sorted(FOLLOWS)}")
