"""Which question `make up` shows, and how the question reaches `rag.ask`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from ops.engine import Engine
from ops.stack import ask
from ops.stack.ask import sample_question


def _corpus(folder: Path, text: str) -> None:
    folder.mkdir(parents=True)
    (folder / "questions.jsonl").write_text(text)


def test_smoke_question_comes_first(tmp_path: Path) -> None:
    assert sample_question({"customrag:smokeQuestion": "Why?"}, tmp_path) == "Why?"


def test_first_question_of_the_corpus_is_asked(tmp_path: Path) -> None:
    _corpus(tmp_path / "mine", json.dumps({"question": "Where?"}) + "\nnot read\n")
    config = {"customrag:smokeQuestion": "", "customrag:corpusDir": "mine"}
    assert sample_question(config, tmp_path) == "Where?"


@pytest.mark.parametrize("text", ["", "no json", "[]", '{"answer": 1}', '{"question": "\\ud83d?"}'])
def test_corpus_without_a_usable_question_gets_one_that_fits_any(tmp_path: Path, text: str) -> None:
    _corpus(tmp_path / "examples" / "corpus", text)
    assert sample_question({}, tmp_path) == "What are these documents about?"


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], dict[str, str]]]:
    record: list[tuple[list[str], dict[str, str]]] = []

    def run(words: list[str], *, env: dict[str, str], **_: object) -> SimpleNamespace:
        record.append((words, env))
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr(subprocess, "run", run)
    return record


def _engine(tmp_path: Path, **environment: str) -> Engine:
    return Engine(stack="dev", logs=tmp_path, environment=environment)


def test_question_that_begins_with_a_dash_is_not_an_option(
    tmp_path: Path, started: list[tuple[list[str], dict[str, str]]]
) -> None:
    outputs = {"chat_url": "http://127.0.0.1:1"}
    assert ask.ask(_engine(tmp_path), "--what is this?", outputs) == 0
    assert started[0][0][-2:] == ["--", "--what is this?"]


def test_edge_of_a_cloud_stack_needs_a_token_from_the_environment(
    tmp_path: Path, started: list[tuple[list[str], dict[str, str]]]
) -> None:
    outputs = {"chat_url": "http://127.0.0.1:1", "edge_url": "https://edge.example.com"}
    with pytest.raises(ask.AskError, match="CUSTOMRAG_TOKEN"):
        ask.ask(_engine(tmp_path), "What?", outputs)
    ask.ask(_engine(tmp_path, CUSTOMRAG_TOKEN="t"), "What?", outputs)
    assert "https://edge.example.com" in started[0][0]


def test_stack_without_an_application_cannot_be_asked(tmp_path: Path) -> None:
    with pytest.raises(ask.AskError, match="no output chat_url"):
        ask.ask(_engine(tmp_path), "What?", {"region": "cn-hangzhou"})


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CUSTOMRAG_HOME", str(tmp_path))
    return tmp_path


def _python(folder: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    python = folder / "python"
    python.write_text(f"#!/bin/sh\n{text}\n")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))


def test_local_cloud_that_does_not_start_is_reported(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _python(home, "echo no port is left >&2; exit 1", monkeypatch)
    local = Engine(stack="local", logs=home, environment={})
    with pytest.raises(ask.AskError, match="does not start: no port is left"):
        ask.ask(local, "What?", {"chat_url": "http://127.0.0.1:1"})
    with pytest.raises(ask.AskError, match="does not start: no port is left"):
        ask.local_token()


def test_local_cloud_that_hangs_is_reported(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _python(home, "exec sleep 60", monkeypatch)
    monkeypatch.setattr(ask, "_ISSUER_SECONDS", 0.1)
    monkeypatch.setattr(ask, "_START_SECONDS", 0.1)
    with pytest.raises(ask.AskError, match=r"did not end within 0\.1 s. `make status`"):
        ask.local_token()


def test_link_to_a_local_page_carries_a_sign_in_code(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _python(home, '[ "$3" = code ] && echo one-time', monkeypatch)
    local = Engine(stack="local", logs=home, environment={})
    outputs = {"chat_url": "http://chat", "edge_url": "http://edge/"}
    assert ask.page_link(local, outputs) == "http://edge/#code=one-time"


@pytest.mark.parametrize(
    ("stack", "edge", "link"),
    [("dev", "https://edge", "https://edge"), ("local", "", "http://chat")],
)
def test_link_without_a_local_issuer_is_the_page(
    tmp_path: Path, stack: str, edge: str, link: str
) -> None:
    engine = Engine(stack=stack, logs=tmp_path, environment={})
    assert ask.page_link(engine, {"chat_url": "http://chat", "edge_url": edge}) == link
