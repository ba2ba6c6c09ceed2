"""One supervised process: its spec, its status, and the thread that watches it.

Owns the restart policy and the health check. It does not know other processes: ``supervisor`` does.
"""

from __future__ import annotations

import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from localcloud.core import processes
from localcloud.core.processes import Launched

State = Literal["starting", "running", "restarting", "exited", "failed", "stopped"]
ACTIVE: frozenset[State] = frozenset({"starting", "running", "restarting"})
_POLL_SECONDS = 0.2
_FIRST_BACKOFF_SECONDS = 0.5
_LAST_BACKOFF_SECONDS = 30.0
# After this time a process counts as stable, and its earlier failures no longer count.
_STEADY_SECONDS = 120.0
READY_SECONDS = 300.0
"""A process that is not ready in this time is killed.

Far more than any of them takes, because that depends on what else the machine does. A process that
ends is noticed at once.
"""
MOST_FAILED_STARTS = 2
"""Who waits for a process gives up after so many, because a further start would fail too."""


@dataclass(frozen=True, kw_only=True)
class ProcessSpec:
    """What to run and how to keep it running.

    Attributes:
        name: Unique in the stack; ``/`` forms groups, as in ``ecs/i-1/embedding``.
        argv: The program and its arguments.
        env: Its complete environment.
        cwd: Its working directory.
        log: The file that its output is appended to.
        restart: Whether to restart it when it ends; ``on-failure`` means unless its code is 0.
        max_restarts: The state becomes ``failed`` after this many restarts in a row.
        health_url: Answers with a status below 500 once the process is ready. None means that the
            process is ready as soon as it starts.
        health_timeout_seconds: A process that is not ready in this time is killed.
        stop_timeout_seconds: The time between SIGTERM and SIGKILL.
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: Path
    log: Path
    restart: Literal["always", "on-failure", "never"] = "always"
    max_restarts: int = 10
    health_url: str | None = None
    health_timeout_seconds: float = READY_SECONDS
    stop_timeout_seconds: float = 10


@dataclass(frozen=True, kw_only=True)
class ProcessStatus:
    """The status of a supervised process.

    Attributes:
        name: As in its spec.
        state: ``exited`` means that it ended and will not restart (see ``exit_code``), ``failed``
            that the supervisor gave up (see ``reason``), ``stopped`` that a caller stopped it.
        pid: The process id of the program while it runs.
        exit_code: Its last exit code, or minus the signal; None if not known.
        restarts: The number of restarts since a caller started it.
        failed_starts: How often in a row it ended before it was ready.
        started_at: The time of its last start, in seconds since the epoch.
        reason: Why it is not running, for people to read; empty while it is running.
    """

    name: str
    state: State
    pid: int | None = None
    exit_code: int | None = None
    restarts: int = 0
    failed_starts: int = 0
    started_at: float | None = None
    reason: str = ""


class Watcher:
    """The watching thread and state of one process.

    Args:
        spec: The process to run.
        base: Path, without suffix, of the pid and exit-code files.
        record: Stores the state for the next daemon.
    """

    def __init__(
        self, spec: ProcessSpec, base: Path, record: Callable[[dict[str, Any]], None]
    ) -> None:
        self.spec = spec
        self._base = base
        self._record = record
        self._lock = threading.RLock()
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None
        self._launched: Launched | None = None
        self._failures = 0
        self._status = ProcessStatus(name=spec.name, state="starting")

    @classmethod
    def restored(
        cls,
        document: dict[str, Any],
        base: Path,
        record: Callable[[dict[str, Any]], None],
        *,
        watch: bool,
    ) -> Watcher:
        """Restore the watcher of an earlier daemon, and adopt the process if it should run."""
        spec = document["spec"]
        paths = {name: Path(spec[name]) for name in ("cwd", "log")}
        watcher = cls(ProcessSpec(**{**spec, **paths, "argv": tuple(spec["argv"])}), base, record)
        watcher._status = ProcessStatus(**document["status"])
        watcher._failures = document["failures"]
        launched = document["launched"]
        if launched is not None:
            watcher._launched = Launched(**{**launched, "base": Path(launched["base"])})
        if watch and watcher._status.state in ACTIVE:
            watcher._run_thread()
        return watcher

    def status(self) -> ProcessStatus:
        """Return the current status."""
        with self._lock:
            status = self._status
            if status.state in ("starting", "running") and self._launched is not None:
                return replace(status, pid=self._launched.pid())
            return status

    def is_active(self) -> bool:
        """Return whether the process is running or about to."""
        with self._lock:
            return self._status.state in ACTIVE

    def begin(self) -> None:
        """Start the process and watch it."""
        self._launch()
        if self.is_active():
            self._run_thread()

    def stop(self) -> None:
        """End the process and its descendants."""
        self.detach()
        with self._lock:
            launched, status = self._launched, self._status
        if launched is not None:
            processes.end(launched, self.spec.stop_timeout_seconds)
        if status.state in ACTIVE:
            code = launched.exit_code() if launched is not None else None
            self._set(state="stopped", exit_code=code, reason="stopped on request", pid=None)
        self._reap()

    def detach(self) -> None:
        """Stop watching, and leave the process running."""
        self._ending.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _run_thread(self) -> None:
        self._thread = threading.Thread(
            target=self._watch, name=f"watch {self.spec.name}", daemon=True
        )
        self._thread.start()

    def _launch(self) -> None:
        try:
            launched = processes.launch(
                self.spec.argv, self.spec.env, self.spec.cwd, self.spec.log, self._base
            )
        except OSError as error:
            self._set(state="failed", reason=f"it did not start: {error}")
            return
        with self._lock:
            self._launched = launched
        state: State = "starting" if self.spec.health_url else "running"
        self._set(state=state, started_at=time.time(), reason="", exit_code=None)

    def _watch(self) -> None:
        while not self._ending.wait(_POLL_SECONDS):
            if self._status.state == "restarting":
                self._launch()
                continue
            self._reap()
            if not self._program_lives():
                self._ended("")
            elif self._status.state == "starting":
                self._probe()
            if not self.is_active():
                return

    def _program_lives(self) -> bool:
        launched = self._launched
        return launched is not None and launched.alive() and launched.exit_code() is None

    def _probe(self) -> None:
        url, status = self.spec.health_url, self._status
        if url is None or _answers(url):
            self._set(state="running", failed_starts=0)
        elif time.time() - (status.started_at or 0) > self.spec.health_timeout_seconds:
            self._ended(f"{url} did not answer within {self.spec.health_timeout_seconds:g} s")

    def _ended(self, reason: str) -> None:
        launched, status = self._launched, self._status
        code = None
        if launched is not None:
            code = launched.exit_code()
            # Descendants must not keep the port or go on writing during the next run.
            processes.kill(launched)
        self._reap()
        reason = reason or _ending(code)
        if status.state == "starting":
            self._set(failed_starts=status.failed_starts + 1)
        if time.time() - (status.started_at or 0) > _STEADY_SECONDS:
            self._failures = 0
        policy = self.spec.restart
        if policy == "never" or (policy == "on-failure" and code == 0):
            self._set(state="exited", exit_code=code, reason=reason, pid=None)
        elif self._failures >= self.spec.max_restarts:
            reason = f"gave up after {self._failures} restarts: {reason}"
            self._set(state="failed", exit_code=code, reason=reason, pid=None)
        else:
            self._failures += 1
            restarts = status.restarts + 1
            self._set(
                state="restarting", exit_code=code, reason=reason, restarts=restarts, pid=None
            )
            delay = _FIRST_BACKOFF_SECONDS * 2 ** min(self._failures - 1, 10)
            self._ending.wait(min(delay, _LAST_BACKOFF_SECONDS))

    def _reap(self) -> None:
        if self._launched is not None:
            processes.reap(self._launched.wrapper_pid)

    def _set(self, **changes: Any) -> None:
        with self._lock:
            self._status = replace(self._status, **changes)
            launched = self._launched
            document: dict[str, Any] = {
                "spec": {
                    **asdict(self.spec),
                    "env": dict(self.spec.env),
                    "cwd": str(self.spec.cwd),
                    "log": str(self.spec.log),
                },
                "status": asdict(self._status),
                "failures": self._failures,
                "launched": None
                if launched is None
                else {**asdict(launched), "base": str(launched.base)},
            }
            self._record(document)


def _ending(code: int | None) -> str:
    if code is None:
        return "it ended without an exit code (its wrapper was killed)"
    if code < 0:
        return f"killed by signal {-code}"
    return f"exited with code {code}"


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - the URL is the spec's own
            return True
    except urllib.error.HTTPError as error:
        code = error.code
        error.close()
        return code < 500
    except (OSError, ValueError):
        return False
