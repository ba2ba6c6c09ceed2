"""Asking the chat application of a stack from the `make` targets.

Owns which question is shown after an update, and the address: through the edge with a token, where
there is an edge. Asking and printing is `rag.ask`'s, tokens are `localcloud.issuer`'s.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from ops.declared import NAMESPACE, ROOT, is_on_this_machine
from ops.engine import Engine
from ops.terminal import WIDTH

__all__ = [
    "AskError",
    "ask",
    "heading",
    "issued",
    "local_token",
    "page_link",
    "sample_question",
    "start_if_down",
]

TOKEN_VARIABLE = "CUSTOMRAG_TOKEN"  # noqa: S105  the variable's name, not its value
_ISSUER_SECONDS = 120
# `localcloud start` has the limits that matter, and says what it waits for.
_START_SECONDS = 1200
_READY_SECONDS = 600.0
_PROBE_SECONDS = 5
_POLL_SECONDS = 0.2
_FIRST_REPORT_SECONDS = 2.0
_REPORT_SECONDS = 15.0
_ANY_QUESTION = "What are these documents about?"


class AskError(Exception):
    """The application cannot be asked. The message says what to do."""


def ask(engine: Engine, question: str, outputs: Mapping[str, Any] | None = None) -> int:
    """Ask one question and print the answer and its sources; return the exit code.

    Args:
        engine: On the stack.
        question: What to ask.
        outputs: The stack's outputs; by default the engine is asked for them.

    Raises:
        AskError: The stack has no application, needs a token that is not given, or does not start.
        EngineError: There is no such stack.
    """
    outputs = outputs or engine.outputs()
    _require_application(engine, outputs)
    url = str(outputs.get("edge_url") or outputs["chat_url"])
    variables = dict(engine.environment)
    if is_on_this_machine(engine.stack):
        start_if_down([f"{one}/ready" for one in {url, str(outputs["chat_url"])}])
    if outputs.get("edge_url") and not variables.get(TOKEN_VARIABLE):
        if not is_on_this_machine(engine.stack):
            raise AskError(
                f"{url} asks for a token. Put a token of the stack's issuer "
                f"(customrag:edgeIssuer) into the environment variable {TOKEN_VARIABLE}."
            )
        variables[TOKEN_VARIABLE] = local_token()
    command = [sys.executable, "-m", "rag.ask", "--url", url, "--", question]
    return subprocess.run(command, cwd=engine.root, env=variables, check=False).returncode


def _require_application(engine: Engine, outputs: Mapping[str, Any]) -> None:
    if not outputs.get("chat_url"):
        raise AskError(
            f"stack {engine.stack} has no output chat_url, because its last update failed early; "
            "run `make up`"
        )


def page_link(engine: Engine, outputs: Mapping[str, Any]) -> str:
    """Return the chat page's URL; behind a local edge, a link that signs its first visitor in.

    Raises:
        AskError: The stack has no application, or the local cloud does not start.
    """
    _require_application(engine, outputs)
    url = str(outputs.get("edge_url") or outputs["chat_url"])
    if not (is_on_this_machine(engine.stack) and outputs.get("edge_url")):
        return url
    return f"{url.rstrip('/')}/#code={_issued_here('code')}"


def start_if_down(urls: Sequence[str]) -> None:
    """Start the local cloud if one of the URLs does not answer, for example after a reboot.

    Raises:
        AskError: It does not start. A service that starts and is not ready in time is left to the
            question.
    """
    if all(_status(url) for url in urls):
        return
    print("The local cloud is not running. Starting it …", flush=True)
    _start(_home())
    began = time.monotonic()
    report_at = began + _FIRST_REPORT_SECONDS
    # Up to 499, because the edge asks for a token first.
    while left := [url for url in urls if not 0 < _status(url) < 500]:
        now = time.monotonic()
        if now - began > _READY_SECONDS:
            return
        if now >= report_at:
            report_at = now + _REPORT_SECONDS
            print(f"  … waiting for {', '.join(left)}, {now - began:.0f} s", flush=True)
        time.sleep(_POLL_SECONDS)


def _status(url: str) -> int:
    """Return the HTTP status of a URL; 0 if there is no answer."""
    try:
        return httpx.get(url, timeout=_PROBE_SECONDS).status_code
    except (httpx.HTTPError, httpx.InvalidURL):
        return 0


def local_token() -> str:
    """Return a token of the local issuer, valid for ten minutes.

    Raises:
        AskError: The issuer does not answer, or the local cloud does not start.
    """
    return _issued_here("token")


def _issued_here(what: str) -> str:
    """Return a token or a sign-in code of the local issuer.

    The issuer runs in the local cloud's daemon. If the daemon is not running, this starts it.
    """
    home = _home()
    try:
        return issued(home, what)
    except AskError:
        _start(home)
    return issued(home, what)


def _home() -> Path:
    return Path(os.environ["CUSTOMRAG_HOME"])


def issued(home: Path, what: str) -> str:
    """Return a `token` or a sign-in `code` of the issuer of a local cloud.

    Raises:
        AskError: The issuer does not answer.
    """
    words = ("localcloud.issuer", what, "--home", str(home))
    return _module(f"the local issuer issued no {what}", _ISSUER_SECONDS, *words)


def _start(home: Path) -> None:
    words = ("localcloud", "start", "--home", str(home))
    _module("the local cloud does not start", _START_SECONDS, *words, shown=True)


def _module(failure: str, timeout_seconds: float, *words: str, shown: bool = False) -> str:
    """Run a module; return its output, or show it on stderr while it runs."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", *words],
            cwd=ROOT,
            stdout=sys.stderr if shown else subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            timeout=timeout_seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise AskError(
            f"`{words[0]} {words[1]}` did not end within {timeout_seconds:g} s. `make status` and "
            "`make logs` show the state of the local cloud."
        ) from error
    if done.returncode != 0:
        raise AskError(f"{failure}: {done.stderr.strip()}")
    return (done.stdout or "").strip()


def sample_question(config: Mapping[str, Any], root: Path = ROOT) -> str:
    """Return the question to show: the smoke question, the corpus' first, or one for any corpus.

    Args:
        config: Config values by key with its namespace.
        root: The project's folder; the corpus' folder is relative to it.
    """
    if config.get(f"{NAMESPACE}smokeQuestion"):
        return str(config[f"{NAMESPACE}smokeQuestion"])
    file = root / str(config.get(f"{NAMESPACE}corpusDir", "examples/corpus")) / "questions.jsonl"
    try:
        with file.open(encoding="utf-8") as lines:
            question = str(json.loads(next(lines))["question"])
            question.encode()  # Half a surrogate pair cannot be an argument of a command.
            return question
    except (OSError, ValueError, KeyError, TypeError, StopIteration):
        return _ANY_QUESTION


def heading(question: str) -> str:
    """Return the line above an answer."""
    return textwrap.fill(f"Asked: {question}", width=WIDTH)
