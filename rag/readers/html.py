"""Reads HTML, XHTML and saved web pages (MHTML): the text that a reader of the page sees.

Owns the document: its encoding, its title, and the reason if a page has no text. The modules
`html_tree` (what is visible), `html_main` (what is the content) and `html_text` (how it reads) do
the rest.
"""

from __future__ import annotations

import email
import email.policy
import re
from email.message import EmailMessage

from rag.documents import Document
from rag.errors import ReadError
from rag.readers.builder import TextBuilder
from rag.readers.encoding import decode
from rag.readers.html_element import Element, descendants
from rag.readers.html_main import main_content
from rag.readers.html_text import add_elements, flat_text
from rag.readers.html_tree import Page, parse
from rag.readers.options import ReadOptions
from rag.readers.text import TITLE_LENGTH, stem

__all__ = ["add_html", "declared_encoding", "read_html", "read_mhtml", "read_xhtml"]

_DECLARATION_BYTES = 8_192
_COMMENT = re.compile(rb"<!--.*?(?:-->|\Z)", re.DOTALL)
_META_CHARSET = re.compile(rb"<meta\b[^>]*?\bcharset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
_XML_ENCODING = re.compile(rb"\A\s*<\?xml\b[^>]*?\bencoding\s*=\s*[\"']([\w.:-]+)")
_WEB_LABELS = {
    "x-sjis": "shift_jis",
    "windows-31j": "shift_jis",
    "x-gbk": "gbk",
    "x-euc-jp": "euc_jp",
    "x-x-big5": "big5",
    "cn-big5": "big5",
    "ks_c_5601-1987": "euc_kr",
    "dos-874": "cp874",
    "x-cp1251": "cp1251",
    "x-mac-roman": "mac_roman",
    "x-user-defined": "cp1252",
    "unicode-1-1-utf-8": "utf-8",
}
"""Names of the web that Python does not know: https://encoding.spec.whatwg.org/#names-and-labels
(read 2026-11)."""
_NO_TITLE = frozenset(
    {"untitled", "untitled document", "document", "index", "index.html", "home", "new page 1"}
    | {"无标题文档", "新建网页 1"}
)
_STUB_LENGTH = 40
"""A page with fewer characters says no more than "Loading…"."""
_MOUNTS = frozenset(
    {"root", "app", "__next", "__nuxt", "___gatsby", "main-app", "application", "q-app"}
)
"""Ids of the empty element into which a script puts a page."""


def read_html(key: str, data: bytes, options: ReadOptions) -> Document:
    """Read HTML: the main content of a page."""
    return _read_page(key, data, options, xhtml=False)


def read_xhtml(key: str, data: bytes, options: ReadOptions) -> Document:
    """Read XHTML: HTML in the form of XML."""
    return _read_page(key, data, options, xhtml=True)


def read_mhtml(key: str, data: bytes, options: ReadOptions) -> Document:
    """Read a saved web page: an email with a page and what the page shows."""
    message = email.message_from_bytes(data, policy=email.policy.default)
    parts = [part for part in message.walk() if part.get_content_type() == "text/html"]
    if not parts:
        raise ReadError(key, "the saved web page has no HTML part")
    start = str(message.get_param("start", "") or "").strip("<> ")
    parts.sort(key=lambda part: str(part.get("Content-ID", "")).strip("<> ") != start)
    builder = TextBuilder()
    pages = [_parsed(key, part, options, builder) for part in parts]
    # The other parts of a page of frames are the pages in its frames.
    framed = len(pages) > 1 and pages[0].frames
    for page in pages[1:] if framed else pages[:1]:
        _note(builder, page)
        add_elements(builder, main_content(page.body))
    _check(key, builder, pages[0])
    return builder.document(key, _title(pages[0]) or stem(key))


def add_html(builder: TextBuilder, html: str, *, xhtml: bool = False) -> str:
    """Add HTML that is a document by itself, such as a chapter of a book or the body of an email.

    What is hidden is left out, and so is ``<nav>``; nothing else counts as navigation.

    Args:
        builder: Receives the text.
        html: The source.
        xhtml: Whether it is XML.

    Returns:
        The title, ``""`` if the source has no title and no heading.
    """
    page = parse(html, xhtml=xhtml)
    _note(builder, page)
    add_elements(builder, [page.body])
    return _title(page)


def declared_encoding(data: bytes) -> str | None:
    """Return the encoding that HTML names in its first bytes; None if it names none."""
    start = _COMMENT.sub(b"", data[:_DECLARATION_BYTES])
    match = _XML_ENCODING.search(start) or _META_CHARSET.search(start)
    if match is None:
        return None
    label = match.group(1).decode("ascii", "replace").lower()
    return _WEB_LABELS.get(label, label)


def _parsed(key: str, part: EmailMessage, options: ReadOptions, builder: TextBuilder) -> Page:
    payload = part.get_payload(decode=True)
    data = payload if isinstance(payload, bytes) else b""
    declared = part.get_content_charset() or declared_encoding(data)
    return parse(_decoded(key, data, options, declared, builder))


def _read_page(key: str, data: bytes, options: ReadOptions, *, xhtml: bool) -> Document:
    builder = TextBuilder()
    page = parse(_decoded(key, data, options, declared_encoding(data), builder), xhtml=xhtml)
    _note(builder, page)
    add_elements(builder, main_content(page.body))
    _check(key, builder, page)
    return builder.document(key, _title(page) or stem(key))


def _decoded(
    key: str, data: bytes, options: ReadOptions, declared: str | None, builder: TextBuilder
) -> str:
    decoded = decode(key, data, options, declared=declared)
    for sentence in decoded.missing:
        builder.missing(sentence)
    for sentence in decoded.remarks:
        builder.remark(sentence)
    return decoded.text


def _note(builder: TextBuilder, page: Page) -> None:
    """Record what a page has and its text does not."""
    if page.struck:
        builder.remark("struck-out text is left out")
    if page.styled_away:
        builder.remark("text that the page's style sheet hides is left out")
    if page.frames:
        builder.missing(_frames(page))


def _check(key: str, builder: TextBuilder, page: Page) -> None:
    """Reject a page whose text is elsewhere."""
    length = page.body.length
    if builder.empty and page.frames:
        raise ReadError(key, _frames(page))
    if page.scripts and (builder.empty or (length < _STUB_LENGTH and _has_mount(page.body))):
        raise ReadError(
            key,
            "the page's content is made by a script when a browser opens it, so the file has no "
            "text; open it in a browser and save it as PDF or as a complete web page",
        )
    if builder.empty and page.pictures:
        raise ReadError(
            key, f"the page has no text, only pictures ({page.pictures:,}); save it as PDF for OCR"
        )


def _frames(page: Page) -> str:
    shown = ", ".join(filter(None, page.frames[:5])) or "no named page"
    return f"the page is a set of frames; its text is in the pages that it shows ({shown})"


def _has_mount(body: Element) -> bool:
    return any(
        element.attributes.get("id", "").lower() in _MOUNTS or element.tag.endswith("-root")
        for element in descendants(body)
    )


def _title(page: Page) -> str:
    """Return the page's title in one line; its first heading if the title says nothing."""
    if page.title and page.title.lower() not in _NO_TITLE:
        return page.title[:TITLE_LENGTH]
    for tag in ("h1", "h2"):
        for element in descendants(page.body):
            if element.tag == tag and (heading := flat_text(element)):
                return heading[:TITLE_LENGTH]
    return page.title[:TITLE_LENGTH]
