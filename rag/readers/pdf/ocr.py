"""Recognises the text of page images with Tesseract, if it is installed.

Runs the program ``tesseract`` as a process, one page at a time and with a time limit. Does not
render pages.

API: https://tesseract-ocr.github.io/tessdoc/Command-Line-Usage.html (read 2026-11)
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from collections.abc import Sequence

from rag.readers.pdf.characters import clean

__all__ = ["MOST_FAILURES", "OcrError", "languages_of", "recognise"]

MOST_FAILURES = 5
"""After so many pages on which Tesseract failed, the other pages of a document are not tried."""
_INSTALL_HINT = "install it, for example: apt-get install tesseract-ocr tesseract-ocr-chi-sim"
PAGE_TIMEOUT_SECONDS = 120
_LIST_TIMEOUT_SECONDS = 30
_CJK_SPACE = re.compile("(?<=[\u2e80-\u9fff\uff00-\uffef]) (?=[\u2e80-\u9fff\uff00-\uffef])")
"""Tesseract puts spaces between Chinese characters."""


class OcrError(Exception):
    """Tesseract is missing, or could not read a page; the message is one sentence's end."""


def languages_of(wanted: Sequence[str]) -> tuple[str, ...]:
    """Return those of the languages that Tesseract has data for, in their order.

    Raises:
        OcrError: Tesseract is not installed, or has no data for any of them.
    """
    program = shutil.which("tesseract")
    if program is None:
        raise OcrError(f"tesseract is not installed; {_INSTALL_HINT}")
    known = _installed(program)
    usable = tuple(language for language in wanted if language in known)
    if not usable:
        raise OcrError(
            f"tesseract has no data for {' or '.join(wanted)}; it has {' '.join(sorted(known))}"
        )
    return usable


def recognise(picture: bytes, languages: Sequence[str]) -> list[list[str]]:
    """Read one page.

    Args:
        picture: An image in the PGM format.
        languages: As `languages_of` returns them.

    Returns:
        Its paragraphs, each with its lines; empty if Tesseract found no text.

    Raises:
        OcrError: Tesseract failed, or took longer than `PAGE_TIMEOUT_SECONDS`.
    """
    command = ["tesseract", "stdin", "stdout", "-l", "+".join(languages)]
    output = _run(command, picture, PAGE_TIMEOUT_SECONDS)
    paragraphs = []
    for block in re.split(r"\n\s*\n|\f", output):
        lines = [_CJK_SPACE.sub("", clean(line)) for line in block.split("\n")]
        if lines := [line for line in lines if line]:
            paragraphs.append(lines)
    return paragraphs


@functools.cache
def _installed(program: str) -> frozenset[str]:
    """Return the languages that the program has data for."""
    output = _run([program, "--list-langs"], b"", _LIST_TIMEOUT_SECONDS)
    return frozenset(line.strip() for line in output.splitlines()[1:] if line.strip())


def _run(command: Sequence[str], data: bytes, timeout_seconds: float) -> str:
    # One thread: on a page Tesseract's threads wait for each other longer than they compute.
    environment = {**os.environ, "OMP_THREAD_LIMIT": "1"}
    try:
        done = subprocess.run(
            command, input=data, capture_output=True, timeout=timeout_seconds, env=environment
        )
    except subprocess.TimeoutExpired as error:
        raise OcrError(f"tesseract took longer than {timeout_seconds:.0f} seconds") from error
    except OSError as error:
        raise OcrError(f"tesseract cannot be started: {error.strerror or error}") from error
    if done.returncode:
        said = " ".join(done.stderr.decode("utf-8", "replace").split())[:200]
        raise OcrError(f"tesseract ended with exit code {done.returncode}: {said}")
    return done.stdout.decode("utf-8", "replace")
