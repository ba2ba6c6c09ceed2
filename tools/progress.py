"""Runs the steps of the set-up side by side and shows their progress.

Owns the order of steps (each after those it needs), their logs, the status line on a terminal or
plain lines elsewhere, and the end of all steps when one fails. Does not know what a step does.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import TextIO

from tools.errors import StepError

WIDTH = 80
_TERMINAL_SECONDS = 0.5
_PLAIN_SECONDS = 15.0
_STOP_SECONDS = 5.0


class StepContext:
    """The log of a step, and commands whose output goes there.

    Attributes:
        name: The step's name.
        log: The file that its commands write to.
    """

    def __init__(self, name: str, log: Path) -> None:
        self.name = name
        self.log = log
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = False

    def run(
        self,
        command: Sequence[str | Path],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        timeout_seconds: float | None = None,
    ) -> None:
        """Run a command, its output appended to the log.

        Args:
            command: The program and its arguments.
            cwd: Working directory; by default that of this process.
            env: The whole environment; by default that of this process.
            timeout_seconds: The command is killed after this time.

        Raises:
            StepError: It cannot be started, fails, or takes too long.
        """
        words = [str(word) for word in command]
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            log.write(f"$ {shlex.join(words)}\n".encode())
            log.flush()
            with self._lock:
                if self._stopped:
                    raise StepError(self.name, "stopped")
                try:
                    process = subprocess.Popen(
                        words,
                        cwd=cwd,
                        env=None if env is None else dict(env),
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=subprocess.STDOUT,
                        start_new_session=True,
                    )
                except OSError as error:
                    raise StepError(self.name, f"cannot run {words[0]}: {error}") from error
                self._process = process
            try:
                code = process.wait(timeout_seconds)
            except subprocess.TimeoutExpired as error:
                self._end(process)
                raise StepError(
                    self.name, f"{words[0]} took more than {timeout_seconds:.0f} s", self.log
                ) from error
            finally:
                with self._lock:
                    self._process = None
        if code != 0:
            raise StepError(self.name, f"{words[0]} failed with exit code {code}", self.log)

    def say(self, text: str) -> None:
        """Write a line to the step's log."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("a") as log:
            log.write(text + "\n")

    def stop(self) -> None:
        """End the running command and start no other."""
        with self._lock:
            self._stopped = True
            process = self._process
        if process is not None:
            self._end(process)

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        for signum in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signum)
            with suppress(subprocess.TimeoutExpired):
                process.wait(_STOP_SECONDS)
                return


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step.

    Attributes:
        name: The name in messages and of its log file.
        action: Does the work; returns a short note, or "" if there was nothing to do.
        needs: Names of the steps that must finish before.
    """

    name: str
    action: Callable[[StepContext], str]
    needs: tuple[str, ...] = ()


class Display:
    """Lines of finished steps, and one status line for running ones."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self.terminal = self._stream.isatty()
        self._status_shown = False
        self._last_plain = time.monotonic()

    @property
    def interval_seconds(self) -> float:
        """How often to show the status."""
        return _TERMINAL_SECONDS if self.terminal else 1.0

    def line(self, text: str) -> None:
        """Show a line permanently."""
        self._clear()
        print(text, file=self._stream, flush=True)

    def status(self, running: Mapping[str, float]) -> None:
        """Show the running steps and their times."""
        if not running:
            return
        now = time.monotonic()
        text = ", ".join(f"{name} {_clock(now - since)}" for name, since in running.items())
        if self.terminal:
            self._clear()
            self._stream.write(f"  {text}"[: WIDTH - 1])
            self._stream.flush()
            self._status_shown = True
        elif now - self._last_plain >= _PLAIN_SECONDS:
            self._last_plain = now
            print(f"  … {text}"[:WIDTH], file=self._stream, flush=True)

    def _clear(self) -> None:
        if self._status_shown:
            self._stream.write("\r\x1b[2K")
            self._status_shown = False


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02d}"


def run_steps(steps: Sequence[Step], *, logs: Path, display: Display) -> dict[str, float]:
    """Run steps, each as soon as the steps that it needs are done.

    Args:
        steps: In any order; a need must be the name of one of them.
        logs: The folder for their logs.
        display: Where progress is shown.

    Returns:
        Seconds by step, for those that had something to do.

    Raises:
        StepError: The first failure; the other steps were stopped.
        graphlib.CycleError: Needs form a circle.
    """
    by_name = {step.name: step for step in steps}
    order = TopologicalSorter({step.name: step.needs for step in steps})
    order.prepare()
    running: dict[Future[str], tuple[StepContext, float]] = {}
    took: dict[str, float] = {}
    with ThreadPoolExecutor(max_workers=len(steps) or 1) as pool:
        try:
            while order.is_active():
                for name in order.get_ready():
                    log = logs / f"{name.replace(' ', '-')}.log"
                    log.unlink(missing_ok=True)
                    context = StepContext(name, log)
                    future = pool.submit(by_name[name].action, context)
                    running[future] = context, time.monotonic()
                ended, _ = wait(
                    running, timeout=display.interval_seconds, return_when=FIRST_COMPLETED
                )
                for future in ended:
                    context, started = running.pop(future)
                    note = future.result()
                    order.done(context.name)
                    if note:
                        took[context.name] = time.monotonic() - started
                        display.line(_done_line(context.name, note, took[context.name]))
                display.status({context.name: started for context, started in running.values()})
        except BaseException:
            for context, _ in running.values():
                context.stop()
            raise
    return took


def _done_line(name: str, note: str, seconds: float) -> str:
    end = f"{seconds:6.1f} s"
    room = WIDTH - len(end) - 1
    text = f"  {name}: {note}"
    if len(text) > room:
        text = text[: room - 1] + "…"
    return f"{text:<{room}} {end}"
