"""Reads emails (EML): subject, sender, receivers and date, the text, and the attachments.

Owns which part of an email is its text, and what is read of its attachments: those whose format a
reader knows, one level deep. Headers and parts are decoded with forgiveness, because emails break
the rules often.
"""

from __future__ import annotations

import email
import email.errors
import email.header
import email.policy
import mimetypes
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.message import Message
from typing import Any

from rag.clean import clean_line
from rag.documents import Document
from rag.errors import ReadError
from rag.readers.builder import TextBuilder
from rag.readers.encoding import decode
from rag.readers.html import add_html, declared_encoding
from rag.readers.options import ReadOptions
from rag.readers.text import TITLE_LENGTH, stem

__all__ = ["Read", "read_mail"]

Read = Callable[[str, bytes, ReadOptions], Document | None]
"""Reads an attachment by the suffix of its key; None if no reader knows it. Raises `ReadError`."""

_SHOWN = ("From", "To", "Cc", "Date")
_KNOWN = frozenset(
    {"from", "to", "subject", "date", "received", "message-id", "mime-version", "content-type"}
)
_MAX_DEPTH = 30
_MAX_ATTACHMENTS = 100
_PLAIN_SHARE = 0.8
"""A plain text with less than this share of the HTML's characters is only a hint to open the
email in another program."""
_FLOWED = re.compile(r"(?<!^--) \n(?![>\n ])", re.MULTILINE)
_CHARSETS = {"gb2312": "gb18030", "gbk": "gb18030", "ks_c_5601-1987": "cp949", "unknown-8bit": ""}
"""Emails name an older encoding than they use."""


def read_mail(key: str, data: bytes, options: ReadOptions, read: Read | None) -> Document:
    """Read an email.

    Args:
        key: The document's key.
        data: The file.
        options: How to read.
        read: Reads an attachment; without it, attachments are only named.

    Raises:
        ReadError: The file is not an email, or the email is encrypted or empty.
    """
    message = email.message_from_bytes(data.lstrip(b"\r\n \t"), policy=email.policy.compat32)
    if not {name.lower() for name in message.keys()} & _KNOWN:  # noqa: SIM118
        raise ReadError(key, "the file is not an email: it has no headers")
    return _Mail(key, options, read).document(message)


@dataclass(kw_only=True)
class _Parts:
    """The parts of an email: texts in order, and attachments."""

    texts: list[Message] = field(default_factory=list)
    attachments: list[Message] = field(default_factory=list)


class _Mail:
    def __init__(self, key: str, options: ReadOptions, read: Read | None) -> None:
        self._key = key
        self._options = options
        self._read = read
        self._builder = TextBuilder()

    def document(self, message: Message) -> Document:
        """Return the email; without a way to read attachments they are only named."""
        builder = self._builder
        subject = self._header(message, "Subject")
        builder.heading(subject, 1)
        lines = ((name, self._header(message, name)) for name in _SHOWN)
        builder.paragraph("\n".join(f"{name}: {text}" for name, text in lines if text))
        parts = _Parts()
        self._sort(message, parts, 0)
        for part in parts.texts:
            builder.include(self._text(part))
        self._attachments(parts.attachments)
        return builder.document(self._key, subject[:TITLE_LENGTH] or stem(self._key))

    def _sort(self, part: Message, parts: _Parts, depth: int) -> None:
        kind = part.get_content_type()
        if kind in ("multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime"):
            raise ReadError(self._key, "the email is encrypted; save its text without encryption")
        if depth > _MAX_DEPTH:
            self._builder.missing("Parts that are nested too deeply are not read.")
        elif kind == "message/rfc822" or _is_attachment(part):
            parts.attachments.append(part)
        elif kind == "multipart/alternative" and part.is_multipart():
            self._alternative(part, parts, depth)
        elif part.is_multipart():
            for child in _children(part):
                self._sort(child, parts, depth + 1)
        elif kind in ("text/plain", "text/html") or part.get_content_maintype() == "multipart":
            parts.texts.append(part)
        elif part.get_content_maintype() != "image":  # a picture inside the text
            parts.attachments.append(part)

    def _alternative(self, part: Message, parts: _Parts, depth: int) -> None:
        """Choose the plain text, or the HTML if it says more; keep attachments inside either."""
        branches = []
        for child in _children(part):
            branch = _Parts()
            self._sort(child, branch, depth + 1)
            parts.attachments += branch.attachments
            if branch.texts:
                lengths = [len("".join(self._text(text).text.split())) for text in branch.texts]
                html = any(text.get_content_type() == "text/html" for text in branch.texts)
                branches.append((sum(lengths), html, branch.texts))
        plain = max((b for b in branches if not b[1]), key=lambda b: b[0], default=None)
        rich = max((b for b in branches if b[1]), key=lambda b: b[0], default=None)
        if plain is not None and (rich is None or plain[0] >= _PLAIN_SHARE * rich[0]):
            parts.texts += plain[2]
        elif rich is not None:
            parts.texts += rich[2]

    def _text(self, part: Message) -> Document:
        builder = TextBuilder()
        data = _payload(part)
        is_html = part.get_content_type() == "text/html"
        charset = str(part.get_param("charset", "") or "").lower().strip("'\" ")
        declared = _CHARSETS.get(charset, charset) or (declared_encoding(data) if is_html else None)
        try:
            decoded = decode(self._key, data, self._options, declared=declared) if data else None
        except ReadError as error:
            builder.missing(f"A part of the email is not read: {error.reason}.")
            decoded = None
        if decoded is not None:
            text = decoded.text.replace("\r\n", "\n")
            if is_html:
                add_html(builder, text)
            else:
                flowed = str(part.get_param("format", "")).lower() == "flowed"
                builder.paragraph(_FLOWED.sub(" ", text) if flowed else text)
            for sentence in decoded.missing:
                builder.missing(sentence)
        return builder.document(self._key, "text")

    def _attachments(self, parts: list[Message]) -> None:
        unread = []
        for number, part in enumerate(parts, start=1):
            name = self._name(part, number)
            if self._read is None or number > _MAX_ATTACHMENTS:
                unread.append(name)
                continue
            try:
                document = self._attachment(part, name, self._read)
            except ReadError as error:
                self._builder.missing(f"The attachment {name} is not read: {error.reason}.")
                continue
            if document is None:
                unread.append(name)
            else:
                self._include(name, document)
        if unread:
            shown = ", ".join(unread[:20]) + (
                f" and {len(unread) - 20:,} more" * (len(unread) > 20)
            )
            self._builder.remark(f"Attachments that are not read: {shown}.")

    def _attachment(self, part: Message, name: str, read: Read) -> Document | None:
        """Return an attachment's text; None if its format is not known."""
        key = f"{self._key}/{name}"
        message = next(_children(part), None)
        if part.get_content_type() == "message/rfc822" and message is not None:
            return _Mail(key, self._options, None).document(message)
        return read(key, _payload(part), self._options)

    def _include(self, name: str, document: Document) -> None:
        self._builder.heading(name, 1)
        self._builder.include(document, below=1)
        for sentence in document.missing:
            self._builder.missing(f"Attachment {name}: {sentence}")
        for sentence in document.remarks:
            self._builder.remark(f"Attachment {name}: {sentence}")

    def _name(self, part: Message, number: int) -> str:
        """Return an attachment's file name, with a suffix that fits its type."""
        try:
            name = self._decoded(part.get_filename() or "")
        except (LookupError, ValueError, TypeError):
            name = ""
        name = re.split(r"[/\\]", name)[-1].strip()
        if not name and part.get_content_type() == "message/rfc822":
            message = next(_children(part), None)
            name = "" if message is None else self._header(message, "Subject")
            return f"{name or f'email {number}'}.eml"
        if "." not in name:
            guessed = mimetypes.guess_extension(part.get_content_type()) or ""
            return f"{name or f'attachment {number}'}{guessed}"
        return name

    def _header(self, message: Message, name: str) -> str:
        for key, value in message.raw_items():
            if key.lower() == name.lower():
                return self._decoded(str(value))
        return ""

    def _decoded(self, value: str) -> str:
        """Return a header as text: encoded words, raw bytes and folded lines."""
        try:
            raw = value.encode("ascii", "surrogateescape")
        except UnicodeEncodeError:
            return clean_line(value)
        if not raw.isascii():
            try:
                return clean_line(decode(self._key, raw, self._options).text)
            except ReadError:
                return clean_line(raw.decode("latin-1"))
        try:
            pieces = email.header.decode_header(value)
        except (email.errors.MessageError, ValueError):
            return clean_line(value)
        return clean_line("".join(_piece(text, charset) for text, charset in pieces))


def _piece(text: Any, charset: str | None) -> str:
    if isinstance(text, str):
        return text
    name = (charset or "ascii").lower()
    try:
        return bytes(text).decode(_CHARSETS.get(name, name) or "latin-1", "replace")
    except LookupError:
        return bytes(text).decode("latin-1")


def _children(part: Message) -> Iterator[Message]:
    payload = part.get_payload()
    return (child for child in (payload if isinstance(payload, list) else ()))  # type: ignore[misc]


def _payload(part: Message) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _is_attachment(part: Message) -> bool:
    if part.is_multipart():
        return False
    return part.get_content_disposition() == "attachment" or bool(part.get_filename())
