"""Reads Markdown (CommonMark with tables, by markdown-it); the text stays unchanged.

HTML in Markdown stays text, because offsets belong to the file; its headings and tables count.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from rag.documents import Block, Document
from rag.readers.builder import sections_of
from rag.readers.encoding import decode
from rag.readers.options import ReadOptions
from rag.readers.text import TITLE_LENGTH, stem

__all__ = ["read_markdown"]

_FRONT_MATTER = re.compile(
    r"\A(?:---[^\S\n]*\r?\n(?P<yaml>.*?)\r?\n(?:---|\.\.\.)"
    r"|\+\+\+[^\S\n]*\r?\n(?P<toml>.*?)\r?\n\+\+\+)[^\S\n]*(?:\r?\n|\Z)",
    re.DOTALL,
)
_FRONT_TITLE = re.compile(r"^title[^\S\n]*[:=](.*)$", re.MULTILINE)
_ANCHOR = re.compile(r"\{[#.:][^{}]*\}$")
"""An id or class behind a heading, as Pandoc and Hugo write it."""
_HTML_HEADING = re.compile(r"<h([1-6])\b[^<>]*>(.{0,500}?)</h\1\s*>", re.IGNORECASE | re.DOTALL)
_HTML_TABLE = re.compile(r"\s*<table\b", re.IGNORECASE)
_HTML_TABLE_HEAD = re.compile(r"</thead\s*>[^\n]*", re.IGNORECASE)
_HTML_TAG = re.compile(r"<[^<>]*>")

_Heading = tuple[int, str, int]


@cache
def _parser(*, inline: bool) -> Any:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark").enable("table")
    if not inline:
        # Only headings need their inline tokens: this takes a tenth of the time.
        parser.core.ruler.disable(["inline"])
    return parser


def read_markdown(key: str, data: bytes, options: ReadOptions) -> Document:
    """Read Markdown: `Document.text` is `text`.

    Headings in the front matter do not count; its ``title`` is the document's title.
    """
    decoded = decode(key, data, options)
    text = decoded.text
    front = _FRONT_MATTER.match(text)
    headings, blocks = _structure(text, front.end() if front else 0)
    title = ""
    if front and (named := _FRONT_TITLE.search(front["yaml"] or front["toml"] or "")):
        title = named.group(1).strip().strip("\"'")
    if not title and headings:
        title = min(headings, key=lambda heading: heading[0])[1]
    return Document(
        key=key,
        title=" ".join(title.split())[:TITLE_LENGTH] or stem(key),
        text=text,
        sections=sections_of(headings, len(text)),
        blocks=tuple(blocks),
        missing=decoded.missing,
        remarks=decoded.remarks,
    )


def _structure(text: str, skipped: int) -> tuple[list[_Heading], list[Block]]:
    """Return headings, tables and code with their offsets."""
    # markdown-it counts lines by \n, after making one of \r\n: the count is the same.
    offsets = [skipped]
    offsets += (line.end() for line in re.compile(r"\r\n|\n|\r").finditer(text, skipped))
    offsets.append(len(text))

    def span(lines: Sequence[int]) -> tuple[int, int]:
        start, end = (offsets[min(line, len(offsets) - 1)] for line in lines)
        return start, end

    headings: list[_Heading] = []
    blocks: list[Block] = []
    env: dict[str, Any] = {}
    tokens = _parser(inline=False).parse(text[skipped:], env)
    for number, token in enumerate(tokens):
        if token.map is None:
            continue
        start, end = span(token.map)
        if token.type == "heading_open" and token.level == 0:
            if content := _plain(tokens[number + 1].content, env):
                headings.append((int(token.tag[1:]), content, start))
        elif token.type in ("fence", "code_block"):
            blocks.append(Block(kind="code", start=start, end=end))
        elif token.type == "table_open":
            # The row of column names, and the row of dashes below it.
            names = (start, _trimmed(text, *span((token.map[0], token.map[0] + 2))))
            blocks.append(Block(kind="table", start=start, end=end, header=names))
        elif token.type == "html_block":
            headings += _html_headings(text[start:end], start) if token.level == 0 else ()
            blocks += _html_table(text, start, end)
    return headings, blocks


def _plain(content: str, env: dict[str, Any]) -> str:
    """Return the text of a heading without its marks."""
    parts: list[str] = []
    for token in _parser(inline=True).parseInline(content, env):
        for child in token.children or ():
            if child.type in ("softbreak", "hardbreak"):
                parts.append(" ")
            elif child.type in ("text", "code_inline", "image"):
                parts.append(child.content)
    return _ANCHOR.sub("", " ".join("".join(parts).split())).strip()


def _html_headings(html: str, start: int) -> Iterator[_Heading]:
    """Yield the headings of an HTML block: many pages begin with a centred one."""
    for match in _HTML_HEADING.finditer(html):
        if heading := " ".join(_HTML_TAG.sub("", match.group(2)).split()):
            yield int(match.group(1)), heading, start + match.start()


def _html_table(text: str, start: int, end: int) -> Iterator[Block]:
    if _HTML_TABLE.match(text, start, end) is None:
        return
    head = _HTML_TABLE_HEAD.search(text, start, end)
    yield Block(kind="table", start=start, end=end, header=(start, head.end()) if head else None)


def _trimmed(text: str, start: int, end: int) -> int:
    """Return the end of the span without white space at its end."""
    return start + len(text[start:end].rstrip())
