"""Reads books (EPUB): chapters in reading order, each through the HTML reader.

Owns the order of chapters and their names. We read the package ourselves, because EbookLib is
under the AGPL. A book with copy protection is refused.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urldefrag

from rag.documents import Document
from rag.errors import ReadError
from rag.readers.archive import Archive
from rag.readers.builder import TextBuilder
from rag.readers.encoding import decode
from rag.readers.html import add_html, declared_encoding
from rag.readers.options import ReadOptions
from rag.readers.text import TITLE_LENGTH, stem

__all__ = ["read_epub"]

_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
_XHTML = "application/xhtml+xml"
_PICTURES = ("image/",)
_FONT_ENCRYPTION = frozenset(
    {"http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC"}
)
"""Methods that only garble fonts (EPUB 3.3, section 4.4)."""


@dataclass(frozen=True, kw_only=True)
class _Item:
    name: str
    kind: str
    properties: str


def read_epub(key: str, data: bytes, options: ReadOptions) -> Document:
    """Read a book.

    Raises:
        ReadError: It is not an EPUB, has copy protection, or no text.
    """
    archive = Archive(key, data, "EPUB")
    package_name = _package_name(archive)
    _check_protection(archive)
    package = archive.xml(package_name)
    if package is None:
        raise ReadError(key, f"the EPUB cannot be read: {archive.damage[0].rstrip('.')}")
    folder = posixpath.dirname(package_name)
    items = {
        item.get("id", ""): _Item(
            name=_target(folder, item.get("href", "")),
            kind=item.get("media-type", ""),
            properties=item.get("properties") or "",
        )
        for item in package.iterfind("{*}manifest/{*}item")
    }
    spine = package.find("{*}spine")
    labels = _labels(archive, items, "" if spine is None else spine.get("toc", ""))
    builder = TextBuilder()
    remarks: dict[str, None] = {}
    pictures = 0
    for reference in () if spine is None else spine.iterchildren("{*}itemref"):
        item = items.get(reference.get("idref", ""))
        if item is None:
            builder.missing("A chapter is not in the list of the book's files.")
        elif item.kind.startswith(_PICTURES):
            pictures += 1
        elif "nav" not in item.properties.split() and archive.first_time(item.name):
            chapter = _chapter(archive, item, options)
            if not chapter.text:
                pictures += 1
            elif not chapter.sections or chapter.sections[0].start:
                builder.heading(labels.get(item.name, ""), 1)
            builder.include(chapter)
            remarks |= dict.fromkeys(chapter.remarks)
    if builder.empty:
        reason = "the book has no text, only pictures" if pictures else "the book has no text"
        raise ReadError(key, archive.damage[0].rstrip(".") if archive.damage else reason)
    for sentence in archive.damage:
        builder.missing(sentence)
    for remark in remarks:
        builder.remark(remark)
    title = package.find("{*}metadata/{http://purl.org/dc/elements/1.1/}title")
    text = "" if title is None else " ".join((title.text or "").split())
    return builder.document(key, text[:TITLE_LENGTH] or stem(key))


def _package_name(archive: Archive) -> str:
    root = archive.xml(_CONTAINER) if archive.has(_CONTAINER) else None
    found = None if root is None else root.find(".//{*}rootfile")
    name = "" if found is None else found.get("full-path", "")
    if not archive.has(name):
        name = next((n for n in archive.names if n.endswith(".opf")), "")
    if not name:
        raise ReadError(archive.key, "the file is a ZIP archive, but not an EPUB")
    return name


def _check_protection(archive: Archive) -> None:
    root = archive.xml(_ENCRYPTION) if archive.has(_ENCRYPTION) else None
    for method in () if root is None else root.iter("{*}EncryptionMethod"):
        data = method.getparent()
        if data.tag.endswith("}EncryptedData") and method.get("Algorithm") not in _FONT_ENCRYPTION:
            raise ReadError(
                archive.key, "the book has copy protection (DRM); add a copy without it"
            )


def _target(folder: str, href: str) -> str:
    path = unquote(urldefrag(href).url)
    return posixpath.normpath(posixpath.join("/", folder, path))[1:]


def _chapter(archive: Archive, item: _Item, options: ReadOptions) -> Document:
    builder = TextBuilder()
    data = archive.read(item.name)
    if data:
        try:
            decoded = decode(archive.key, data, options, declared=declared_encoding(data))
        except ReadError as error:
            archive.damage.append(f"The part {item.name} is not read: {error.reason}.")
        else:
            add_html(builder, decoded.text, xhtml=item.kind == _XHTML)
            for sentence in decoded.missing:
                builder.missing(f"{item.name}: {sentence}")
    return builder.document(archive.key, item.name)


def _labels(archive: Archive, items: Mapping[str, _Item], toc: str) -> Mapping[str, str]:
    """Return the names of chapters from the table of contents, by the part's name."""
    labels: dict[str, str] = {}
    navigation = next((i for i in items.values() if "nav" in i.properties.split()), None)
    if navigation is not None and archive.has(navigation.name):
        root = archive.xml(navigation.name)
        folder = posixpath.dirname(navigation.name)
        for link in () if root is None else root.iterfind(".//{*}nav//{*}a"):
            labels.setdefault(_target(folder, link.get("href", "")), _words(link))
    ncx = items.get(toc)
    if not labels and ncx is not None and archive.has(ncx.name):
        root = archive.xml(ncx.name)
        folder = posixpath.dirname(ncx.name)
        for point in () if root is None else root.iter("{*}navPoint"):
            content, label = point.find("{*}content"), point.find("{*}navLabel")
            if content is not None and label is not None:
                labels.setdefault(_target(folder, content.get("src", "")), _words(label))
    return labels


def _words(node: Any) -> str:
    return " ".join("".join(node.itertext()).split())
