"""Asking the chat application from the make targets.

Owns which question is shown after an update. Asking and printing is `rag.ask`'s.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from pathlib import Path

from tools.paths import Paths
from tools.progress import WIDTH

_ANY_QUESTION = "What are these documents about?"


def command(paths: Paths, url: str, question: str) -> list[str | Path]:
    """The command that asks one question and prints its answer and sources."""
    return [paths.python, "-m", "rag.ask", "--url", url, "--", question]


def sample_question(paths: Paths, config: Mapping[str, str]) -> str:
    """The question to show: the smoke question, the corpus' first, or one that fits any corpus.

    Args:
        paths: The checkout; the corpus' folder is relative to it.
        config: The configuration that the update ran with.
    """
    values = {key.rpartition(":")[2]: value for key, value in config.items()}
    if values.get("smokeQuestion"):
        return values["smokeQuestion"]
    file = paths.checkout / values.get("corpusDir", "examples/corpus") / "questions.jsonl"
    try:
        with file.open(encoding="utf-8") as lines:
            return str(json.loads(next(lines))["question"])
    except (OSError, ValueError, KeyError, TypeError, StopIteration):
        return _ANY_QUESTION


def heading(question: str) -> str:
    """The line that stands before an answer."""
    return textwrap.fill(f"Asked: {question}", width=WIDTH)
