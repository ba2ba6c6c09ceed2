"""Asking the chat application from the make targets.

Owns which question is shown after an update, and the way in: through the edge with a token, where
there is an edge. Asking and printing is `rag.ask`'s.
"""

from __future__ import annotations

import json
import subprocess
import textwrap
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.errors import StackError
from tools.paths import Paths
from tools.progress import WIDTH

TOKEN_VARIABLE = "CUSTOMRAG_TOKEN"  # noqa: S105  the variable's name, not its value
_ISSUER_SECONDS = 30
_START_SECONDS = 180
_READY_SECONDS = 180.0
_PROBE_SECONDS = 5
_POLL_SECONDS = 0.2
_ANY_QUESTION = "What are these documents about?"


def command(paths: Paths, url: str, question: str) -> list[str | Path]:
    """The command that asks one question and prints its answer and sources."""
    return [paths.python, "-m", "rag.ask", "--url", url, "--", question]


def way_in(
    paths: Paths, local: bool, found: Mapping[str, object], environment: Mapping[str, str]
) -> tuple[str, dict[str, str]]:
    """Where to ask, and the environment with the token that is wanted there.

    Args:
        paths: The paths of the stack.
        local: Whether it is one of this machine, which has an issuer of its own.
        found: The stack's outputs.
        environment: The environment of its commands.

    Raises:
        StackError: A token is needed and there is none, or the local cloud does not come up.
    """
    url = found.get("edge_url")
    if local:
        _see_that_it_runs(paths, [f"{way}/ready" for way in (url, found["chat_url"]) if way])
    if not url:
        return str(found["chat_url"]), dict(environment)
    if environment.get(TOKEN_VARIABLE):
        return str(url), dict(environment)
    if not local:
        raise StackError(
            f"{url} is asked with a token: put one of the issuer's (customrag:edgeIssuer) into "
            f"{TOKEN_VARIABLE}"
        )
    return str(url), {**environment, TOKEN_VARIABLE: local_token(paths)}


def _see_that_it_runs(paths: Paths, urls: Sequence[str]) -> None:
    """Start the local cloud if nothing answers: after a restart of the machine, say.

    Raises:
        StackError: It does not start; what starts but is not ready in time is left to the question.
    """
    if all(_status(url) for url in urls):
        return
    print("The local cloud does not run; starting it …", flush=True)
    _start(paths)
    deadline = time.monotonic() + _READY_SECONDS
    # Not more than 499: the edge asks for a token first.
    while not all(0 < _status(url) < 500 for url in urls) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)


def _status(url: str) -> int:
    """The HTTP status that it answers with; 0 when nothing answers."""
    try:
        with urllib.request.urlopen(url, timeout=_PROBE_SECONDS) as response:  # noqa: S310
            return int(response.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    except (OSError, ValueError):
        return 0


def local_token(paths: Paths) -> str:
    """Return a token of the local issuer, valid for ten minutes.

    Raises:
        StackError: The issuer does not answer, or the local cloud does not start.
    """
    return _issued(paths, "token")


def page_link(paths: Paths, local: bool, found: Mapping[str, object]) -> str:
    """Return the chat page's URL; behind a local edge, a link that signs its first visitor in.

    Args:
        paths: The paths of the stack.
        local: Whether the stack runs on this machine, and therefore has an issuer of its own.
        found: The stack's outputs.

    Raises:
        StackError: The issuer does not answer, or the local cloud does not start.
    """
    url = str(found.get("edge_url") or found.get("chat_url") or "")
    if not (local and found.get("edge_url")):
        return url
    return f"{url.rstrip('/')}/#code={_issued(paths, 'code')}"


def _start(paths: Paths) -> None:
    done = _localcloud(paths, "localcloud", "start", _START_SECONDS)
    if done.returncode != 0:
        raise StackError(f"the local cloud does not start: {done.stderr.strip()}")


def _issued(paths: Paths, what: str) -> str:
    """Return a token or a sign-in code of the local issuer.

    The issuer runs in the local cloud's daemon. If the daemon is not running, this starts it.
    """
    done = _localcloud(paths, "localcloud.issuer", what, _ISSUER_SECONDS)
    if done.returncode != 0:
        _start(paths)
        done = _localcloud(paths, "localcloud.issuer", what, _ISSUER_SECONDS)
    if done.returncode != 0:
        raise StackError(f"the local issuer issued no {what}: {done.stderr.strip()}")
    return done.stdout.strip()


def _localcloud(
    paths: Paths, module: str, command: str, timeout_seconds: float
) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            [str(paths.python), "-m", module, command, "--home", str(paths.home)],
            cwd=paths.checkout,
            capture_output=True,
            text=True,
            timeout=timeout_seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise StackError(
            f"`{module} {command}` did not end within {timeout_seconds:g} s; `make status` and "
            "`make logs` tell what the local cloud does"
        ) from error


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
