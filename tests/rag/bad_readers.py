"""Readers that do not come back, for the child process of `rag.reader_process`.

Tests replace the real `read_document` by this one. It reads a text as the real one does, unless the
text's first line says what the reader does.
"""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path
from typing import Any
from unittest.mock import patch

from rag import readers
from rag.documents import Document
from rag.readers.options import ReadOptions

__all__ = ["read_document"]


def _loop() -> None:
    while True:
        pass


def _backtrack() -> None:
    # Holds the interpreter's lock for years.
    re.match("(a+)+$", "a" * 60 + "b")


def _crash() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def _grow() -> None:
    pieces = []
    while True:
        pieces.append(bytes(2**26))


def _run_out_of_memory() -> None:
    # As the system ends a process.
    os.kill(os.getpid(), signal.SIGKILL)


def _exit() -> None:
    os._exit(3)


_DEEDS = {
    b"LOOP": _loop,
    b"BACKTRACK": _backtrack,
    b"CRASH": _crash,
    b"GROW": _grow,
    b"OUT OF MEMORY": _run_out_of_memory,
    b"EXIT": _exit,
}


def _read(key: str, data: bytes, options: ReadOptions) -> Document:
    deed, _, log = data.partition(b"\n")
    if deed in _DEEDS:
        if log:
            with Path(os.fsdecode(log)).open("a") as lines:
                print(key, file=lines)
        _DEEDS[deed]()
    return readers.read_text(key, data, options)


def read_document(key: str, path: Path, **given: Any) -> Document:
    """Read a file with the readers of this module for texts."""
    with patch.object(readers, "READERS", {**readers.READERS, ".txt": _read}):
        return readers.read_document(key, path, **given)
