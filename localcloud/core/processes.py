"""Starting, finding and ending one operating-system process with everything it started.

Owns the launch wrapper and the hunt for descendants. It does not decide when to start again:
that is the supervisor's.

A child is started as ``sh`` (in a session of its own) that runs the program and writes its exit
code to a file, so the code is known even when the daemon was dead at that moment. Every process
below it carries the environment variable ``LOCALCLOUD_PROCESS``; that is how ones that left the
session (torchrun's workers do) are found and ended too.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

MARKER = "LOCALCLOUD_PROCESS"
_SHELL = "/bin/sh"
_PID_SECONDS = 2.0

# The inner shell becomes the program itself (same pid, SIGINT not ignored); the outer one outlives
# the signals sent to the group, to write down how the program ended.
_WRAPPER = (
    'trap : TERM INT HUP; base=$1; cd -- "$2" || exit; shift 2; '
    'sh -c \'base=$1; shift; echo $$ >"$base.pid"; exec "$@"\' sh "$base" "$@"; '
    'echo $? >"$base.exit"'
)


@dataclass(frozen=True)
class Launched:
    """A wrapper that was started: enough to find it again after the daemon was killed.

    Attributes:
        wrapper_pid: The wrapper's process id, also its session's and group's.
        created: The wrapper's start time, seconds since the epoch: tells it from a later process
            with the same id.
        base: The path that ``.pid`` and ``.exit`` are appended to.
        mark: The value of ``LOCALCLOUD_PROCESS`` below it.
    """

    wrapper_pid: int
    created: float
    base: Path
    mark: str

    def alive(self) -> bool:
        """Whether the wrapper still runs."""
        return _alive(self.wrapper_pid, self.created)

    def pid(self) -> int | None:
        """The program's own process id; None until it is known."""
        return _number(Path(f"{self.base}.pid"))

    def exit_code(self) -> int | None:
        """How the program ended: its code, or minus the signal; None when nobody knows."""
        code = _number(Path(f"{self.base}.exit"))
        return 128 - code if code is not None and code > 128 else code


def _number(path: Path) -> int | None:
    try:
        text = path.read_text(encoding="ascii")
    except FileNotFoundError:
        return None
    return int(text) if text.endswith("\n") else None


def _alive(pid: int, created: float) -> bool:
    try:
        process = psutil.Process(pid)
        return (
            abs(process.create_time() - created) < 1.0 and process.status() != psutil.STATUS_ZOMBIE
        )
    except psutil.NoSuchProcess:
        return False


def launch(
    argv: Sequence[str], env: Mapping[str, str], cwd: Path, log: Path, base: Path
) -> Launched:
    """Start a program under the wrapper.

    Args:
        argv: The program and its arguments.
        env: Its whole environment (``LOCALCLOUD_PROCESS`` is added).
        cwd: Its working directory.
        log: Where its output is appended.
        base: Path of the run's files; ``.pid`` and ``.exit`` are appended.

    Raises:
        OSError: The working directory or log cannot be used.
    """
    base.parent.mkdir(parents=True, exist_ok=True)
    log.parent.mkdir(parents=True, exist_ok=True)
    if not cwd.is_dir():
        raise NotADirectoryError(f"its working directory {cwd} does not exist")
    for suffix in (".pid", ".exit"):
        Path(f"{base}{suffix}").unlink(missing_ok=True)
    mark = str(base)
    shell = [_SHELL, "-c", _WRAPPER, "sh", str(base), str(cwd), *argv]
    pid = spawn(shell, {**env, MARKER: mark}, log)
    try:
        created = psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        created = time.time()
    launched = Launched(pid, created, base, mark)
    deadline = time.monotonic() + _PID_SECONDS
    while launched.pid() is None and launched.alive() and time.monotonic() < deadline:
        time.sleep(0.005)
    return launched


def spawn(argv: Sequence[str], env: Mapping[str, str], log: Path) -> int:
    """Start a program in a session of its own, its output appended to ``log``; its process id.

    Not ``subprocess``: that warns of programs which outlive the one that started them.

    Raises:
        OSError: The program or the log cannot be used.
    """
    return os.posix_spawn(
        argv[0],
        list(argv),
        env,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
    )


def reap(pid: int) -> bool:
    """Take note of a child's end, so that no zombie stays.

    Returns:
        Whether it has ended; False also when it is not this process' child.
    """
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return False


def members(launched: Launched) -> list[psutil.Process]:
    """Every living process that belongs to that run: its session's and those with its mark."""
    wanted = f"{MARKER}={launched.mark}".encode()
    found = []
    for process in psutil.process_iter():
        if process.pid == os.getpid():
            continue
        if _in_session(process.pid, launched) or _carries(process.pid, wanted):
            found.append(process)
    return found


def _in_session(pid: int, launched: Launched) -> bool:
    try:
        # A session keeps its id for as long as one member lives, so the id cannot be reused for
        # another session in the meantime; an older process of that id is told by its start time.
        return (
            os.getsid(pid) == launched.wrapper_pid
            and psutil.Process(pid).create_time() >= launched.created - 1.0
        )
    except (ProcessLookupError, psutil.NoSuchProcess, PermissionError):
        return False


def _carries(pid: int, wanted: bytes) -> bool:
    try:
        return wanted in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False


def end(launched: Launched, timeout_seconds: float) -> None:
    """Ask every process of the run to end, and kill what is left after the timeout."""
    # One that was started while the others were being found is met in the next round.
    deadline = time.monotonic() + timeout_seconds
    _signal(members(launched), signal.SIGTERM)
    while time.monotonic() < deadline:
        if not _living(members(launched)):
            return
        time.sleep(0.05)
    kill(launched)


def kill(launched: Launched) -> None:
    """Kill every process of the run."""
    for _ in range(20):
        left = _living(members(launched))
        if not left:
            return
        _signal(left, signal.SIGKILL)
        psutil.wait_procs(left, timeout=0.5)


def _living(processes: Iterable[psutil.Process]) -> list[psutil.Process]:
    living = []
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.status() != psutil.STATUS_ZOMBIE:
                living.append(process)
    return living


def _signal(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)
