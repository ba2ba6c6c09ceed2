"""The corpus as inputs of the program: what a preview says, and that every value can be sent."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from google.protobuf import struct_pb2

from infra import corpus
from infra.corpus import plan_corpus
from rag.outcomes import Outcome
from stack_config.config import ConfigError


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "a.md").write_text("The pump has three valves.")
    return folder


def test_a_preview_counts_the_files_by_outcome_and_reason(docs: Path) -> None:
    for name in ("b.xyz", "c.xyz", "d.md", ".hidden"):
        (docs / name).touch()
    plan = plan_corpus(docs.parent)
    assert plan.summary == (
        "corpus: 1 documents in docs/, 3 cannot be read (the format .xyz is not supported: 2, "
        "the file is empty: 1), 1 skipped (a hidden file: 1)"
    )
    assert list(plan.warnings) == [
        "docs/b.xyz cannot be read: the format .xyz is not supported",
        "docs/c.xyz cannot be read: the format .xyz is not supported",
        "docs/d.md cannot be read: the file is empty",
    ]
    assert (plan.count(Outcome.UNREAD), plan.count(Outcome.SKIPPED)) == (3, 1)


def test_a_preview_names_few_files_and_says_how_many_more_there_are(docs: Path) -> None:
    for number in range(15):
        (docs / f"{number}.kind{number}").touch()
    plan = plan_corpus(docs.parent)
    warnings = list(plan.warnings)
    assert len(warnings) == 11
    assert warnings[-1] == "5 more files below docs/ cannot be read"
    assert ", 11 more reasons)" in plan.summary


def test_every_input_of_the_program_can_be_sent_whatever_the_names_are(docs: Path) -> None:
    (docs / os.fsdecode(b"\xb1\xb8.md")).write_text("Not UTF-8.")
    (docs / 'a\nb "q" \\.md').write_text("Odd.")
    (docs / "\u202e.xyz").touch()
    plan = plan_corpus(docs.parent)
    message = struct_pb2.Struct()
    message.update(dict(plan.objects))
    message.update({left.name: left.text for left in plan.left_out})
    message.SerializeToString()
    assert set(plan.documents) == {"docs/a.md", 'docs/a\nb "q" \\.md'}
    assert list(plan.warnings) == [
        "docs/\\xb1\\xb8.md cannot be read: its name is not UTF-8; rename it",
        "docs/\\u202e.xyz cannot be read: the format .xyz is not supported",
    ]


def test_a_file_that_cannot_be_opened_is_unread_and_the_others_go_on(
    docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refusing(path: Path) -> str:
        if path.name == "b.md":
            raise PermissionError(13, "Permission denied")
        return "0" * 64

    (docs / "b.md").write_text("Closed.")
    monkeypatch.setattr(corpus, "sha256_of", refusing)
    plan = plan_corpus(docs.parent)
    assert set(plan.documents) == {"docs/a.md"}
    assert list(plan.warnings) == [
        "docs/b.md cannot be read: the file cannot be opened: Permission denied"
    ]


def test_a_folder_whose_documents_cannot_be_opened_is_refused_with_what_to_change(
    docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refusing(path: Path) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(corpus, "sha256_of", refusing)
    said = r"docs/a.md cannot be opened: Permission denied\. Change its permissions\. Give a folder"
    with pytest.raises(ConfigError, match=said):
        plan_corpus(docs.parent)


def test_a_folder_without_a_readable_document_is_refused(docs: Path) -> None:
    (docs / "a.md").rename(docs / "a.xyz")
    with pytest.raises(ConfigError, match=r"corpusDir is .*'docs/a.xyz': the format .xyz is not"):
        plan_corpus(docs.parent)
