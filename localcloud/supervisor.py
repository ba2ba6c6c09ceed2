"""Keeps the local cloud's processes running: start, watch, restart, stop, adopt.

Owns restart policy and the record of each process (kept in the store, so that a daemon that was
killed and started again adopts what still lives and knows how the rest ended). It does not know
what the processes are.
"""

from __future__ import annotations

import hashlib
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, cast
from urllib.parse import urlsplit

from localcloud import processes
from localcloud.errors import SupervisorError
from localcloud.processes import Launched
from localcloud.store import Store

State = Literal["starting", "running", "restarting", "exited", "failed", "stopped"]
ACTIVE: frozenset[State] = frozenset({"starting", "running", "restarting"})
_POLL_SECONDS = 0.2
_FIRST_BACKOFF_SECONDS = 0.5
_LAST_BACKOFF_SECONDS = 30.0
# A process that ran this long had started well: its earlier failures no longer count.
_STEADY_SECONDS = 120.0


@dataclass(frozen=True, kw_only=True)
class ProcessSpec:
    """What to run and how to keep it.

    Attributes:
        name: Unique in the stack; ``/`` groups, as in ``ecs/i-1/embedding``.
        argv: The program and its arguments.
        env: Its WHOLE environment.
        cwd: Its working directory.
        log: Where its output is appended.
        restart: Whether to start it again when it ends; ``on-failure``: unless its code is 0.
        max_restarts: After so many restarts in a row it is given up (state ``failed``).
        health_url: Answers below 500 once the process is ready; None: ready when started.
        health_timeout_seconds: Not ready in that time counts as having ended.
        stop_timeout_seconds: Between SIGTERM and SIGKILL.
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: Path
    log: Path
    restart: Literal["always", "on-failure", "never"] = "always"
    max_restarts: int = 10
    health_url: str | None = None
    health_timeout_seconds: float = 120
    stop_timeout_seconds: float = 10


@dataclass(frozen=True, kw_only=True)
class ProcessStatus:
    """How a supervised process is.

    Attributes:
        name: As in its spec.
        state: ``exited`` ended and is not to be restarted (see ``exit_code``); ``failed`` was
            given up (see ``reason``); ``stopped`` on request.
        pid: Of the program itself while it runs.
        exit_code: Of its last end: the code, or minus the signal; None when not known.
        restarts: How often it was started again since it was asked for.
        started_at: Of its last start, seconds since the epoch.
        reason: Why it is not running, for people; empty while it is.
    """

    name: str
    state: State
    pid: int | None = None
    exit_code: int | None = None
    restarts: int = 0
    started_at: float | None = None
    reason: str = ""


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
        self._watchers: dict[str, _Watcher] = {}
        for name, record in self._table.items():
            self._watchers[name] = _Watcher.restored(self, record, watch)

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
                watcher = _Watcher(self, spec)
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
            time.sleep(_POLL_SECONDS / 2)

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

    def record(self, name: str, document: dict[str, Any]) -> None:
        """Keep a watcher's state for the next daemon."""
        self._table.put(name, document)


class _Watcher:
    """One process' watching thread and state."""

    def __init__(self, supervisor: Supervisor, spec: ProcessSpec) -> None:
        self.spec = spec
        self._supervisor = supervisor
        self._lock = threading.RLock()
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None
        self._launched: Launched | None = None
        self._popen: subprocess.Popen[bytes] | None = None
        self._failures = 0
        self._status = ProcessStatus(name=spec.name, state="starting")

    @classmethod
    def restored(cls, supervisor: Supervisor, record: dict[str, Any], watch: bool) -> _Watcher:
        """What a daemon before this one watched: adopted if it should be running."""
        spec = record["spec"]
        watcher = cls(
            supervisor,
            ProcessSpec(
                **{
                    **spec,
                    "argv": tuple(spec["argv"]),
                    "cwd": Path(spec["cwd"]),
                    "log": Path(spec["log"]),
                }
            ),
        )
        watcher._status = ProcessStatus(**record["status"])
        watcher._failures = record["failures"]
        launched = record["launched"]
        if launched is not None:
            watcher._launched = Launched(**{**launched, "base": Path(launched["base"])})
        if watch and watcher._status.state in ACTIVE:
            watcher._run_thread()
        return watcher

    def status(self) -> ProcessStatus:
        with self._lock:
            status = self._status
            if status.state in ("starting", "running") and self._launched is not None:
                return replace(status, pid=self._launched.pid())
            return status

    def is_active(self) -> bool:
        with self._lock:
            return self._status.state in ACTIVE

    def begin(self) -> None:
        self._launch()
        if self.is_active():
            self._run_thread()

    def stop(self) -> None:
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
        base = self._supervisor.run_base(self.spec.name)
        try:
            launched, popen = processes.launch(
                self.spec.argv, self.spec.env, self.spec.cwd, self.spec.log, base
            )
        except OSError as error:
            self._set(state="failed", reason=f"cannot be started: {error}")
            return
        with self._lock:
            self._launched, self._popen = launched, popen
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
            self._set(state="running")
        elif time.time() - (status.started_at or 0) > self.spec.health_timeout_seconds:
            self._ended(f"{url} did not answer within {self.spec.health_timeout_seconds:g} s")

    def _ended(self, reason: str) -> None:
        launched, status = self._launched, self._status
        code = None
        if launched is not None:
            code = launched.exit_code()
            # What the program had started must not keep its port or write on beside the next run.
            processes.kill(launched)
        self._reap()
        reason = reason or _ending(code)
        if time.time() - (status.started_at or 0) > _STEADY_SECONDS:
            self._failures = 0
        policy = self.spec.restart
        if policy == "never" or (policy == "on-failure" and code == 0):
            self._set(state="exited", exit_code=code, reason=reason, pid=None)
        elif self._failures >= self.spec.max_restarts:
            reason = f"given up after {self._failures} restarts: {reason}"
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
        if self._popen is not None:
            self._popen.poll()

    def _set(self, **changes: Any) -> None:
        with self._lock:
            self._status = replace(self._status, **changes)
            launched = self._launched
            document = {
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
            self._supervisor.record(self.spec.name, cast("dict[str, Any]", document))


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
