"""``python -m rag.ask --url CHAT_URL "question"``: ask the chat application from a terminal.

Streams the answer, then lists its sources, within 80 columns. Uses only the standard library. For
the URL of an edge, CUSTOMRAG_TOKEN has the token. It is not an argument, because every user of the
machine can see those. Exit status: 0 answered (also if the documents have no answer), 1 an error, 2
wrong usage.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import unicodedata
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TextIO

from rag.terminal import columns, is_wide, printable, shortened

__all__ = ["AskError", "Wrapped", "events", "main", "show"]

_WIDTH = 80
_TIMEOUT_SECONDS = 180.0


class AskError(Exception):
    """The application cannot be reached, or cannot answer."""


def _may_break(before: str, after: str) -> bool:
    """Return whether a line may end between two characters that no space separates."""
    if unicodedata.category(before) in ("Ps", "Pi") or unicodedata.category(after)[0] == "P":
        return unicodedata.category(after) in ("Ps", "Pi") and is_wide(after)
    return is_wide(before) or is_wide(after)


class Wrapped:
    """Writes text as it arrives, with line breaks between words and between wide characters."""

    def __init__(self, out: TextIO, width: int = _WIDTH) -> None:
        self._out = out
        self._width = width
        self._column = 0
        self._word = ""
        self._space = False

    def write(self, text: str) -> None:
        """Write all complete words so far."""
        for character in text:
            if character == "\n":
                self._flush()
                self._out.write("\n")
                self._column = 0
            elif character == " ":
                self._flush()
                self._space = True
            else:
                if self._word and _may_break(self._word[-1], character):
                    self._flush()
                self._word += character
        self._out.flush()

    def end(self) -> None:
        """Write the rest, and end the line."""
        self._flush()
        self._out.write("\n")
        self._column = 0
        self._out.flush()

    def _flush(self) -> None:
        if not self._word:
            return
        width, space = columns(self._word), int(self._space)
        if self._column and self._column + space + width > self._width:
            self._out.write("\n")
            self._column = 0
        if self._column and space:
            self._out.write(" ")
            self._column += 1
        self._out.write(self._word)
        self._column += width
        self._word, self._space = "", False


def events(lines: Iterable[bytes]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Read server-sent events from the lines of a response."""
    name, data = "", ""
    for raw in lines:
        line = raw.decode("utf-8").rstrip("\r\n")
        if line.startswith("event: "):
            name = line[len("event: ") :]
        elif line.startswith("data: "):
            data += line[len("data: ") :]
        elif not line and data:
            yield name, json.loads(data)
            name, data = "", ""


def show(stream: Iterable[tuple[str, dict[str, Any]]], out: TextIO) -> None:
    """Show an answer as its events arrive.

    Raises:
        AskError: The application reported an error, or stopped in the middle.
    """
    sources: list[dict[str, Any]] = []
    text = Wrapped(out)
    shown = ""
    for name, data in stream:
        if name == "sources":
            sources = data["sources"]
        elif name == "token":
            shown += data["text"]
            text.write(data["text"])
        elif name == "error":
            if shown:
                text.end()
            _list(sources, [], out)
            raise AskError(data["message"])
        elif name == "done":
            text.end()
            _list(sources, data["citations"], out)
            return
    raise AskError("The connection closed before the answer was complete. Ask again.")


def _list(sources: Sequence[dict[str, Any]], cited: Sequence[int], out: TextIO) -> None:
    listed = [source for source in sources if source["number"] in cited] or sources[:3]
    if not listed:
        return
    out.write("\nSources:\n" if cited else "\nNearest passages:\n")
    for source in listed:
        what = " > ".join(part for part in (source["title"], source["heading"]) if part)
        what = shortened(printable(" ".join(what.split())), _WIDTH - 5)
        number = f"[{source['number']}]"
        out.write(f"{number:>4} {what}\n")
        place = (
            f"{printable(source['uri'])} {_pages(source)}"
            f"{source['start_offset']}-{source['end_offset']}, "
            f"score {source['score']:.2f}"
        )
        out.write(f"     {place}\n")


def _pages(source: dict[str, Any]) -> str:
    """Return the pages of a source, as ``p. 3, ``; empty for formats without pages."""
    first, last = source.get("first_page"), source.get("last_page")
    if first is None:
        return ""
    return f"p. {first}, " if first == last else f"pp. {first}-{last}, "


def _ask(
    url: str, question: str, top_k: int | None, token: str
) -> Iterator[tuple[str, dict[str, Any]]]:
    body: dict[str, Any] = {"question": question, "stream": True}
    if top_k is not None:
        body["top_k"] = top_k
    request = urllib.request.Request(  # noqa: S310 - the URL is the caller's own
        f"{url.rstrip('/')}/api/ask",
        data=json.dumps(body).encode(),
        headers={
            "Content-Type": "application/json",
            **({"Authorization": f"Bearer {token}"} if token else {}),
        },
    )
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as response:  # noqa: S310
            yield from events(response)
    except urllib.error.HTTPError as error:
        raise AskError(_message(error)) from error
    except OSError as error:
        reason = getattr(error, "reason", error)
        raise AskError(f"{url} cannot be reached: {reason}. Check that the stack is up.") from error


def _message(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.load(error)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return f"the application answered {error.code}"


def main(argv: Sequence[str] | None = None) -> int:
    """Ask one question."""
    parser = argparse.ArgumentParser(
        prog="python -m rag.ask", description="Ask the chat application a question."
    )
    parser.add_argument("--url", required=True, help="URL of the chat application")
    parser.add_argument("--top-k", type=int, default=None, help="passages to retrieve")
    parser.add_argument("question", nargs="+", help="the question")
    arguments = parser.parse_args(argv)
    question = " ".join(arguments.question).strip()
    if not question or not arguments.url.startswith(("http://", "https://")):
        parser.error("give a question, and a --url that begins with http:// or https://")
    try:
        token = os.environ.get("CUSTOMRAG_TOKEN", "")
        show(_ask(arguments.url, question, arguments.top_k, token), sys.stdout)
        sys.stdout.flush()
    except AskError as error:
        print(f"ask: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of the answer, such as `head`, has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


if __name__ == "__main__":
    sys.exit(main())
