"""The check of prose: what it finds, what it accepts, and that this repository passes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tools import prose


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder whose files count as tracked."""
    monkeypatch.setattr(prose, "ROOT", tmp_path)
    monkeypatch.setattr(
        prose,
        "_tracked",
        lambda _: [str(file.relative_to(tmp_path)) for file in tmp_path.iterdir()],
    )
    return tmp_path


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("a.md", "One.\n\nAlarms that somebody reads.\n", 3),
        ("a.md", "The message\ngoes\nagainst it.\n", 2),
        ("a.yaml", "key: 1\n# The text is\n# told to users.\n", 2),
        ("a.py", '"""Do it.\n\nWhat was made.\n"""\n', 3),
        ("a.py", "x = 1\n# It goes\n# against that.\n", 2),
        ("a.py", 'raise ValueError(f"{1} is no "\n    "JSON")\n', 1),
        ("a.py", "def test_nobody_reads_it() -> None: ...\n", 1),
    ],
)
def test_a_planted_phrase_is_found_with_its_line(
    tree: Path, name: str, text: str, line: int
) -> None:
    (tree / name).write_text(text)
    assert [(found.path, found.line) for found in prose.findings()] == [(name, line)]


@pytest.mark.parametrize(
    "text",
    [
        "There is no index, and it is no longer needed.",
        "`is none of` the three.",
        "The somebodys of this world.",
    ],
)
def test_an_accepted_phrase_is_not_a_finding(tree: Path, text: str) -> None:
    (tree / "a.md").write_text(text + "\n")
    assert list(prose.findings()) == []


def test_code_is_not_prose(tree: Path) -> None:
    (tree / "a.py").write_text("x = 1 if x is None else 2\n")
    assert list(prose.findings()) == []


def test_a_vendor_text_can_be_marked(tree: Path) -> None:
    (tree / "a.py").write_text('TEXT = "The job is no job."  # prose: vendor\n')
    assert list(prose.findings()) == []


def test_a_long_line_of_markdown_is_found(tree: Path) -> None:
    (tree / "a.md").write_text("word " * 24 + "x\n" + "word " * 24 + "\n")
    assert [found.line for found in prose.findings()] == [1]


def test_every_row_of_the_table_is_a_rule() -> None:
    section = prose.WRITING.read_text().partition("## Words to avoid")[2]
    rows = re.findall(r"^\| `.*", section, re.MULTILINE)
    first_cells = " ".join(row.split("|")[1] for row in rows)
    assert len(prose.rules()) == first_cells.count("`") // 2 > 50


def test_the_repository_follows_the_rules() -> None:
    assert "\n".join(map(str, prose.findings())) == ""
