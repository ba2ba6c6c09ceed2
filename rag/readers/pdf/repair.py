"""Gives a cut-off PDF a new list of pages, so that the pages it still has can be read.

Pure. The catalogue and the list of pages are often at the end of a file. PDFium finds objects
without them, but not the document. This adds a catalogue with all page objects, in their order in
the file.
"""

from __future__ import annotations

import re

__all__ = ["repaired"]

_OBJECT = re.compile(rb"(?<![0-9])([0-9]{1,8})[ \t\r\n]+([0-9]{1,5})[ \t\r\n]+obj\b")
_PAGE = re.compile(rb"/Type[ \t\r\n]*/Page(?![A-Za-z])")
_PARENT = re.compile(rb"/Parent[ \t\r\n]+([0-9]{1,8})[ \t\r\n]+[0-9]+[ \t\r\n]+R")
_LONGEST_HEAD = 20_000


def repaired(data: bytes) -> bytes:
    """Return the file with a catalogue and a list of its pages.

    Raises:
        ValueError: It has no page objects outside of compressed ones.
    """
    if b"%PDF-" not in data[:2048]:
        raise ValueError("the file does not begin as a PDF")
    places = [(m.start(), m.end(), int(m[1])) for m in _OBJECT.finditer(data)]
    pages: dict[int, None] = {}
    parent, highest = 0, 0
    for number, (_, start, identity) in enumerate(places):
        end = places[number + 1][0] if number + 1 < len(places) else len(data)
        head = data[start : min(end, start + _LONGEST_HEAD)]
        head = head.split(b"stream", 1)[0]
        highest = max(highest, identity)
        if _PAGE.search(head) and b"endobj" in head:
            pages[identity] = None
            if not parent and (found := _PARENT.search(head)):
                parent = int(found[1])
    if not pages:
        raise ValueError("no page was found in it")
    known = {identity for _, _, identity in places}
    # Pages point to their parent: the new list takes its place if it is missing.
    tree = parent if parent and parent not in known else max(highest, parent) + 1
    root = max(highest, tree) + 1
    kids = b" ".join(b"%d 0 R" % page for page in pages)
    body = data if data.rstrip().endswith(b"endobj") else data + b"\nendstream\nendobj"
    body += b"\n%d 0 obj\n<< /Type /Pages /MediaBox [0 0 595 842] " % tree
    body += b"/Kids [%s] /Count %d >>\nendobj\n" % (kids, len(pages))
    body += b"%d 0 obj\n<< /Type /Catalog /Pages %d 0 R >>\nendobj\n" % (root, tree)
    return body + b"trailer\n<< /Root %d 0 R /Size %d >>\n%%%%EOF\n" % (root, root + 1)
