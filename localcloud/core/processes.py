"""Start, find and end an operating-system process together with all its descendants.

Owns the launch wrapper and the search for descendants. It does not decide about restarts: the
supervisor does.

The wrapper is a ``sh`` in its own session. It runs the program and writes the exit code to a file,
so the code is known even if the daemon was not running at that moment. All descendants have the
environment variable ``LOCALCLOUD_PROCESS``, so that ones that left the session (as the workers of
torchrun do) are found and ended too.
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

# The inner shell becomes the program (same pid, SIGINT not ignored). The outer shell survives the
# signals that are sent to the group, and records how the program ended.
_WRAPPER = (
    'trap : TERM INT HUP; base=$1; cd -- "$2" || exit; shift 2; '
    'sh -c \'base=$1; shift; echo $$ >"$base.pid"; exec "$@"\' sh "$base" "$@"; '
    'echo $? >"$base.exit"'
)


@dataclass(frozen=True)
class Launched:
    """A running wrapper, with what the next daemon needs to find it again.

    Attributes:
        wrapper_pid: The process id of the wrapper; also the id of its session and group.
        created: The start time of the wrapper, in seconds since the epoch; distinguishes it from a
            later process with the same id.
        base: The path that ``.pid`` and ``.exit`` are appended to.
        mark: The value of ``LOCALCLOUD_PROCESS`` in its descendants.
    """

    wrapper_pid: int
    created: float
    base: Path
    mark: str

    def alive(self) -> bool:
        """Return whether the wrapper is running."""
        return _alive(self.wrapper_pid, self.created)

    def pid(self) -> int | None:
        """Return the process id of the program; None until it is known."""
        return _number(Path(f"{self.base}.pid"))

    def exit_code(self) -> int | None:
        """Return the exit code of the program, or minus the signal; None if it is not known."""
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
        env: Its complete environment; ``LOCALCLOUD_PROCESS`` is added.
        cwd: Its working directory.
        log: The file that its output is appended to.
        base: The path that ``.pid`` and ``.exit`` are appended to.

    Raises:
        OSError: The working directory or log cannot be used.
    """
    base.parent.mkdir(parents=True, exist_ok=True)
    log.parent.mkdir(parents=True, exist_ok=True)
    if not cwd.is_dir():
        raise NotADirectoryError(f"the working directory {cwd} does not exist")
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
    """Start a program in its own session, append its output to ``log``, and return its process id.

    This does not use ``subprocess``, which warns about programs that outlive their parent.

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
    """Collect an ended child process, so that it does not stay a zombie.

    Returns:
        Whether the child has ended; False also if it is not a child of this process.
    """
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return False


def members(launched: Launched) -> list[psutil.Process]:
    """Return every process of the run: those in its session, and those with its mark."""
    wanted = f"{MARKER}={launched.mark}".encode()
    found = []
    for process in psutil.process_iter():
        if process.pid == os.getpid():
            continue
        if _in_session(process.pid, launched) or _has_mark(process.pid, wanted):
            found.append(process)
    return found


def _in_session(pid: int, launched: Launched) -> bool:
    try:
        # The kernel does not reuse the id of a session while it has members. The start time rules
        # out an older session with the same id.
        return (
            os.getsid(pid) == launched.wrapper_pid
            and psutil.Process(pid).create_time() >= launched.created - 1.0
        )
    except (ProcessLookupError, psutil.NoSuchProcess, PermissionError):
        return False


def _has_mark(pid: int, wanted: bytes) -> bool:
    try:
        return wanted in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False


def end(launched: Launched, timeout_seconds: float) -> None:
    """Ask every process of the run to end, and kill the rest after the timeout."""
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
