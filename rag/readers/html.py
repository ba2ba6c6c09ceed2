"""Reads HTML: the text that a reader would see, without navigation, scripts and styles."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

from rag.documents import Document
from rag.readers.builder import TextBuilder
from rag.readers.options import ReadOptions
from rag.readers.text import TITLE_LENGTH, stem

__all__ = ["read_html"]

_SKIPPED = frozenset(
    {"script", "style", "noscript", "template", "nav", "footer", "svg", "iframe", "head", "form"}
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_BLOCKS = frozenset(
    {"address", "article", "aside", "blockquote", "body", "dd", "details", "div", "dl", "dt"}
    | {"fieldset", "figcaption", "figure", "header", "hr", "html", "main", "ol", "p"}
    | {"section", "summary", "ul"}
)


def read_html(key: str, data: bytes, options: ReadOptions) -> Document:
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
    return builder.document(key, " ".join(title.split())[:TITLE_LENGTH] or stem(key))


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
