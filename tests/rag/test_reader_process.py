"""No document stops or stalls a run: those that end or occupy the child process are unread.

The child processes are real, and so are the loop, the crash and the allocation in them. What the
system does when its memory is full is only simulated, by the signal that it sends.
"""

from __future__ import annotations

import asyncio
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from rag.corpus import sha256_of
from rag.documents import Document
from rag.errors import ReaderProcessError, ReadError
from rag.pipeline import Pipeline, Task
from rag.reader_process import DocumentReader, File, seconds_for
from rag.readers import ReadOptions
from rag.readers.options import DEFAULT_OPTIONS
from tests.rag import bad_readers
from tests.rag.fakes import FakeEmbedder, read_here
from tests.rag.test_refusals import MemoryWriter
from tests.support import hard_documents
from training.data import load_training_data

ROOT = Path(__file__).resolve().parents[2]
ADVICE = "; open it with its own program and save it again, or split it"
REASONS = {
    "LOOP": "reading took longer than 1 s and was stopped" + ADVICE,
    "BACKTRACK": "reading took longer than 1 s and was stopped" + ADVICE,
    "CRASH": "the reader crashed (signal 11, SIGSEGV)" + ADVICE,
    "GROW": "reading it needs too much memory; split it",
    "OUT OF MEMORY": "the reader was killed (signal 9), probably because the memory was full; "
    "split it",
    "EXIT": "the reader ended with exit status 3" + ADVICE,
}


@pytest.fixture
def bad(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let texts say what their reader does, and give each document one second."""
    monkeypatch.setattr("rag.reader_process.read_document", bad_readers.read_document)
    monkeypatch.setattr("rag.reader_process._SECONDS", 1.0)
    monkeypatch.setattr("rag.reader_process._SECONDS_PER_MIB", 0.0)


def files_of(folder: Path, *texts: str) -> list[File]:
    (folder / "docs").mkdir(exist_ok=True)
    files = []
    for number, text in enumerate(texts):
        path = folder / "docs" / f"{number}.txt"
        path.write_text(text)
        files.append((f"docs/{number}.txt", path))
    return files


def outcome_of(document: Document | ReadError) -> str:
    return document.reason if isinstance(document, ReadError) else document.text


@pytest.mark.parametrize("deed", REASONS)
@pytest.mark.usefixtures("bad")
def test_a_document_whose_reader_does_not_come_back_is_unread_and_the_others_are_read(
    deed: str, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    files = files_of(tmp_path, "One.", f"{deed}\n{log}", "Two.", "Three.")
    with DocumentReader() as reader:
        outcomes = [outcome_of(document) for document in reader.read(files)]
    assert outcomes == ["One.", REASONS[deed], "Two.", "Three."]
    assert log.read_text() == "docs/1.txt\n"  # It was not tried again.


@pytest.mark.usefixtures("bad")
def test_bad_documents_in_a_row_and_at_both_ends_keep_their_reasons(tmp_path: Path) -> None:
    files = files_of(tmp_path, "CRASH", "EXIT", "One.", "GROW", "CRASH", "Two.", "EXIT")
    with DocumentReader() as reader:
        outcomes = [outcome_of(document) for document in reader.read(files)]
    expected = ["CRASH", "EXIT", "One.", "GROW", "CRASH", "Two.", "EXIT"]
    assert outcomes == [REASONS.get(text, text) for text in expected]


@pytest.mark.usefixtures("bad")
def test_a_run_that_reads_its_corpus_again_does_not_try_such_a_document_again(
    tmp_path: Path,
) -> None:
    log = tmp_path / "log"
    files = files_of(tmp_path, "One.", f"EXIT\n{log}", "Two.")
    for _ in range(2):
        with DocumentReader() as reader:
            outcomes = [outcome_of(document) for document in reader.read(files)]
        assert outcomes == ["One.", REASONS["EXIT"], "Two."]
    assert log.read_text() == "docs/1.txt\n"
    files_of(tmp_path, "One.", "Replaced.")
    with DocumentReader() as reader:
        assert [outcome_of(document) for document in reader.read(files)][1] == "Replaced."


@pytest.mark.usefixtures("bad")
def test_the_time_of_a_document_after_one_that_is_not_tried_again_starts_with_its_own_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = files_of(tmp_path, "One.", "EXIT", "Two.")
    with DocumentReader() as reader:
        list(reader.read(files))
    now = 0.0
    monkeypatch.setattr("rag.reader_process._SECONDS", 60.0)
    monkeypatch.setattr("rag.reader_process.time", SimpleNamespace(monotonic=lambda: now))
    outcomes = []
    with DocumentReader() as reader:
        for document in reader.read(files):
            outcomes.append(outcome_of(document))
            now = 3600.0  # The parent worked on the first document for so long.
    assert outcomes == ["One.", REASONS["EXIT"], "Two."]


@pytest.mark.usefixtures("bad")
def test_an_ingest_names_the_documents_that_ended_their_reader(tmp_path: Path) -> None:
    files = files_of(tmp_path, "BACKTRACK", "One.", "CRASH", "Two.")
    tasks = [
        Task(key=key, path=path, sha256=sha256_of(path), identity=sha256_of(path))
        for key, path in files
    ]
    writer: Any = MemoryWriter()
    with DocumentReader() as reader:
        pipeline = Pipeline(FakeEmbedder(), writer, reader.read, uri_prefix="oss://b/")
        asyncio.run(pipeline.run(tasks))
    assert pipeline.documents == 2
    assert pipeline.set_aside == {
        "docs/0.txt": REASONS["BACKTRACK"],
        "docs/2.txt": REASONS["CRASH"],
    }


@pytest.mark.usefixtures("bad")
def test_a_training_leaves_out_the_documents_that_ended_their_reader(tmp_path: Path) -> None:
    files = files_of(tmp_path, *(f"The pump of house {n} is red. It is old." for n in range(9)))
    (_, first), (_, last) = files[0], files[-1]
    first.write_text("CRASH")
    last.write_text("LOOP")
    data = load_training_data(tmp_path, seed=1, min_pairs=1)
    assert data.documents == 7
    assert data.set_aside == (
        f"docs/0.txt: {REASONS['CRASH']}",
        f"docs/8.txt: {REASONS['LOOP']}",
    )
    first.unlink()
    last.unlink()
    assert load_training_data(tmp_path, seed=1, min_pairs=1).fingerprint() == data.fingerprint()


def test_the_child_reads_what_this_process_reads(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    hard_documents.write(tmp_path)
    files = [
        (path.relative_to(tmp_path).as_posix(), path)
        for path in sorted((tmp_path / "docs").rglob("*"))
        if path.is_file()
    ]
    files += [("docs/none.txt", tmp_path / "none"), ("docs/a\udc80.txt", tmp_path / "none")]
    here = list(read_here(files))
    with DocumentReader() as reader:
        there = list(reader.read(files))
    for one, other in zip(here, there, strict=True):
        assert type(one) is type(other)
        assert str(one) == str(other)


def test_options_and_limits_reach_the_child(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("钥匙".encode("gb18030"))
    options = ReadOptions(encodings={"docs": "gb18030"})
    with DocumentReader(options=options, max_bytes=4) as reader:
        (document,) = reader.read([("docs/a.txt", path)])
        assert outcome_of(document) == "钥匙"
        path.write_bytes(b"12345")
        (document,) = reader.read([("docs/a.txt", path)])
        assert outcome_of(document) == "the file has 5 bytes; the limit is 4"
    assert pickle.loads(pickle.dumps(options)) == options  # noqa: S301 - made here


def test_one_document_is_read_ahead_and_no_more(tmp_path: Path) -> None:
    taken = []

    def taking() -> Iterator[File]:
        for file in files_of(tmp_path, *"abcdef"):
            taken.append(file)
            yield file

    with DocumentReader() as reader:
        for number, document in enumerate(reader.read(taking()), start=1):
            assert outcome_of(document) == "abcdef"[number - 1]
            assert len(taken) == min(number + 1, 6)


def test_documents_that_were_asked_for_and_not_taken_do_not_shift_the_next(
    tmp_path: Path,
) -> None:
    files = files_of(tmp_path, *"abcd")
    with DocumentReader() as reader:
        documents = reader.read(files)
        assert outcome_of(next(documents)) == "a"
        documents.close()  # type: ignore[attr-defined]  # it is a generator
        assert [outcome_of(document) for document in reader.read(files[2:])] == ["c", "d"]


def test_one_child_serves_many_documents(tmp_path: Path) -> None:
    before = set(psutil.Process().children())
    children = set()
    with DocumentReader() as reader:
        for _ in reader.read(files_of(tmp_path, *"abcdef")):
            children |= set(psutil.Process().children()) - before
    assert len(children) == 1
    assert set(psutil.Process().children()) <= before


@pytest.mark.usefixtures("bad")
def test_closing_wakes_the_thread_that_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rag.reader_process._SECONDS", 3600.0)
    log = tmp_path / "log"
    files = files_of(tmp_path, f"LOOP\n{log}")
    caught: list[ReaderProcessError] = []

    def read() -> None:
        try:
            list(reader.read(files))
        except ReaderProcessError as error:
            caught.append(error)

    with DocumentReader() as reader:
        thread = threading.Thread(target=read)
        thread.start()
        _wait_for(log.exists)
    thread.join(timeout=30)
    assert [str(error) for error in caught] == ["The process that reads documents was stopped."]


def test_the_child_ends_with_a_parent_that_is_killed_while_it_reads(tmp_path: Path) -> None:
    log = tmp_path / "log"
    files_of(tmp_path, f"BACKTRACK\n{log}")
    code = f"""
from pathlib import Path
import rag.reader_process
from tests.rag import bad_readers
rag.reader_process.read_document = bad_readers.read_document
with rag.reader_process.DocumentReader() as reader:
    list(reader.read([("docs/0.txt", Path({str(tmp_path / "docs" / "0.txt")!r}))]))
"""
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT) as parent:
        try:
            _wait_for(log.exists)
            (child,) = psutil.Process(parent.pid).children()
        finally:
            parent.kill()
    try:
        child.wait(timeout=30)
    except psutil.TimeoutExpired:
        child.kill()
        raise


def test_a_child_that_does_not_start_stops_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with (
        DocumentReader() as reader,
        pytest.raises(ReaderProcessError, match=r"does not start \(exit status 1\)"),
    ):
        list(reader.read(files_of(tmp_path, "a")))


def test_large_documents_and_those_that_need_ocr_have_more_time() -> None:
    ocr = ReadOptions(ocr=True)
    small = seconds_for("docs/a.pdf", 0, DEFAULT_OPTIONS)
    assert seconds_for("docs/a.pdf", 2**20, DEFAULT_OPTIONS) > small
    assert seconds_for("docs/a.PDF", 0, ocr) > small
    assert seconds_for("docs/a.txt", 0, ocr) == small


def _wait_for(condition: Any) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
