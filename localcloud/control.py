"""Start, stop and inspect the daemon from another process.

Owns the commands of ``python -m localcloud`` except ``serve``. It does not own the daemon itself,
which is ``daemon``.
"""

from __future__ import annotations

import contextlib
import fcntl
import http.client
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import localcloud
from localcloud.core import processes
from localcloud.core.code import code_digest
from localcloud.core.errors import LocalCloudError
from localcloud.core.home import Platform, data_dir, load_platform, log_dir
from localcloud.core.supervisor import ACTIVE, tail
from localcloud.core.watching import MOST_FAILED_STARTS
from localcloud.daemon import daemon_pid, make_context

# Far more than it takes: a process that ends is noticed at once, and machines may be slow.
_START_SECONDS = 300.0
_STOP_SECONDS = 120.0
_FIRST_REPORT_SECONDS = 2.0
_REPORT_SECONDS = 15.0
_POLL_SECONDS = 0.05
# The services outlive the Pulumi engine, so its settings must not reach them.
_DROPPED_PREFIXES = ("PULUMI_", "GRPC_")


class ControlError(LocalCloudError):
    """The daemon did not start, stop or answer."""


def start(
    home: Path, services: Sequence[str] = (), report: Callable[[str], None] | None = None
) -> bool:
    """Start the stack's daemon and wait until it and its services are ready.

    Several processes may call this at once. A daemon that runs other code (for example after
    ``git pull``) is replaced: its services restart, and the other processes that it started go on.

    Args:
        home: The stack's home folder.
        services: The services to run; empty means all of them.
        report: Is given a line of progress while this takes longer than two seconds.

    Returns:
        True if this call started the daemon, False if it was already running.

    Raises:
        ControlError: The daemon or a service ended or was not ready in time. The message has the
            end of its log.
    """
    platform = load_platform(home)
    waiting = _Waiting(report or (lambda line: None))
    with _starting(home):
        found = _health(platform)
        running = found.get("home") == str(home)
        if running and found.get("code") != code_digest():
            _kill_outdated_daemon(home)
            running = False
        started = not running
        if started:
            _launch(platform, services, waiting)
        _wait_for_services(platform, waiting)
        return started


def _kill_outdated_daemon(home: Path) -> None:
    """Kill the daemon, because on a request to stop it would also stop what it started.

    Raises:
        ControlError: The daemon does not end.
    """
    pid = daemon_pid(home)
    if pid is None:
        return
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    if not _wait_ended(home, pid):
        raise ControlError(
            f"the daemon (pid {pid}) runs other code and did not end; kill it and try again"
        )


def _wait_ended(home: Path, pid: int) -> bool:
    """Wait until the daemon with this process id releases its lock; False after a timeout."""
    # The lock is released when the process ends, even if its parent has not yet waited for it.
    deadline = time.monotonic() + _STOP_SECONDS
    while daemon_pid(home) == pid:
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


@contextmanager
def _starting(home: Path) -> Iterator[None]:
    with (data_dir(home, "daemon") / "start.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _launch(platform: Platform, services: Sequence[str], waiting: _Waiting) -> None:
    home = platform.home
    if _running_daemon_answers(platform):
        return
    log = log_dir(home) / "daemon.log"
    package_root = str(Path(localcloud.__file__).resolve().parent.parent)
    env = {
        name: value for name, value in os.environ.items() if not name.startswith(_DROPPED_PREFIXES)
    }
    env["PYTHONPATH"] = os.pathsep.join(
        filter(None, (package_root, os.environ.get("PYTHONPATH", "")))
    )
    command = [sys.executable, "-P", "-m", "localcloud", "serve", "--home", str(home)]
    if services:
        command += ["--services", ",".join(services)]
    # Run in the home, so that the daemon does not hold the folder that the caller started it from.
    shell = ["/bin/sh", "-c", 'cd -- "$1" && shift && exec "$@"', "sh", str(home), *command]
    process = processes.spawn(shell, env, log)
    if not _wait_healthy(platform, process, waiting):
        raise ControlError(f"the local cloud did not start; the last lines of {log}:\n{tail(log)}")


def _running_daemon_answers(platform: Platform) -> bool:
    """Return whether a running daemon answers; wait for one that is ending."""
    deadline = time.monotonic() + _START_SECONDS
    while (pid := daemon_pid(platform.home)) is not None:
        if healthy(platform):
            return True
        if time.monotonic() > deadline:
            raise ControlError(
                f"the daemon (pid {pid}) is running but does not answer; stop it first"
            )
        time.sleep(_POLL_SECONDS)
    return False


def _wait_healthy(platform: Platform, pid: int, waiting: _Waiting) -> bool:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if healthy(platform):
            return True
        if processes.reap(pid):
            return False
        waiting.on(["daemon"])
        time.sleep(_POLL_SECONDS)
    return False


def _wait_for_services(platform: Platform, waiting: _Waiting) -> None:
    """Wait until every service is ready.

    The wait has no limit of its own: the supervisor ends a process that is not ready in the time of
    its spec, and a process that ends before it is ready is noticed here.
    """
    while True:
        rows = call(platform, "GET", "/_local/status")["processes"]
        services = [row for row in rows if row["service"]]
        failed = [
            row
            for row in services
            if row["state"] not in ACTIVE
            or (row["state"] != "running" and row["failed_starts"] >= MOST_FAILED_STARTS)
        ]
        if failed:
            raise ControlError("\n".join(_failure(row) for row in failed))
        left = [row["name"] for row in services if row["state"] != "running"]
        if not left:
            return
        waiting.on(left)
        time.sleep(_POLL_SECONDS)


def _failure(row: Mapping[str, Any]) -> str:
    return (
        f"{row['name']} is {row['state']}: {row['reason']}; the last lines of {row['log']}:\n"
        f"{tail(Path(row['log']))}"
    )


class _Waiting:
    """Reports what a start waits for: after two seconds, at every change, and every few seconds."""

    def __init__(self, report: Callable[[str], None]) -> None:
        self._report = report
        self._began = time.monotonic()
        self._last = self._began
        self._names: list[str] = []

    def on(self, names: list[str]) -> None:
        """Report these names, unless the last report is recent and says the same."""
        now = time.monotonic()
        quiet = _REPORT_SECONDS if names == self._names else 0.0
        if now - self._last >= quiet and now - self._began >= _FIRST_REPORT_SECONDS:
            self._last, self._names = now, names
            self._report(f"  … waiting for {', '.join(names)}, {now - self._began:.0f} s")


def healthy(platform: Platform) -> bool:
    """Return whether the daemon that answers at the stack's address belongs to this stack."""
    return _health(platform).get("home") == str(platform.home)


def _health(platform: Platform) -> dict[str, Any]:
    try:
        return call(platform, "GET", "/_local/health")
    except ControlError:
        return {}


def call(platform: Platform, method: str, path: str) -> dict[str, Any]:
    """Call the daemon's admin API and return its reply.

    Raises:
        ControlError: The daemon does not answer, or refuses the call.
    """
    address = urlsplit(platform.endpoints["api"])
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
    try:
        connection.request(method, path, headers={"X-Local-Secret": platform.access_key_secret})
        response = connection.getresponse()
        document = json.loads(response.read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise ControlError(f"{platform.endpoints['api']} does not answer: {error}") from error
    finally:
        connection.close()
    if response.status >= 400 or not isinstance(document, dict):
        raise ControlError(f"the daemon refused {method} {path}: {document}")
    return document


def stop(home: Path) -> None:
    """Stop every process of the stack and its daemon, if they are running.

    Raises:
        ControlError: The daemon did not end in time.
    """
    platform = load_platform(home)
    with _starting(home):
        pid = daemon_pid(home)
        if pid is not None:
            _end_daemon(platform, pid)
        # A killed daemon leaves processes behind, and an ending one may not stop them all.
        context = make_context(home, watch=False)
        context.supervisor.stop_all()
        context.store.close()


def _end_daemon(platform: Platform, pid: int) -> None:
    try:
        call(platform, "POST", "/_local/stop")
    except ControlError:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    if not _wait_ended(platform.home, pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        raise ControlError(
            f"the daemon (pid {pid}) did not end within {_STOP_SECONDS:g} s and was killed; "
            "run stop again to end the processes that it started"
        )


def status(home: Path) -> list[dict[str, Any]]:
    """Return one row per process, with the daemon first."""
    platform = load_platform(home)
    pid = daemon_pid(home)
    up = healthy(platform)
    daemon = {
        "name": "daemon",
        "state": "running" if up else "stopped" if pid is None else "not answering",
        "pid": pid,
        "address": urlsplit(platform.endpoints["api"]).netloc,
        "restarts": 0,
        "reason": "",
        "log": str(log_dir(home) / "daemon.log"),
    }
    rows = call(platform, "GET", "/_local/status")["processes"] if up else []
    return [daemon, *rows]
