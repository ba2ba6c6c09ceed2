"""Reads Markdown (CommonMark with tables, by markdown-it); the text stays unchanged."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from rag.documents import Block, Document
from rag.readers.builder import sections_of
from rag.readers.encoding import decode
from rag.readers.options import ReadOptions
from rag.readers.text import TITLE_LENGTH, stem

__all__ = ["read_markdown"]

_FRONT_MATTER = re.compile(r"\A---[^\S\n]*\r?\n(.*?)\r?\n---[^\S\n]*(?:\r?\n|\Z)", re.DOTALL)
_FRONT_TITLE = re.compile(r"^title:[^\S\n]*(.+?)[^\S\n]*$", re.MULTILINE)


@cache
def _parser() -> Any:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").enable("table")


def read_markdown(key: str, data: bytes, options: ReadOptions) -> Document:
    """Read Markdown: `Document.text` is `text`.

    Headings in the front matter do not count; its ``title`` is the document's title.
    """
    decoded = decode(key, data, options)
    text = decoded.text
    front = _FRONT_MATTER.match(text)
    skipped = front.end() if front else 0
    # markdown-it counts lines by \n, after making one of \r\n: the count is the same.
    offsets = [skipped]
    offsets += (skipped + line.end() for line in re.finditer(r"\r\n|\n|\r", text[skipped:]))
    offsets.append(len(text))
    headings: list[tuple[int, str, int]] = []
    blocks: list[Block] = []
    tokens = _parser().parse(text[skipped:])
    for number, token in enumerate(tokens):
        if token.map is None:
            continue
        start, end = (offsets[min(line, len(offsets) - 1)] for line in token.map)
        if token.type == "heading_open" and token.level == 0:
            content = _plain(tokens[number + 1])
            headings.append((int(token.tag[1:]), content, start))
        elif token.type in ("fence", "code_block", "table_open") and token.level == 0:
            kind = "table" if token.type == "table_open" else "code"
            blocks.append(Block(kind=kind, start=start, end=end))  # type: ignore[arg-type]
    title = ""
    if front and (named := _FRONT_TITLE.search(front.group(1))):
        title = named.group(1).strip("\"'")
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


def _plain(inline: Any) -> str:
    """Return the text of an inline token without its marks."""
    kept = (child.content for child in inline.children or () if child.type in _INLINE_TEXT)
    return " ".join("".join(kept).split())


_INLINE_TEXT = frozenset({"text", "code_inline", "softbreak"})
