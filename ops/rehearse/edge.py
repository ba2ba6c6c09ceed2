"""The way in of a rehearsed stack that has an edge: a question through it, and the ways around it.

Owns what is asked and what each answer must be. Does not own when (`ops.rehearse.story`), the edge
(`components.edge`) or the gate behind it (`rag.app.gate`).
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.smoke import direct_opener
from ops.declared import NAMESPACE, ROOT
from rag.headers import EDGE_KEY

__all__ = ["EdgeError", "ask_around", "ask_through", "question_of", "still_answers"]

_TOKEN_SECONDS = 30
_ANSWER_SECONDS = 120.0
_KEPT_SECONDS = 10.0
_ANY_QUESTION = "What are these documents about?"


class EdgeError(Exception):
    """The edge, or what stands behind it, answered otherwise than it must."""


@dataclass(frozen=True, kw_only=True)
class _Answer:
    status: int
    document: Mapping[str, Any]
    kept: str


def question_of(values: Mapping[str, Any]) -> str:
    """What is asked: the smoke question, or the first of the corpus.

    Args:
        values: Config values by key with its namespace.
    """
    if values.get(f"{NAMESPACE}smokeQuestion"):
        return str(values[f"{NAMESPACE}smokeQuestion"])
    file = Path(values[f"{NAMESPACE}corpusDir"]) / "questions.jsonl"
    if not file.is_file():
        return _ANY_QUESTION
    with file.open(encoding="utf-8") as lines:
        return str(json.loads(next(lines))["question"])


def ask_through(outputs: Mapping[str, Any], home: Path, question: str) -> str:
    """Asks through the edge as people do, with a token of the local issuer; what came of it.

    Args:
        outputs: The stack's outputs.
        home: The rehearsal's home.
        question: What is asked.

    Raises:
        EdgeError: No answer with sources came, the edge did not keep it, or it answers without a
            token.
    """
    url, token = str(outputs["edge_url"]), _token(home)
    answer = _asked(url, question, {"Authorization": f"Bearer {token}"})
    sources = answer.document.get("sources")
    if answer.status != 200 or not answer.document.get("answer") or not sources:
        raise EdgeError(
            f"{url}: {answer.status} to {question!r}: {answer.document}; wanted 200, "
            "an answer and its sources"
        )
    deadline = time.monotonic() + _KEPT_SECONDS
    while _asked(url, question, {"Authorization": f"Bearer {token}"}).kept != "hit":
        if time.monotonic() > deadline:
            raise EdgeError(f"{url}: the same question was not answered from the edge's cache")
    without = _asked(url, question, {}).status
    if without != 401:
        raise EdgeError(f"{url}: {without} to a question without a token; wanted 401")
    found = f"{len(sources)} sources, then from the cache"
    return f"asked {question!r} with a token: {found}; without one: 401"


def ask_around(outputs: Mapping[str, Any], home: Path, question: str) -> str:
    """Asks the application itself, past the edge and without its key; what came of it.

    Args:
        outputs: The stack's outputs.
        home: The rehearsal's home.
        question: What is asked.

    Raises:
        EdgeError: It was not refused.
    """
    url, opener = str(outputs["chat_url"]), None
    if url.startswith("https:"):
        # As the smoke question goes: the certificate is checked, also its name.
        trusted = home / "cloud" / "cas" / "trusted.pem"
        opener = direct_opener(str(outputs["chat_address"]), named=True, trusted_file=trusted)
    for key in ("", "a-guess"):
        headers = {EDGE_KEY: key} if key else {}
        status = _asked(url, question, headers, opener).status
        if status != 403:
            raise EdgeError(f"{url}: {status} to a question past the edge; wanted 403")
    return f"{url} without the edge's key, and with a guessed one: 403"


def still_answers(url: str) -> bool:
    """Whether anything answers there."""
    try:
        _asked(url, "", {})
    except EdgeError:
        return False
    return True


def _token(home: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "localcloud.issuer", "token", "--home", str(home)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=_TOKEN_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise EdgeError(f"the local issuer gave no token: {done.stderr.strip()}")
    return done.stdout.strip()


def _asked(
    url: str,
    question: str,
    headers: Mapping[str, str],
    opener: urllib.request.OpenerDirector | None = None,
) -> _Answer:
    request = urllib.request.Request(  # noqa: S310  the URL is the stack's own output
        f"{url}/api/ask",
        data=json.dumps({"question": question}).encode(),
        headers={"Content-Type": "application/json", **headers},
    )
    opener = opener or urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=_ANSWER_SECONDS) as response:
            return _answer(response.status, response.read(), response.headers)
    except urllib.error.HTTPError as error:
        with error:
            return _answer(error.code, error.read(), error.headers)
    except OSError as error:
        raise EdgeError(f"{url} cannot be reached: {error}") from error


def _answer(status: int, body: bytes, headers: Any) -> _Answer:
    try:
        document = json.loads(body)
    except ValueError:
        document = {}
    return _Answer(status=status, document=document, kept=str(headers.get("X-Edge-Cache") or ""))
