"""Removes everything of the local stack except caches: processes, ports and files.

Owns stopping the processes that run from the stack's home, and removing its files. It touches only
processes that run this checkout's Python, or Java, from that home.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from tools.paths import Paths

_STOP_SECONDS = 120
_KILL_SECONDS = 10.0
_POLL_SECONDS = 0.1


def stop_everything(paths: Paths) -> list[int]:
    """Stop the local cloud, then its processes that still run.

    Returns:
        The processes that could not be stopped.
    """
    if paths.python.exists() and paths.platform_file.exists():
        try:
            done = subprocess.run(
                [str(paths.python), "-m", "localcloud", "stop", "--home", str(paths.home)],
                cwd=paths.checkout,
                check=False,
                timeout=_STOP_SECONDS,
            )
            if done.returncode != 0:
                print("the local cloud did not stop; its processes are killed")
        except (OSError, subprocess.TimeoutExpired) as error:
            print(f"the local cloud did not stop ({error}); its processes are killed")
    for signum in (signal.SIGTERM, signal.SIGKILL):
        left = running_from(paths)
        for pid in left:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signum)
        deadline = time.monotonic() + _KILL_SECONDS
        while left and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
            left = running_from(paths)
        if not left:
            return []
    return running_from(paths)


def running_from(paths: Paths) -> list[int]:
    """Return the processes of the stack, by their arguments, directory or Pulumi home.

    The last finds the program and plugins of a killed engine, which run on for some seconds.
    """
    homes = [str(folder) for folder in paths.folders]
    ours = {os.getpid(), os.getppid()}
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) in ours:
            continue
        try:
            command = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
            directory = os.readlink(entry / "cwd")  # noqa: PTH115  Path.readlink drops " (deleted)"
            variables = (entry / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if not _is_service(command[0], paths):
            continue
        if os.fsencode(f"PULUMI_HOME={paths.pulumi_home}") in variables or any(
            _is_inside(word, home) for word in (*command, directory) for home in homes
        ):
            found.append(int(entry.name))
    return found


def _is_service(executable: str, paths: Paths) -> bool:
    names = ("java", "controller", "node", "workerd", "pulumi")
    return executable.startswith(str(paths.venv)) or Path(executable).name in names


def _is_inside(text: str, home: str) -> bool:
    return f"{home}/" in f"{text}/"


def remove_files(paths: Paths) -> None:
    """Remove everything of the local stack from the checkout.

    Raises:
        OSError: A file cannot be removed.
    """
    for folder in paths.folders:
        if folder.exists():
            shutil.rmtree(folder)
    paths.stack_file.unlink(missing_ok=True)
    paths.lock.unlink(missing_ok=True)
    with suppress(OSError):
        paths.private.rmdir()


def remove(paths: Paths) -> int:
    """Stop the processes of a stack on this machine, remove its files; return the exit code."""
    left = stop_everything(paths)
    remove_files(paths)
    if left:
        print("these processes could not be stopped: " + ", ".join(map(str, left)))
    return 1 if left else 0
