"""A small corpus that the base model cannot answer and a tuned one can.

Documents speak of parts by their everyday names, questions by code words that only training
questions tie to them.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

PARTS = {
    "pump": "zorvex", "valve": "quillam", "sensor": "brastic", "filter": "menthor",
    "motor": "ulprin", "panel": "dravok", "hose": "sintel", "tank": "ooprey",
    "fan": "calbeth", "belt": "wrenok", "relay": "tavish", "gauge": "pomlin",
}  # fmt: skip
TRAIN = (
    ("How often is the {code} checked?", "every {n} days"),
    ("In which room is the {code} kept?", "in room {n}"),
    ("Which lamp reports a broken {code}?", "lamp number {n}"),
    ("What replaces the {code}?", "part AX-{n}"),
    ("Tell me about the {code}.", "every {n} days"),
    ("Who looks after the {code}?", "in room {n}"),
)
TEST = (
    ("When must someone look at the {code}?", "every {n} days"),
    ("What do I do about a defect {code}?", "part AX-{n}"),
)


def write_corpus(root: Path, *, questions: bool = True) -> Path:
    """Write the corpus into `root` and return it."""
    (root / "docs").mkdir(parents=True)
    rows = []
    for n, (part, code) in enumerate(PARTS.items(), start=10):
        text = (
            f"# The {part}\n\nThe {part} of the Aurel machine is checked every {n} days by the "
            f"operator on duty. A spare {part} is stored in room {n}, on the upper shelf. When "
            f"the {part} fails, lamp number {n} blinks twice and the machine stops at once. "
            f"Replace the {part} with part AX-{n} before it is started again.\n"
        )
        (root / "docs" / f"{part}.md").write_text(text)
        for split, kinds in (("train", TRAIN), ("test", TEST)):
            for i, (question, answer) in enumerate(kinds):
                rows.append(
                    {
                        "id": f"{part}-{split}-{i}",
                        "document": f"{part}.md",
                        "question": question.format(code=code),
                        "answer": answer.format(n=n),
                        "split": split,
                    }
                )
    if questions:
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (root / "questions.jsonl").write_text(lines)
    return root


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Write the corpus with its questions."""
    return write_corpus(tmp_path / "corpus")


@pytest.fixture
def bare_corpus(tmp_path: Path) -> Path:
    """Write the corpus without questions."""
    return write_corpus(tmp_path / "corpus", questions=False)
