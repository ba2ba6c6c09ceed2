"""How a corpus becomes pairs and held-out queries; no model is loaded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rag.errors import CorpusError
from rag.readers import ReadOptions
from training.data import TrainingData, load_training_data


def _load(corpus: Path, **changes: int) -> TrainingData:
    return load_training_data(corpus, **{"seed": 1, "min_pairs": 16, **changes})


def _append(corpus: Path, *lines: str) -> None:
    with (corpus / "questions.jsonl").open("a") as stream:
        stream.writelines(line + "\n" for line in lines)


def _without_split(corpus: Path, split: str) -> None:
    path = corpus / "questions.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    kept = [row for row in rows if row["split"] != split]
    path.write_text("".join(json.dumps(row) + "\n" for row in kept))


def test_train_questions_become_pairs_and_test_questions_are_held_out(corpus: Path) -> None:
    data = _load(corpus)
    assert (data.source, len(data.pairs), len(data.held_out)) == ("questions", 48, 24)
    assert len(data.validation) == 24


def test_a_fifth_of_many_train_questions_is_held_out_to_choose_by(corpus: Path) -> None:
    row = {"document": "pump.md", "answer": "every 10 days", "split": "train"}
    _append(
        corpus,
        *(json.dumps({**row, "id": f"n{n}", "question": f"question {n}?"}) for n in range(328)),
    )
    data = _load(corpus)
    assert (len(data.pairs), len(data.validation), len(data.held_out)) == (320, 80, 24)


def test_no_question_is_in_two_of_the_three_parts(corpus: Path) -> None:
    row = {"document": "pump.md", "answer": "every 10 days", "split": "train"}
    again = [json.dumps({**row, "id": f"n{n}", "question": f"{n % 9}?"}) for n in range(90)]
    _append(corpus, *again)
    data = _load(corpus)
    trained = {pair.query for pair in data.pairs}
    chosen = {query.query for query in data.validation}
    measured = {query.query for query in data.held_out}
    assert trained
    assert chosen
    assert not trained & chosen
    assert not (trained | chosen) & measured


def test_few_train_questions_are_all_trained_on(corpus: Path) -> None:
    data = _load(corpus, min_pairs=70)
    assert (len(data.pairs), len(data.validation)) == (72, 0)
    assert data.chooser == data.held_out


def test_the_relevant_passage_has_the_answer(corpus: Path) -> None:
    data = _load(corpus)
    for pair in data.pairs:
        assert all(pair.answer in data.passages[i].text for i in pair.relevant)


def test_a_held_out_question_is_not_in_the_training_pairs(corpus: Path) -> None:
    row = {"id": "again", "document": "pump.md", "answer": "every 10 days", "split": "train"}
    question = "When must someone look at the zorvex?"
    _append(corpus, json.dumps({**row, "question": question}))
    data = _load(corpus)
    assert question in {query.query for query in data.held_out}
    assert question not in {pair.query for pair in data.pairs}
    assert data.set_aside == (
        "question 'again': not trained on, because question 'pump-test-0', which measures, asks "
        "the same",
    )


def test_an_invalid_question_line_is_skipped_and_reported_by_number(corpus: Path) -> None:
    _append(corpus, "{not json")
    reported: list[str] = []
    data = load_training_data(corpus, seed=1, min_pairs=16, report=reported.append)
    assert len(data.pairs) + len(data.validation) == 72
    assert len(data.set_aside) == 1
    assert "questions.jsonl, line 97 is not a valid question" in reported[0]


def test_a_question_without_its_answer_in_the_document_is_skipped(corpus: Path) -> None:
    row = {"id": "lost", "document": "pump.md", "question": "?", "answer": "no such text"}
    _append(corpus, json.dumps(row))
    assert _load(corpus).set_aside == (
        "question 'lost': docs/pump.md does not have the answer 'no such text'",
    )


def test_a_question_about_an_unknown_document_is_skipped_with_the_nearest_name(
    corpus: Path,
) -> None:
    row = {"id": "lost", "document": "pumps.md", "question": "?", "answer": "every 10 days"}
    _append(corpus, json.dumps(row))
    assert _load(corpus).set_aside == (
        "question 'lost': docs/pumps.md is not among the documents; the nearest name is "
        "docs/pump.md",
    )


def test_an_answer_over_a_line_end_and_a_renamed_document_are_found(corpus: Path) -> None:
    before = _load(corpus, min_pairs=70)
    row = {"id": "x", "document": "Pump.MD", "question": "new?", "split": "train"}
    (corpus / "docs" / "pump.md").write_text(
        (corpus / "docs" / "pump.md")
        .read_text()
        .replace(" ", "\n")
        .replace("machine", "ma-\nchine")
    )
    _append(corpus, json.dumps({**row, "answer": "of the Aurel machine is checked"}))
    data = _load(corpus, min_pairs=70)
    assert data.set_aside == ()
    assert len(data.pairs) == len(before.pairs) + 1
    assert data.pairs[-1].answer == "of\nthe\nAurel\nma-\nchine\nis\nchecked"


def test_an_unreadable_document_is_skipped_with_its_questions(corpus: Path) -> None:
    (corpus / "docs" / "pump.md").write_bytes(b"\xff\x00\x9f")
    data = _load(corpus)
    assert len(data.pairs) + len(data.validation) == 66
    assert data.set_aside[0].startswith("docs/pump.md: ")
    assert data.documents == 11


def test_without_test_questions_a_fifth_of_the_others_is_held_out(corpus: Path) -> None:
    _without_split(corpus, "test")
    data = _load(corpus)
    assert len(data.pairs) + len(data.validation) + len(data.held_out) == 72
    assert 5 <= len(data.held_out) <= 30


def test_without_questions_the_documents_give_the_pairs(bare_corpus: Path) -> None:
    data = _load(bare_corpus)
    assert data.source == "documents"
    assert data.pairs
    assert data.held_out


def test_a_sentence_is_absent_from_the_passage_it_is_paired_with(bare_corpus: Path) -> None:
    sentences = [pair for pair in _load(bare_corpus).pairs if pair.query.endswith(".")]
    assert sentences
    for pair in sentences:
        assert pair.passage is not None
        assert pair.query not in " ".join(pair.passage.split())


def test_a_heading_becomes_a_query_for_its_section(bare_corpus: Path) -> None:
    queries = {pair.query for pair in _load(bare_corpus).pairs}
    assert queries & {"The pump", "The valve", "The fan"}


def test_a_held_out_sentence_is_absent_from_the_passages(bare_corpus: Path) -> None:
    data = _load(bare_corpus)
    texts = data.texts()
    for query in data.held_out:
        (position,) = query.relevant
        assert query.query not in " ".join(texts[position].split())


def test_a_document_is_never_in_both_training_and_measurement(bare_corpus: Path) -> None:
    data = _load(bare_corpus)
    trained = {data.passages[i].document for pair in data.pairs for i in pair.relevant}
    measured = {data.passages[i].document for query in data.held_out for i in query.relevant}
    assert not trained & measured


def test_with_too_few_questions_the_documents_give_the_pairs(corpus: Path) -> None:
    _without_split(corpus, "train")
    assert _load(corpus).source == "documents"


def test_the_same_seed_makes_the_same_pairs(bare_corpus: Path) -> None:
    assert _load(bare_corpus).fingerprint() == _load(bare_corpus).fingerprint()
    assert _load(bare_corpus).fingerprint() != _load(bare_corpus, seed=2).fingerprint()


def test_a_changed_document_changes_the_fingerprint(corpus: Path) -> None:
    before = _load(corpus).fingerprint()
    (corpus / "docs" / "new.md").write_text("Something new.")
    assert _load(corpus).fingerprint() != before


def test_a_corpus_without_documents_is_refused(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    with pytest.raises(CorpusError, match="has no documents"):
        _load(tmp_path)


def test_a_corpus_without_a_readable_document_is_refused(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.docx").write_text("what is this")
    with pytest.raises(CorpusError, match=r"None of the 1 documents .* docs/a\.docx"):
        _load(tmp_path)


def test_a_file_that_is_left_out_before_reading_is_reported(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "a.md").write_text("# The pump\n\n" + "The pump of hall 3 runs at 60 bar. " * 20)
    (docs / "b.xyz").write_text("what is this")
    assert "docs/b.xyz: the format .xyz is not supported" in _load(tmp_path).set_aside


def test_broken_documents_and_questions_cost_only_themselves(corpus: Path) -> None:
    before = _load(corpus)
    files = {
        "half.json": rb'{"title": "Kiln \ud83d", "text": "The kiln holds 980 degrees \udc00."}',
        "half-name.json": rb'{"\ud800": "The glaze needs two coats, dried for an hour each."}',
        "deep.json": b"[" * 100_000,
        "cut.jsonl": b'{"text": "The first coat dries for an hour."}\n{"text": "The sec',
        "windows.txt": "备用钥匙挂在值班室门后，由值班长保管，交接班时清点。".encode("gb18030"),
        "binary.txt": bytes(range(256)) * 20,
        "damaged.pdf": b"%PDF-1.7 nothing more",
        "empty.md": b"",
    }
    for name, data in files.items():
        (corpus / "docs" / name).write_bytes(data)
    half = {"document": "half.json", "answer": "980 degrees", "split": "train"}
    question = {"id": "\ud83d", "question": "How hot is the kiln \ud83d?", **half}
    _append(corpus, json.dumps(question), "[" * 100_000, '{"id": "\\ud800", "document": "\\ud800"}')
    reported: list[str] = []
    data = load_training_data(corpus, seed=1, min_pairs=16, report=reported.append)
    assert data.documents == before.documents + 4
    assert "How hot is the kiln \ufffd?" in {pair.query for pair in data.pairs}
    assert data.fingerprint() != before.fingerprint()
    assert all(line.encode() for line in [*reported, *data.set_aside, *data.texts()])
    for name in ("deep.json", "binary.txt", "damaged.pdf", "empty.md"):
        assert any(name in line for line in data.set_aside), name


def test_documents_are_read_with_the_given_options(corpus: Path) -> None:
    (corpus / "docs/old").mkdir()
    (corpus / "docs/old/a.txt").write_bytes("钥匙".encode("gbk"))
    options = ReadOptions(encodings={"docs/old": "gbk"})
    data = load_training_data(corpus, seed=1, min_pairs=16, options=options)
    assert any("钥匙" in text for text in data.texts())
    assert data.read_options == options
