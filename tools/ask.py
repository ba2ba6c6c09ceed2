"""One question to the chat application, on the terminal.

Owns the request and the printing of what streams back. The application's API is `rag.app`'s.
"""

from __future__ import annotations

import json
import sys
import textwrap
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TextIO

from tools.errors import ToolError
from tools.paths import Paths
from tools.progress import WIDTH

TIMEOUT_SECONDS = 300.0
_ANY_QUESTION = "What are these documents about?"
_QUOTE_CHARACTERS = 220


def sample_question(paths: Paths, config: Mapping[str, str]) -> str:
    """The question to show: the smoke question, the corpus' first, or one that fits any corpus."""
    values = {key.rpartition(":")[2]: value for key, value in config.items()}
    if values.get("smokeQuestion"):
        return str(values["smokeQuestion"])
    file = paths.checkout / values.get("corpusDir", "examples/corpus") / "questions.jsonl"
    try:
        with file.open(encoding="utf-8") as lines:
            return str(json.loads(next(lines))["question"])
    except (OSError, ValueError, KeyError, StopIteration):
        return _ANY_QUESTION


def server_sent_events(lines: Iterable[bytes]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Read a stream of server-sent events as (event, data); data are JSON objects.

    Source: https://html.spec.whatwg.org/multipage/server-sent-events.html (read 2026-11).
    """
    name, data = "message", ""
    for raw in lines:
        line = raw.decode("utf-8").rstrip("\r\n")
        if not line:
            if data:
                yield name, json.loads(data)
            name, data = "message", ""
        elif not line.startswith(":"):
            key, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if key == "event":
                name = value
            elif key == "data":
                data = f"{data}\n{value}" if data else value


def ask(url: str, question: str, out: TextIO | None = None) -> None:
    """Ask, and print the answer as it comes and then its sources.

    Args:
        url: The chat application.
        question: What to ask.
        out: Where to print; standard output when None.

    Raises:
        ToolError: The application cannot be reached, refuses, or breaks off.
    """
    stream = out or sys.stdout
    request = urllib.request.Request(  # noqa: S310  the URL is the stack's own output
        url.rstrip("/") + "/api/ask",
        data=json.dumps({"question": question, "stream": True}).encode(),
        headers={"Content-Type": "application/json", "Accept": "text/event-stream"},
    )
    print(textwrap.fill(f"Q: {question}", width=WIDTH), file=stream)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:  # noqa: S310
            _print_answer(server_sent_events(response), stream)
    except urllib.error.HTTPError as error:
        body = error.read().decode(errors="replace")[:500]
        raise ToolError(f"{url} refuses the question with {error.code}: {body}") from error
    except (OSError, ValueError) as error:
        raise ToolError(
            f"the chat application at {url} does not answer ({error}): see `make status` and "
            "`make logs`; `make up` starts what does not run"
        ) from error


def _print_answer(stream_events: Iterator[tuple[str, dict[str, Any]]], out: TextIO) -> None:
    sources: list[dict[str, Any]] = []
    print("A: ", end="", file=out, flush=True)
    for name, data in stream_events:
        if name == "error":
            raise ToolError(f"\nthe answer broke off: {data.get('message', data)}")
        if "text" in data and name in ("message", "token", "delta"):
            print(data["text"], end="", file=out, flush=True)
        if isinstance(data.get("sources"), list):
            sources = data["sources"]
    print(file=out)
    for number, source in enumerate(sources, start=1):
        print(format_source(number, source), file=out)


def format_source(number: int, source: Mapping[str, Any]) -> str:
    """One source: its number, where it is, its score, and how it begins."""
    place = str(source.get("uri", "?"))
    start, end = source.get("start_offset"), source.get("end_offset")
    if start is not None and end is not None:
        place += f", characters {start} to {end}"
    score = source.get("score")
    if isinstance(score, int | float):
        place += f" (score {score:.3f})"
    text = " ".join(str(source.get("text", "")).split())
    quote = textwrap.shorten(text, _QUOTE_CHARACTERS, placeholder=" …") if text else ""
    lines = [f"[{source.get('number', number)}] {place}"]
    if quote:
        lines.append(textwrap.indent(textwrap.fill(quote, WIDTH - 4), "    "))
    return "\n".join(lines)
