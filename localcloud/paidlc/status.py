"""The statuses of a DLC job, as data.

Source of the names: ``alibabacloud_pai_dlc20201203`` 1.11.6, ``GetJobResponseBody.status``.
Bidding, SanityChecking and the Reserving statuses belong to Lingjun resources and do not occur.
"""

from __future__ import annotations

from collections.abc import Mapping

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
