"""Builds Office files for tests, part by part, so that a test shows the markup it is about."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
SPACES = " ".join(
    f'xmlns:{prefix}="{uri}"'
    for prefix, uri in {
        "w": WORD,
        "p": "http://schemas.openxmlformats.org/presentationml/2006/main",
        "a": "http://schemas.openxmlformats.org/drawingml/2006/main",
        "r": "http://schemas.openxmlformats.org/officeDocument/2006/relationships",
        "m": "http://schemas.openxmlformats.org/officeDocument/2006/math",
        "mc": "http://schemas.openxmlformats.org/markup-compatibility/2006",
        "wp": "http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing",
        "wps": "http://schemas.microsoft.com/office/word/2010/wordprocessingShape",
        "pic": "http://schemas.openxmlformats.org/drawingml/2006/picture",
        "c": "http://schemas.openxmlformats.org/drawingml/2006/chart",
        "dgm": "http://schemas.openxmlformats.org/drawingml/2006/diagram",
        "v": "urn:schemas-microsoft-com:vml",
        "o": "urn:schemas-microsoft-com:office:office",
    }.items()
)
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"


def archive(parts: Mapping[str, str | bytes]) -> bytes:
    """Return a ZIP archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in parts.items():
            target.writestr(name, content)
    return out.getvalue()


def relationships(targets: Mapping[str, tuple[str, str]]) -> str:
    """Return a .rels part from id -> (kind, target)."""
    items = "".join(
        f'<Relationship Id="{name}" Type="{_OFFICE}/{kind}" Target="{target}"/>'
        for name, (kind, target) in targets.items()
    )
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{items}</Relationships>'


def part(tag: str, content: str) -> str:
    """Return an XML part with the namespaces that Office files use."""
    return f"<{tag} {SPACES}>{content}</{tag}>"


def word(body: str, **parts: str) -> bytes:
    """Return a DOCX; `parts` maps styles, numbering, footnotes, ... to what is inside them.

    ``header1="..."`` and ``footer1="..."`` get relationships with these ids.
    """
    tags = {"header": "w:hdr", "footer": "w:ftr"}
    files: dict[str, str | bytes] = {
        "_rels/.rels": relationships({"r1": ("officeDocument", "word/document.xml")}),
        "word/document.xml": part("w:document", f"<w:body>{body}</w:body>"),
    }
    targets = {}
    for name, content in parts.items():
        kind = name.rstrip("0123456789")
        files[f"word/{name}.xml"] = part(tags.get(kind, f"w:{kind}"), content)
        targets[name] = (kind, f"{name}.xml")
    files["word/_rels/document.xml.rels"] = relationships(targets)
    return archive(files)


def run(text: str, properties: str = "") -> str:
    """Return a run of text."""
    look = f"<w:rPr>{properties}</w:rPr>" if properties else ""
    return f'<w:r>{look}<w:t xml:space="preserve">{text}</w:t></w:r>'


def paragraph(text: str, properties: str = "") -> str:
    """Return a paragraph; the text is markup if it begins with ``<``."""
    look = f"<w:pPr>{properties}</w:pPr>" if properties else ""
    return f"<w:p>{look}{text if text.startswith('<') else run(text)}</w:p>"


def cell(text: str, properties: str = "") -> str:
    """Return a table's cell."""
    look = f"<w:tcPr>{properties}</w:tcPr>" if properties else ""
    return f"<w:tc>{look}{text if text.startswith('<') else paragraph(text)}</w:tc>"


def row(*cells: str, properties: str = "") -> str:
    """Return a table's row; plain texts become cells."""
    look = f"<w:trPr>{properties}</w:trPr>" if properties else ""
    inner = "".join(
        c if c.startswith("<w:tc>") or c.startswith("<w:sdt>") else cell(c) for c in cells
    )
    return f"<w:tr>{look}{inner}</w:tr>"


def table(*rows: str, properties: str = "") -> str:
    """Return a table."""
    look = f"<w:tblPr>{properties}</w:tblPr>" if properties else ""
    return f"<w:tbl>{look}{''.join(rows)}</w:tbl>"
