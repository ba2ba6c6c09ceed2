"""Reads documents in a child process, so that no document can stop or stall a run.

Owns the child: its start, its limits of time and memory, and what is reported of a document that it
did not survive. A parser that loops, crashes in native code or fills the memory raises no
exception. Such a document is not tried again in the run; a new child reads the others. Does not
read (`rag.readers`).

The child is ``python -m rag.reader_process``. A process of `multiprocessing` would import the main
module of its parent first, which takes seconds for an ingest, and a fork is not safe beside the
parent's threads. The child reads one document ahead, while the parent works on the one before, and
waits until the parent takes it.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path, PurePosixPath

from rag.documents import Document
from rag.errors import ReaderProcessError, ReadError
from rag.readers import DEFAULT_MAX_BYTES, read_document
from rag.readers.options import DEFAULT_OPTIONS, OCR_SUFFIXES, ReadOptions

__all__ = ["DocumentReader", "File", "seconds_for"]

File = tuple[str, Path]
"""A document's key and its file."""

_SECONDS = 120.0
_SECONDS_PER_MIB = 60.0
"""A document may take `_SECONDS`, and so much more for each MiB. PDF is the slowest format: on a
busy machine with 2 cores, 500 pages of plain text (2.8 MiB) take 24 to 60 s; texts of 60 MiB take
up to 9 s."""
_OCR_FACTOR = 10.0
"""For formats that OCR applies to. A page takes Tesseract some 10 s, and scanned pages are as small
as 20 KiB (both assumed)."""
_MEMORY_BYTES = 4 * 2**30
"""Address space of the child. Texts, web pages and tables of 60 MiB need up to 450 MiB; an XML part
of an Office file may need 512 MiB (`rag.readers.archive`)."""
_START_SECONDS = 120.0
"""Loading the readers takes less than a second; a cold disk on a busy machine may need longer."""
_STOPPED = "The process that reads documents was stopped."
_ADVICE = "open it with its own program and save it again, or split it"


_Content = tuple[Path, int, int, str]
"""What changes when a document changes, or the options for it: path, size, time and options."""
_stopped: dict[_Content, str] = {}
"""Why documents ended a child of this process; an evaluation reads its corpus more than once."""


@dataclass(frozen=True, kw_only=True)
class _Request:
    """A document to read, and how long that may take."""

    key: str
    path: Path
    content: _Content
    seconds: float


class _Child:
    """The process that reads, and the connection to it."""

    def __init__(self) -> None:
        self.connection, theirs = Pipe()
        with theirs:
            self.process = subprocess.Popen(
                # -P: the folder that this runs in is not searched for modules.
                [sys.executable, "-P", "-m", "rag.reader_process", str(theirs.fileno())],
                env={**os.environ, "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))},
                # Nothing is written to it. It closes when this process ends, however it does.
                stdin=subprocess.PIPE,
                pass_fds=[theirs.fileno()],
                process_group=0,
            )
        self._is_ready = False

    def wait_until_ready(self) -> bool:
        """Wait until it has loaded the readers; return False if it had not before the call.

        Raises:
            ReaderProcessError: It ended, or took too long.
        """
        if self._is_ready:
            return True
        with contextlib.suppress(EOFError, ConnectionError):
            if self.connection.poll(_START_SECONDS):
                self.connection.recv()
                self._is_ready = True
                return False
        raise ReaderProcessError(
            f"The process that reads documents does not start (exit status {self.stop()}). Its "
            f"messages are on stderr."
        )

    def stop(self) -> int:
        """Kill it and the programs that it started; return its exit status."""
        if self.process.returncode is None:  # The system has not given its number away yet.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
        if self.process.stdin is not None:
            self.process.stdin.close()
        return self.process.wait()


class DocumentReader:
    """Reads documents in a child process; a context manager, which starts and stops the child.

    One thread at a time may read. Any thread may close.

    Args:
        options: How to read, where a choice exists.
        max_bytes: Largest file to read.

    Attributes:
        options: As given.
    """

    def __init__(
        self, *, options: ReadOptions = DEFAULT_OPTIONS, max_bytes: int = DEFAULT_MAX_BYTES
    ) -> None:
        self.options = options
        self._read = functools.partial(read_document, options=options, max_bytes=max_bytes)
        self._child: _Child | None = None
        self._closed = False
        self._lock = threading.Lock()
        self._since = 0.0
        """When the child could begin with the document that is waited for."""

    def __enter__(self) -> DocumentReader:
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop the child. A thread that waits for a document gets a `ReaderProcessError`."""
        with self._lock:
            self._closed = True
        self._stop()

    def read(self, files: Iterable[File]) -> Iterator[Document | ReadError]:
        """Yield each file's document, or why it is unread, in the order of `files`.

        Raises:
            ReaderProcessError: The child does not start, or the reader was closed.
        """
        asked: deque[_Request] = deque()
        self._since = time.monotonic()
        try:
            for key, path in files:
                request = self._request(key, path)
                self._ask(request)
                asked.append(request)
                if len(asked) > 1:
                    yield self._answer(asked)
            while asked:
                yield self._answer(asked)
        finally:
            if asked:  # The next call must not take their answers for its own.
                self._stop()

    def _request(self, key: str, path: Path) -> _Request:
        try:
            found = path.stat()
            size_bytes, changed = found.st_size, found.st_mtime_ns
        except (OSError, ValueError):  # `read_document` gives the reason.
            size_bytes = changed = 0
        return _Request(
            key=key,
            path=path,
            content=(path, size_bytes, changed, self.options.identity(key, "")),
            seconds=seconds_for(key, size_bytes, self.options),
        )

    def _ask(self, request: _Request) -> None:
        if request.content in _stopped:
            return
        child = self._child or self._start()
        # If the child is gone, `_answer` finds out and asks another one.
        with contextlib.suppress(ConnectionError):
            child.connection.send((request.key, request.path))

    def _answer(self, asked: deque[_Request]) -> Document | ReadError:
        """Return what became of the first file of `asked`, and remove it there."""
        request = asked.popleft()
        if (reason := _stopped.get(request.content)) is not None:
            # The child began with the next one when it was asked for, just before this call.
            self._since = time.monotonic()
            return ReadError(request.key, reason)
        child = self._child or self._start()
        if not child.wait_until_ready():
            self._since = time.monotonic()
        answer: Document | str
        try:
            if child.connection.poll(max(0.0, self._since + request.seconds - time.monotonic())):
                answer = child.connection.recv()
            else:
                answer = (
                    f"reading took longer than {request.seconds:.0f} s and was stopped; {_ADVICE}"
                )
                self._stop()
        except (EOFError, ConnectionError):
            status = self._stop()
            if self._closed:
                raise ReaderProcessError(_STOPPED) from None
            answer = _reason(status)
        if self._child is None:
            _stopped[request.content] = str(answer)
            for other in asked:
                self._ask(other)
        self._since = time.monotonic()
        return ReadError(request.key, answer) if isinstance(answer, str) else answer

    def _start(self) -> _Child:
        with self._lock:
            if self._closed:
                raise ReaderProcessError(_STOPPED)
            child = self._child = _Child()
        with contextlib.suppress(ConnectionError):
            child.connection.send(self._read)
        return child

    def _stop(self) -> int:
        with self._lock:
            child, self._child = self._child, None
            return child.stop() if child is not None else 0


def seconds_for(key: str, size_bytes: int, options: ReadOptions) -> float:
    """Return how long reading a document may take."""
    seconds = _SECONDS + _SECONDS_PER_MIB * size_bytes / 2**20
    is_recognised = options.ocr and PurePosixPath(key).suffix.lower() in OCR_SUFFIXES
    return seconds * _OCR_FACTOR if is_recognised else seconds


def _reason(status: int) -> str:
    """Return the reason for a document that ended the child with this exit status."""
    if status == -signal.SIGKILL:
        return "the reader was killed (signal 9), probably because the memory was full; split it"
    if status < 0:
        name = signal.Signals(-status).name
        return f"the reader crashed (signal {-status}, {name}); {_ADVICE}"
    return f"the reader ended with exit status {status}; {_ADVICE}"


def _serve(connection: Connection) -> None:
    """Run the child: receive a function, then its arguments, and send what it returns."""
    _limit()
    with contextlib.suppress(EOFError, ConnectionError):  # The parent ended.
        read: Callable[[str, Path], Document] = connection.recv()
        connection.send(None)
        while True:
            key, path = connection.recv()
            answer: Document | str
            try:
                answer = read(key, path)
            except ReadError as error:
                answer = error.reason
            connection.send(answer)


def _limit() -> None:
    """Bound the memory, and let the system end this process when the parent ends."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    soft = _MEMORY_BYTES if hard == resource.RLIM_INFINITY else min(hard, _MEMORY_BYTES)
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # If the memory of the machine is full, this process goes, not the run.
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
    # The system sends SIGIO when the other end of stdin closes. A thread that waits for that would
    # not run while native code holds the interpreter's lock.
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    fcntl.fcntl(0, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(0, fcntl.F_SETFL, fcntl.fcntl(0, fcntl.F_GETFL) | os.O_ASYNC)


if __name__ == "__main__":
    _serve(Connection(int(sys.argv[1])))
