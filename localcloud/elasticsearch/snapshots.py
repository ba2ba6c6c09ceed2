"""Automatic snapshots of an instance: the setting, and the snapshots.

Owns: DescribeSnapshotSetting and UpdateSnapshotSetting, and the thread that takes a snapshot when
it is due and deletes old ones. Snapshots are in the instance's own folder, while the cloud has them
in OSS. Deleting the instance deletes them, as in the cloud.

Names and the seven days: https://www.alibabacloud.com/help/en/es/user-guide/
create-automatic-snapshots-and-restore-data-from-automatic-snapshots (read 2026-11). Restore as in
the cloud: ``POST _snapshot/aliyun_auto_snapshot/<snapshot>/_restore``.
"""

from __future__ import annotations

import base64
import json
import logging
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from localcloud.core.background import worker_of
from localcloud.core.errors import CloudError
from localcloud.core.resources import Context
from localcloud.elasticsearch.engine import Engine
from localcloud.elasticsearch.resources import SNAPSHOT_SETTINGS, TABLE, require
from provider_facts.quartz import ScheduleError, check_schedule, last_due

__all__ = ["REPOSITORY", "Snapshots", "setting", "snapshots_of", "update_setting"]

REPOSITORY: Final = "aliyun_auto_snapshot"
_ZONE: Final = ZoneInfo("Asia/Shanghai")
_RETENTION: Final = timedelta(days=7)
_POLL_SECONDS: Final = 1.0
_TIMEOUT_SECONDS: Final = 600.0
_LOGGER: Final = logging.getLogger(__name__)


def setting(instance_id: str, context: Context) -> dict[str, Any]:
    """Return the ``Result`` of DescribeSnapshotSetting.

    Raises:
        CloudError: ``InstanceNotFound``.
    """
    require(instance_id, context)
    found = context.store.table(SNAPSHOT_SETTINGS).get(instance_id) or {}
    return {"Enable": found.get("enable", False), "QuartzRegex": found.get("schedule", "")}


def update_setting(instance_id: str, body: Any, context: Context) -> dict[str, Any]:
    """Change the setting; return the ``Result`` of UpdateSnapshotSetting.

    Raises:
        CloudError: ``InstanceNotFound``, ``InvalidParameter``.
    """
    require(instance_id, context)
    if not isinstance(body, dict) or not isinstance(body.get("enable"), bool):
        raise CloudError("InvalidParameter", "The body must have enable, true or false.")
    unknown = sorted(body.keys() - {"enable", "quartzRegex"})
    if unknown:
        raise CloudError(
            "InvalidParameter",
            f"Unknown parameters: {', '.join(unknown)}. Allowed: enable, quartzRegex.",
        )
    old = context.store.table(SNAPSHOT_SETTINGS).get(instance_id) or {}
    schedule = str(body.get("quartzRegex") or old.get("schedule") or "")
    if body["enable"]:
        try:
            check_schedule(schedule)
        except ScheduleError as error:
            raise CloudError(
                "InvalidParameter", f"quartzRegex is {schedule!r}, which is not valid: {error}."
            ) from error
    context.store.table(SNAPSHOT_SETTINGS).put(
        instance_id,
        # Times before this setting are not due.
        {"enable": body["enable"], "schedule": schedule, "since": datetime.now(UTC).isoformat()},
    )
    return {"Enable": body["enable"], "QuartzRegex": schedule}


class Snapshots:
    """Takes the snapshots of every instance of one local cloud.

    Args:
        context: The local cloud.
        clock: Returns the time with its zone.
    """

    def __init__(
        self, context: Context, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._context = context
        self._clock = clock
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread that checks every second whether a snapshot is due."""
        self._thread = threading.Thread(target=self._run, name="snapshots", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop the thread; the engine finishes a running snapshot."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._closing.wait(_POLL_SECONDS):
            for instance_id, found in self._context.store.table(SNAPSHOT_SETTINGS).items():
                if not found["enable"]:
                    continue
                try:
                    self.take_due(instance_id)
                except Exception:
                    _LOGGER.exception("snapshot of %s failed", instance_id)

    def take_due(self, instance_id: str) -> str | None:
        """Take a snapshot if it is due, and return its name.

        Raises:
            CloudError: The engine refused the request.
        """
        table = self._context.store.table(SNAPSHOT_SETTINGS)
        found, record = table.get(instance_id), self._context.store.table(TABLE).get(instance_id)
        if found is None or record is None:
            table.delete(instance_id)
            return None
        due = last_due(
            found["schedule"],
            datetime.fromisoformat(found["since"]).astimezone(_ZONE),
            self._clock().astimezone(_ZONE),
        )
        if due is None:
            return None
        # Recorded before it is taken, so that a refused snapshot is not retried every second.
        table.put(instance_id, {**found, "since": due.astimezone(UTC).isoformat()})
        name = f"{instance_id}_{due.astimezone(_ZONE):%Y%m%d%H%M%S}"
        engine = Engine.restored(record["engine"])
        _ask(
            engine,
            "PUT",
            f"/_snapshot/{REPOSITORY}",
            {"type": "fs", "settings": {"location": str(engine.snapshot_folder)}},
        )
        # Without the cluster's state, because a restore must bring back only indices.
        _ask(
            engine,
            "PUT",
            f"/_snapshot/{REPOSITORY}/{name}?wait_for_completion=true",
            {"include_global_state": False},
        )
        self._drop_old(engine)
        return name

    def _drop_old(self, engine: Engine) -> None:
        oldest = (self._clock() - _RETENTION).timestamp() * 1000
        listed = _ask(engine, "GET", f"/_snapshot/{REPOSITORY}/_all")
        for item in listed["snapshots"]:
            if item["start_time_in_millis"] < oldest:
                _ask(engine, "DELETE", f"/_snapshot/{REPOSITORY}/{item['snapshot']}")


def _ask(engine: Engine, method: str, path: str, body: Any = None) -> dict[str, Any]:
    operator = json.loads(engine.operator_file.read_text("utf-8"))
    pair = base64.b64encode(f"{operator['username']}:{operator['password']}".encode()).decode()
    request = urllib.request.Request(  # noqa: S310 - the URL is the instance's own
        f"{engine.url}{path}",
        data=None if body is None else json.dumps(body).encode(),
        method=method,
        headers={"Authorization": f"Basic {pair}", "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310
            found: dict[str, Any] = json.load(answer)
            return found
    except urllib.error.HTTPError as error:
        with error:
            text = error.read().decode("utf-8", "replace")[:500]
        raise CloudError("SnapshotFailed", f"{method} {path}: {text}", 500) from error


def snapshots_of(context: Context) -> Snapshots:
    """Return the snapshots worker of ``context``."""
    return worker_of(context, Snapshots, Snapshots)
