"""Opens documents that are ZIP archives (DOCX, PPTX, XLSX, EPUB, ODT) within bounds.

Owns the limits on what is unpacked, the parsing of XML parts and the list of damaged parts. A
damaged part costs only itself: the archive gives as much of it as it can, and names it in
`damage`. Does not know the meaning of the parts.
"""

from __future__ import annotations

import io
import lzma
import posixpath
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import IO, Any
from urllib.parse import unquote

from lxml import etree

from rag.errors import ReadError

__all__ = ["MAX_PART_BYTES", "Archive", "Relationship", "is_ole", "parse_xml"]

_MAX_UNPACKED_BYTES = 512 * 2**20
"""Largest archive once unpacked: stops an archive that is made to fill the memory."""
MAX_PART_BYTES = 64 * 2**20
"""Largest part that is held as a whole; an XML tree takes about eight times as much memory. The
longest manuals have 10 to 20 MiB (assumed, with room)."""
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)
"""What `zipfile` raises for damaged or unusual members."""
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_STRICT = b"http://purl.oclc.org/ooxml/"
_TRANSITIONAL = (
    (b"http://purl.oclc.org/ooxml/wordprocessingml/main", b"wordprocessingml/2006/main"),
    (b"http://purl.oclc.org/ooxml/presentationml/main", b"presentationml/2006/main"),
    (b"http://purl.oclc.org/ooxml/spreadsheetml/main", b"spreadsheetml/2006/main"),
    (b"http://purl.oclc.org/ooxml/drawingml/main", b"drawingml/2006/main"),
    (b"http://purl.oclc.org/ooxml/drawingml/", b"drawingml/2006/"),
    (b"http://purl.oclc.org/ooxml/officeDocument/", b"officeDocument/2006/"),
)
"""Files saved as "Strict Open XML" use other names for the same elements (ISO/IEC 29500-1)."""


@dataclass(frozen=True, kw_only=True)
class Relationship:
    """A reference from one part to another.

    Attributes:
        kind: The last part of its type, e.g. ``footnotes``.
        target: The other part's name, or an address if `external`.
        external: Whether the target is outside the archive.
    """

    kind: str
    target: str
    external: bool


def is_ole(data: bytes) -> bool:
    """Return whether the data is an OLE file: an old Office file or an encrypted new one."""
    return data.startswith(_OLE)


def parse_xml(data: bytes) -> tuple[Any, str]:
    """Parse XML as far as it goes.

    Returns:
        The root element or None, and why the rest was not read ("" if all was).
    """
    if _STRICT in data:
        for strict, usual in _TRANSITIONAL:
            data = data.replace(strict, b"http://schemas.openxmlformats.org/" + usual)
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, recover=True, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        return None, " ".join(str(error).split())[:100]
    fatal = [entry for entry in parser.error_log if entry.level >= etree.ErrorLevels.FATAL]
    reason = f"line {fatal[0].line}: {' '.join(fatal[0].message.split())[:100]}" if fatal else ""
    return root, reason if root is not None else reason or "there is no XML in it"


class Archive:
    """A ZIP archive whose parts are read on demand; `damage` collects what could not be read."""

    def __init__(self, key: str, data: bytes, kind: str) -> None:
        """Open the archive.

        Args:
            key: The document's key, for errors.
            data: The file.
            kind: The format's name, e.g. ``DOCX``.

        Raises:
            ReadError: The data is not such an archive, is encrypted, or too large once unpacked.
        """
        self.key = key
        self.kind = kind
        self.damage: list[str] = []
        self._given: set[str] = set()
        if is_ole(data):
            raise ReadError(key, _ole_reason(data, kind))
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except _BROKEN as error:
            problem = "is damaged or was cut off" if data.startswith(b"PK") else f"is not a {kind}"
            raise ReadError(
                key, f"the file {problem}; open it in the program that wrote it and save it again"
            ) from error
        entries = [e for e in self._zip.infolist() if e.filename and not e.is_dir()]
        unpacked = sum(entry.file_size for entry in entries)
        if unpacked > _MAX_UNPACKED_BYTES:
            raise ReadError(
                key,
                f"the {kind} has {unpacked:,} bytes unpacked; the limit is "
                f"{_MAX_UNPACKED_BYTES:,}. Split it, or make its pictures smaller",
            )
        # Part names do not depend on case, and some writers use backslashes.
        self._entries = {_part_name(entry.filename).lower(): entry for entry in entries}

    @property
    def names(self) -> list[str]:
        """The names of the parts, in lower case."""
        return list(self._entries)

    def has(self, name: str) -> bool:
        """Return whether there is a part with this name."""
        return _part_name(name).lower() in self._entries

    def read(self, name: str) -> bytes | None:
        """Return a part, or as much of it as can be read; None if there is nothing.

        Raises:
            ReadError: The part is encrypted.
        """
        entry = self._entries.get(_part_name(name).lower())
        if entry is None:
            self.damage.append(f"The part {name} is not in the file.")
            return None
        if entry.flag_bits & 1:
            raise ReadError(self.key, f"the {self.kind} is encrypted; save it without a password")
        if entry.file_size > MAX_PART_BYTES:
            self.damage.append(
                f"The part {name} is not read: it has {entry.file_size:,} bytes unpacked and the "
                f"limit is {MAX_PART_BYTES:,}."
            )
            return None
        pieces = []
        try:
            with self._zip.open(entry) as stream:
                while piece := stream.read(2**16):
                    pieces.append(piece)
        except _BROKEN as error:
            reason = " ".join(str(error).split())[:100]
            self.damage.append(f"The part {name} is damaged and read in part at most: {reason}.")
        return b"".join(pieces) or None

    def stream_xml(self, name: str, *tags: str) -> Iterator[Any]:
        """Yield the elements with these tags in order, and drop each one after it was used.

        For parts that are too large to be held as a whole.
        """
        entry = self._entries.get(_part_name(name).lower())
        if entry is None:
            self.damage.append(f"The part {name} is not in the file.")
            return
        try:
            with self._zip.open(entry) as stream:
                strict = _STRICT in stream.read(2**12)
            if strict:  # its names have to be replaced first
                root = self.xml(name)
                yield from () if root is None else root.iter(*tags)
                return
            with self._zip.open(entry) as stream:
                yield from _stream(stream, tags)
        except (*_BROKEN, etree.XMLSyntaxError) as error:
            reason = " ".join(str(error).split())[:100]
            self.damage.append(f"The part {name} is damaged and read in part at most: {reason}.")

    def xml(self, name: str) -> Any:
        """Return the root element of an XML part; None if nothing of it can be read."""
        data = self.read(name)
        if data is None:
            return None
        root, reason = parse_xml(data)
        if reason and not any(f" {name} " in sentence for sentence in self.damage):
            self.damage.append(f"The part {name} is damaged and read in part at most: {reason}.")
        return root

    def first_time(self, name: str) -> bool:
        """Return whether this is the first call for a part.

        A part that many places refer to would make the text many times as long as the file.
        """
        name = _part_name(name).lower()
        first = name not in self._given
        self._given.add(name)
        return first

    def relationships(self, name: str = "") -> Mapping[str, Relationship]:
        """Return the relationships of a part, by id; without a name those of the package."""
        folder, base = posixpath.split(name)
        path = posixpath.join(folder, "_rels", f"{base}.rels")
        root = self.xml(path) if self.has(path) else None
        found = {}
        for child in [] if root is None else root.iterchildren("{*}Relationship"):
            target, external = child.get("Target", ""), child.get("TargetMode") == "External"
            if not external:
                target = posixpath.normpath(posixpath.join("/", folder, unquote(target)))[1:]
            kind = child.get("Type", "").rsplit("/", 1)[-1]
            found[child.get("Id", "")] = Relationship(kind=kind, target=target, external=external)
        return MappingProxyType(found)

    def main_part(self, *usual: str) -> str:
        """Return the name of the main part: by the package's relationships, else a usual name.

        Raises:
            ReadError: The archive is something else.
        """
        named = [r.target for r in self.relationships().values() if r.kind == "officeDocument"]
        for name in (*named, *usual):
            if self.has(name):
                return name
        raise ReadError(self.key, f"the file is a ZIP archive, but not a {self.kind}")


def _stream(stream: IO[bytes], tags: Sequence[str]) -> Iterator[Any]:
    events = etree.iterparse(
        stream, tag=tags, resolve_entities=False, no_network=True, remove_comments=True
    )
    for _, element in events:
        yield element
        element.clear()
        while (before := element.getprevious()) is not None:
            element.getparent().remove(before)


def _part_name(name: str) -> str:
    return name.replace("\\", "/").lstrip("/")


def _ole_reason(data: bytes, kind: str) -> str:
    if "EncryptedPackage".encode("utf-16-le") in data:
        return f"the {kind} is encrypted; save it without a password"
    return f"the file is in the format of Office 97 to 2003; open it there and save it as {kind}"
