"""The corpora of the end-to-end tests, taken from the sample corpus.

Owns the choice of documents, and generated documents: many of them, and an unreadable one.
"""

from __future__ import annotations

import json
from pathlib import Path

DOCUMENTS = (
    "07-alarms-w1-to-w4.md",
    "08-alarms-w5-to-w9.md",
    "12-dosing-pump.md",
    "16-mobile-app.md",
    "19-firmware.md",
    "20-warranty.md",
    "24-spare-parts.md",
    "33-service-codes.md",
)
"""They have 26 questions: 17 to train on, the fewest that training accepts, and 9 held out."""


def cut(sample: Path, target: Path) -> Path:
    """Make a small corpus of the sample's documents and their questions; return its folder."""
    (target / "docs").mkdir(parents=True)
    for name in DOCUMENTS:
        content = (sample / "docs" / name).read_bytes()
        (target / "docs" / name).write_bytes(content)
    with (sample / "questions.jsonl").open(encoding="utf-8") as lines:
        kept = [line for line in lines if json.loads(line)["document"] in DOCUMENTS]
    (target / "questions.jsonl").write_text("".join(kept), encoding="utf-8")
    return target


def add_many(corpus: Path, count: int, name: str) -> None:
    """Add documents of about two chunks each, all different."""
    texts = [(corpus / "docs" / document).read_text("utf-8") for document in DOCUMENTS]
    for number in range(count):
        parts = [texts[(number + step) % len(texts)] for step in range(3)]
        text = f"# {name} report {number}\n\nOf house {number}.\n\n" + "\n\n".join(parts)
        (corpus / "docs" / f"{name}-{number:04d}.md").write_text(text, encoding="utf-8")


def add_corrupt_pdf(corpus: Path, name: str) -> None:
    """Add a file with the name and the beginning of a PDF that is not a valid PDF."""
    (corpus / "docs" / name).write_bytes(b"%PDF-1.7\n1 0 obj\n<< /Type /Catal")
