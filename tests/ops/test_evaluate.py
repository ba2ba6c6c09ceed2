"""`make eval` reads documents with the options of the local stack."""

from __future__ import annotations

import argparse
import os
import shutil
from pathlib import Path

import pytest

from ops import evaluate
from ops.declared import ROOT
from rag.readers.options import ReadOptions
from stack_config.config import ConfigError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "stacks").mkdir()
    shutil.copy(ROOT / "Pulumi.yaml", tmp_path)
    return tmp_path


def local_stack(root: Path, *lines: str) -> None:
    template = (ROOT / "stacks" / "local.template.yaml").read_text()
    text = template + "".join(f"  customrag:{line}\n" for line in lines)
    (root / "stacks" / "Pulumi.local.yaml").write_text(text)


def test_without_a_local_stack_the_options_have_their_defaults(root: Path) -> None:
    assert evaluate.reading_arguments(root) == []


def test_a_local_stack_without_options_of_reading_gives_none(root: Path) -> None:
    local_stack(root)
    assert evaluate.reading_arguments(root) == []


def test_the_options_of_the_local_stack_reach_the_measurement(root: Path) -> None:
    local_stack(
        root,
        "documentEncodings: [docs/old letters=gb18030, docs/new=big5]",
        "documentOcr: tesseract",
        "documentOcrLanguages: [deu]",
    )
    parser = argparse.ArgumentParser()
    ReadOptions.add_arguments(parser)
    parsed = parser.parse_args(evaluate.reading_arguments(root))
    assert ReadOptions.from_arguments(parsed) == ReadOptions(
        encodings={"docs/old letters": "gb18030", "docs/new": "big5"},
        ocr=True,
        ocr_languages=("deu",),
    )


def test_an_encoding_that_does_not_exist_is_an_error_that_names_the_key(root: Path) -> None:
    local_stack(root, "documentEncodings: [docs/old=klingon]")
    with pytest.raises(ConfigError, match="customrag:documentEncodings"):
        evaluate.reading_arguments(root)


def test_the_measurement_takes_the_options_and_the_arguments(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    started: list[str] = []
    monkeypatch.setattr(os, "execv", lambda program, words: started.extend(words))
    monkeypatch.setattr(evaluate, "reading_arguments", lambda: ["--ocr"])
    evaluate.main(["--corpus", "mine"])
    assert started[1:] == ["-m", "training.evaluate", "--ocr", "--corpus", "mine"]
    assert "as stack local does: --ocr" in capsys.readouterr().out
