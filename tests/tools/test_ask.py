"""Which question `make up` shows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tools.ask import command, sample_question
from tools.paths import Paths


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(checkout=tmp_path, cache=tmp_path / "cache")


def _corpus(folder: Path, text: str) -> None:
    folder.mkdir(parents=True)
    (folder / "questions.jsonl").write_text(text)


def test_the_smoke_question_comes_first(paths: Paths) -> None:
    assert sample_question(paths, {"customrag:smokeQuestion": "Why?"}) == "Why?"


def test_the_corpus_first_question_is_asked(paths: Paths) -> None:
    _corpus(paths.checkout / "mine", json.dumps({"question": "Where?"}) + "\nnot read\n")
    config = {"customrag:smokeQuestion": "", "customrag:corpusDir": "mine"}
    assert sample_question(paths, config) == "Where?"


@pytest.mark.parametrize("text", ["", "no json", "[]", '{"answer": 1}'])
def test_a_corpus_without_a_usable_question_gets_one_that_fits_any(paths: Paths, text: str) -> None:
    _corpus(paths.checkout / "examples" / "corpus", text)
    assert sample_question(paths, {}) == "What are these documents about?"


def test_a_question_that_begins_with_a_dash_is_no_option(paths: Paths) -> None:
    words = command(paths, "http://127.0.0.1:1", "--what is this?")
    assert words[-2:] == ["--", "--what is this?"]
