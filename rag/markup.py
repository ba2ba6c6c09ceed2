"""Reads Markdown and HTML: headings, tables and code, by offsets.

Markdown keeps the file's text unchanged (CommonMark with tables, by markdown-it); HTML becomes
the text that a reader would see, without navigation, scripts and styles.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from functools import cache
from typing import Any

from rag.documents import Block, Document
from rag.textbuilder import TextBuilder, sections_of

__all__ = ["read_html", "read_markdown"]

_FRONT_MATTER = re.compile(r"\A---[^\S\n]*\r?\n(.*?)\r?\n---[^\S\n]*(?:\r?\n|\Z)", re.DOTALL)
_FRONT_TITLE = re.compile(r"^title:[^\S\n]*(.+?)[^\S\n]*$", re.MULTILINE)
_TITLE_LENGTH = 200

_SKIPPED = frozenset(
    {"script", "style", "noscript", "template", "nav", "footer", "svg", "iframe", "head", "form"}
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_BLOCKS = frozenset(
    {"address", "article", "aside", "blockquote", "body", "dd", "details", "div", "dl", "dt"}
    | {"fieldset", "figcaption", "figure", "header", "hr", "html", "main", "ol", "p"}
    | {"section", "summary", "ul"}
)


@cache
def _parser() -> Any:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").enable("table")


def read_markdown(key: str, text: str, fallback_title: str) -> Document:
    """Read Markdown: `Document.text` is `text`.

    Headings in the front matter do not count; its ``title`` is the document's title.
    """
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
        title=" ".join(title.split())[:_TITLE_LENGTH] or fallback_title,
        text=text,
        sections=sections_of(headings, len(text)),
        blocks=tuple(blocks),
    )


def _plain(inline: Any) -> str:
    """Return the text of an inline token without its marks."""
    kept = (child.content for child in inline.children or () if child.type in _INLINE_TEXT)
    return " ".join("".join(kept).split())


_INLINE_TEXT = frozenset({"text", "code_inline", "softbreak"})


def read_html(key: str, data: bytes, fallback_title: str) -> Document:
    """Read HTML in the encoding that it declares, else UTF-8."""
    from bs4 import BeautifulSoup, XMLParsedAsHTMLWarning

    warnings.filterwarnings("ignore", category=XMLParsedAsHTMLWarning)
    soup = BeautifulSoup(data, "html.parser")
    builder = TextBuilder()
    root = soup.find("main") or soup.body or soup
    pending: list[str] = []
    _walk(root, builder, pending)
    _flush(builder, pending)
    heading = soup.find(["h1", "h2"])
    title = (soup.title.get_text() if soup.title else "") or (heading.get_text() if heading else "")
    return builder.document(key, " ".join(title.split())[:_TITLE_LENGTH] or fallback_title)


def _flush(builder: TextBuilder, pending: list[str]) -> None:
    lines = (" ".join(line.split()) for line in "".join(pending).split("\x0b"))
    builder.paragraph("\n".join(line for line in lines if line))
    pending.clear()


def _walk(node: Any, builder: TextBuilder, pending: list[str]) -> None:
    for child in node.children:
        name = getattr(child, "name", None)
        if name is None:
            if type(child).__name__ == "NavigableString":
                pending.append(str(child))
        elif name in _SKIPPED or child.get("hidden") is not None:
            continue
        elif name in _HEADINGS:
            _flush(builder, pending)
            builder.heading(child.get_text(" "), _HEADINGS[name])
        elif name == "pre":
            _flush(builder, pending)
            builder.code(child.get_text())
        elif name == "table":
            _flush(builder, pending)
            builder.table(list(_rows(child)))
        elif name == "br":
            pending.append("\x0b")
        elif name == "li":
            pending.append("\x0b- ")
            _walk(child, builder, pending)
        elif name in _BLOCKS:
            _flush(builder, pending)
            _walk(child, builder, pending)
            _flush(builder, pending)
        else:
            _walk(child, builder, pending)


def _rows(table: Any) -> Iterator[list[str]]:
    for row in table.find_all("tr"):
        yield [cell.get_text(" ") for cell in row.find_all(["td", "th"])]
