"""XML of OSS requests and responses.

Owns writing plain values as XML and checking the XML of requests. Bodies have no namespace, as in
OSS.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeAlias
from xml.etree import ElementTree

Value: TypeAlias = "str | int | bool | Mapping[str, Value] | Sequence[Value] | None"


class XmlError(ValueError):
    """The XML is malformed or has another root element."""


def document(root: str, content: Mapping[str, Value] | str) -> bytes:
    """Return an XML document.

    Args:
        root: The root element's name.
        content: Children by element name, or the root's text. None leaves an element out, a
            list repeats it, a mapping nests, a bool becomes ``true`` or ``false``.
    """
    element = ElementTree.Element(root)
    if isinstance(content, str):
        element.text = content
    else:
        for name, value in content.items():
            _add(element, name, value)
    body: bytes = ElementTree.tostring(element, "utf-8")
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + body


def _add(parent: ElementTree.Element, name: str, value: Value) -> None:
    if value is None:
        return
    if isinstance(value, Mapping):
        child = ElementTree.SubElement(parent, name)
        for key, nested in value.items():
            _add(child, key, nested)
    elif isinstance(value, bool):
        ElementTree.SubElement(parent, name).text = "true" if value else "false"
    elif isinstance(value, str | int):
        ElementTree.SubElement(parent, name).text = str(value)
    else:
        for item in value:
            _add(parent, name, item)


def parse(body: bytes, root: str) -> ElementTree.Element:
    """Return the root element of a request's body.

    Raises:
        XmlError: The body is not XML, has a document type, or has another root element.
    """
    try:
        document_text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise XmlError("it is not UTF-8") from error
    if "<!DOCTYPE" in document_text:
        raise XmlError("document types are not allowed")
    try:
        element = ElementTree.fromstring(document_text)  # noqa: S314 - without a document type
    except ElementTree.ParseError as error:
        raise XmlError(str(error)) from error
    for node in element.iter():
        node.tag = node.tag.rpartition("}")[2]
    if element.tag != root:
        raise XmlError(f"the root element is {element.tag}, expected {root}")
    return element


def text(element: ElementTree.Element, path: str) -> str | None:
    """Return the text at ``path``, or None if the element does not exist."""
    found = element.find(path)
    return None if found is None else (found.text or "").strip()


def iso8601(timestamp: float) -> str:
    """Return seconds since the epoch as ``2026-11-21T10:00:00.000Z``: whole seconds, as in OSS."""
    return datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
