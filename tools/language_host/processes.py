"""The child processes of the host, and their end.

Owns starting `child.py` with its order, streaming its output, stopping it, and ending everything
when the engine that started this host is gone. Does not know the protocol.

A child notices that the host is gone by the end of its standard input; the host notices that the
engine is gone by its new parent process. So a `kill -9` of either leaves nothing running.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Literal

CHILD = Path(__file__).with_name("child.py")
STOP_TIMEOUT_SECONDS = 3.0
"""How long a child may take to end; the engine itself kills the host after 5 seconds."""
ENGINE_POLL_SECONDS = 0.25
_CHUNK_BYTES = 65536

Stream = Literal["stdout", "stderr"]


class Children:
    """The processes this host has started and that have not been reaped."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._programs: set[subprocess.Popen[bytes]] = set()
        self._closed = False

    def start(
        self,
        python: Path,
        order: Mapping[str, object],
        *,
        cwd: str,
        env: Mapping[str, str] | None = None,
        is_program: bool,
    ) -> subprocess.Popen[bytes]:
        """Start a child and give it its order.

        Args:
            python: The interpreter to run it with.
            order: What `child.py` is to do; travels by standard input, as it may hold secrets.
            cwd: Working directory.
            env: The whole environment, or None for this host's.
            is_program: A program shares this host's output and ends with `stop_programs`; a
                plugin's output is piped to this process.

        Raises:
            RuntimeError: The host is being stopped.
            OSError: The interpreter could not be started.
        """
        pipe = None if is_program else subprocess.PIPE
        with self._lock:
            if self._closed:
                raise RuntimeError("the language host is stopping")
            process = subprocess.Popen(
                [str(python), "-u", str(CHILD)],
                cwd=cwd,
                env=None if env is None else dict(env),
                stdin=subprocess.PIPE,
                stdout=pipe,
                stderr=pipe,
            )
            self._running.add(process)
            if is_program:
                self._programs.add(process)
        if process.stdin is None:
            raise RuntimeError("the child has no standard input")
        # A child that died at once is reported by its exit code.
        with suppress(BrokenPipeError):
            process.stdin.write(json.dumps(order).encode() + b"\n")
            process.stdin.flush()
        return process

    def wait(self, process: subprocess.Popen[bytes]) -> int:
        """Wait for a child's exit code and forget it."""
        code = process.wait()
        with self._lock:
            self._running.discard(process)
            self._programs.discard(process)
        if process.stdin is not None:
            with suppress(BrokenPipeError):
                process.stdin.close()
        return code

    def stop(self, process: subprocess.Popen[bytes]) -> None:
        """Ask one child to end if it runs, and kill it after STOP_TIMEOUT_SECONDS."""
        if process.poll() is not None:
            return
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()

    def stop_programs(self) -> None:
        """Ask the running programs to end; plugins are asked by the engine itself."""
        with self._lock:
            programs = list(self._programs)
        for process in programs:
            self.stop(process)

    def close(self) -> None:
        """Ask every child to end, and start no more."""
        with self._lock:
            self._closed = True
            running = list(self._running)
        for process in running:
            process.terminate()
        for process in running:
            self.stop(process)

    def kill_all(self) -> None:
        """Kill every child at once, and start no more."""
        with self._lock:
            self._closed = True
            for process in self._running:
                process.kill()


def output_of(process: subprocess.Popen[bytes]) -> Iterator[tuple[Stream, bytes]]:
    """Yield what a captured child writes, as it comes, until both streams end."""
    chunks: queue.Queue[tuple[Stream, bytes] | None] = queue.Queue(maxsize=256)

    def read(name: Stream, stream: IO[bytes]) -> None:
        with stream:
            while chunk := os.read(stream.fileno(), _CHUNK_BYTES):
                chunks.put((name, chunk))
        chunks.put(None)

    sources: tuple[tuple[Stream, IO[bytes] | None], ...] = (
        ("stdout", process.stdout),
        ("stderr", process.stderr),
    )
    readers = 0
    for name, stream in sources:
        if stream is not None:
            threading.Thread(target=read, args=(name, stream), daemon=True).start()
            readers += 1
    while readers:
        item = chunks.get()
        if item is None:
            readers -= 1
        else:
            yield item


def watch_parent(on_death: Callable[[], None], parent_pid: int) -> threading.Thread:
    """Call `on_death` once the parent of this process is no longer `parent_pid`."""

    def watch() -> None:
        never = threading.Event()
        while os.getppid() == parent_pid:
            never.wait(ENGINE_POLL_SECONDS)
        on_death()

    thread = threading.Thread(target=watch, name="watch-engine", daemon=True)
    thread.start()
    return thread
