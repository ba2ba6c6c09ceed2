"""Keeps the processes of the local cloud running: start, watch, restart, stop, adopt.

Owns the set of processes and a record of each in the store. A daemon that restarts after a crash
reads the records, adopts the processes that still run, and learns how the others ended. It does not
own the watching of a single process: ``watching`` does.
"""

from __future__ import annotations

import hashlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from localcloud.core.errors import SupervisorError
from localcloud.core.store import Store
from localcloud.core.watching import (
    ACTIVE,
    MOST_FAILED_STARTS,
    ProcessSpec,
    ProcessStatus,
    State,
    Watcher,
)

__all__ = ["ACTIVE", "ProcessSpec", "ProcessStatus", "State", "Supervisor", "tail"]

_POLL_SECONDS = 0.1


def tail(path: Path, lines: int = 20) -> str:
    """Return the last lines of a log; empty if there is no such file."""
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        file.seek(0, 2)
        file.seek(max(0, file.tell() - 400 * lines))
        text = file.read().decode("utf-8", "replace")
    return "\n".join(text.splitlines()[-lines:])


class Supervisor:
    """Starts processes and keeps them running; thread-safe.

    Args:
        store: Holds the record of each process.
        folder: The folder of the pid and exit-code files.
        watch: False only lists and stops the processes that an earlier daemon left behind.
    """

    def __init__(self, store: Store, folder: Path, *, watch: bool = True) -> None:
        self._table = store.table("supervisor.processes")
        self._folder = folder
        self._lock = threading.RLock()
        self._watchers: dict[str, Watcher] = {}
        for name, record in self._table.items():
            self._watchers[name] = Watcher.restored(
                record, self.run_base(name), partial(self._table.put, name), watch=watch
            )

    def start(self, spec: ProcessSpec) -> ProcessStatus:
        """Start a process, unless it already runs with the same spec; a changed spec restarts it.

        A process that exited, failed or was stopped starts again.
        """
        with self._lock:
            watcher = self._watchers.get(spec.name)
            if watcher is not None and watcher.is_active() and watcher.spec == spec:
                return watcher.status()
        self.stop(spec.name)
        with self._lock:
            watcher = self._watchers.get(spec.name)
            if watcher is None or not watcher.is_active():
                watcher = Watcher(
                    spec, self.run_base(spec.name), partial(self._table.put, spec.name)
                )
                self._watchers[spec.name] = watcher
                watcher.begin()
            return watcher.status()

    def stop(self, name: str) -> None:
        """End a process and its descendants; an unknown or stopped process is not an error."""
        with self._lock:
            watcher = self._watchers.get(name)
        if watcher is not None:
            watcher.stop()

    def forget(self, name: str) -> None:
        """Stop a process and delete its record."""
        self.stop(name)
        with self._lock:
            self._watchers.pop(name, None)
            self._table.delete(name)

    def status(self, name: str) -> ProcessStatus | None:
        """Return the status of a process; None if no process of this name was ever started."""
        with self._lock:
            watcher = self._watchers.get(name)
        return watcher.status() if watcher is not None else None

    def names(self) -> tuple[str, ...]:
        """Return the names of all known processes, sorted."""
        with self._lock:
            return tuple(sorted(self._watchers))

    def wait_healthy(self, name: str) -> ProcessStatus:
        """Wait until a process is running and its health URL, if any, answers.

        The wait has no limit of its own, because the watcher kills a process that is not ready in
        the time of its spec.

        Raises:
            SupervisorError: The process ended twice before it was ready, failed, or is unknown. The
                message has the last lines of its log.
        """
        while True:
            status = self.status(name)
            if status is None:
                raise SupervisorError(
                    f"there is no process {name!r}; the processes are {list(self.names())}"
                )
            if status.state == "running":
                return status
            if status.state not in ACTIVE or status.failed_starts >= MOST_FAILED_STARTS:
                raise SupervisorError(
                    f"{name} is {status.state}"
                    + (f": {status.reason}" if status.reason else "")
                    + f"; the last lines of its log:\n{self.log_tail(name)}"
                )
            time.sleep(_POLL_SECONDS)

    def log_path(self, name: str) -> Path | None:
        """Return the log file of a process; None if the process is unknown."""
        with self._lock:
            watcher = self._watchers.get(name)
        return watcher.spec.log if watcher is not None else None

    def address(self, name: str) -> str:
        """Return the ``host:port`` of the health URL of a process; empty without one."""
        with self._lock:
            watcher = self._watchers.get(name)
        url = watcher.spec.health_url if watcher is not None else None
        return urlsplit(url).netloc if url else ""

    def log_tail(self, name: str, lines: int = 20) -> str:
        """Return the last lines of the log of a process."""
        path = self.log_path(name)
        return "" if path is None else tail(path, lines)

    def stop_all(self) -> None:
        """Stop every process, several at a time."""
        names = self.names()
        if names:
            with ThreadPoolExecutor(max_workers=16) as pool:
                list(pool.map(self.stop, names))

    def detach(self) -> None:
        """Stop watching, and leave the processes running for the next supervisor to adopt."""
        with self._lock:
            watchers = list(self._watchers.values())
        for watcher in watchers:
            watcher.detach()

    def run_base(self, name: str) -> Path:
        """Return the path, without suffix, of the pid and exit-code files of a process."""
        digest = hashlib.sha256(name.encode()).hexdigest()[:12]
        return self._folder / f"{name.replace('/', '-')[:80]}-{digest}"
