"""Keeps the local cloud's processes running: start, watch, restart, stop, adopt.

Owns the set of processes and the record of each (kept in the store, so that a daemon that was
killed and started again adopts what still lives and knows how the rest ended). It does not know
what the processes are; watching one is ``watching``'s.
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
from localcloud.core.watching import ACTIVE, ProcessSpec, ProcessStatus, State, Watcher

__all__ = ["ACTIVE", "ProcessSpec", "ProcessStatus", "State", "Supervisor"]

_POLL_SECONDS = 0.1


class Supervisor:
    """Starts and keeps processes; thread-safe.

    Args:
        store: Where the record of each process is kept.
        folder: Where each run's pid and exit-code files lie.
        watch: False only to look at and stop what a daemon that is gone left behind.
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
        """Run it, unless it runs already with the same spec; a changed spec restarts it.

        One that exited, failed or was stopped is started anew.
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
        """End it and everything it started; one that is unknown or not running is no error."""
        with self._lock:
            watcher = self._watchers.get(name)
        if watcher is not None:
            watcher.stop()

    def forget(self, name: str) -> None:
        """Stop it and drop its record."""
        self.stop(name)
        with self._lock:
            self._watchers.pop(name, None)
            self._table.delete(name)

    def status(self, name: str) -> ProcessStatus | None:
        """How it is; None when no process of that name was ever started."""
        with self._lock:
            watcher = self._watchers.get(name)
        return watcher.status() if watcher is not None else None

    def names(self) -> tuple[str, ...]:
        """Every known process, in order."""
        with self._lock:
            return tuple(sorted(self._watchers))

    def wait_healthy(self, name: str, timeout_seconds: float) -> ProcessStatus:
        """Wait until it is running (and its health URL answers).

        Raises:
            SupervisorError: It ended, was given up, is unknown, or the time is over; with the
                last lines of its log.
        """
        deadline = time.monotonic() + timeout_seconds
        while True:
            status = self.status(name)
            if status is None:
                raise SupervisorError(f"no process {name!r}; known: {list(self.names())}")
            if status.state == "running":
                return status
            late = time.monotonic() > deadline
            if late or status.state not in ACTIVE:
                raise SupervisorError(
                    f"{name} is {status.state}"
                    + (f" after {timeout_seconds:g} s" if late else "")
                    + (f": {status.reason}" if status.reason else "")
                    + f"; its log ends:\n{self.log_tail(name)}"
                )
            time.sleep(_POLL_SECONDS)

    def log_path(self, name: str) -> Path | None:
        """Where its output goes; None when unknown."""
        with self._lock:
            watcher = self._watchers.get(name)
        return watcher.spec.log if watcher is not None else None

    def address(self, name: str) -> str:
        """Where it answers (``host:port`` of its health URL); empty when it has none."""
        with self._lock:
            watcher = self._watchers.get(name)
        url = watcher.spec.health_url if watcher is not None else None
        return urlsplit(url).netloc if url else ""

    def log_tail(self, name: str, lines: int = 20) -> str:
        """The last lines of its output."""
        path = self.log_path(name)
        if path is None or not path.exists():
            return ""
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - 400 * lines))
            text = file.read().decode("utf-8", "replace")
        return "\n".join(text.splitlines()[-lines:])

    def stop_all(self) -> None:
        """Stop every process, several at a time."""
        names = self.names()
        if names:
            with ThreadPoolExecutor(max_workers=16) as pool:
                list(pool.map(self.stop, names))

    def detach(self) -> None:
        """Watch no more, leaving the processes running for the next supervisor to adopt."""
        with self._lock:
            watchers = list(self._watchers.values())
        for watcher in watchers:
            watcher.detach()

    def run_base(self, name: str) -> Path:
        """The path of a process' run files."""
        digest = hashlib.sha256(name.encode()).hexdigest()[:12]
        return self._folder / f"{name.replace('/', '-')[:80]}-{digest}"
