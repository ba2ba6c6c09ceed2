"""The evaluation's table and command line, and whole runs through a real Elasticsearch."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.elasticsearch import ElasticsearchServer
from training.evaluate import Evaluation, main, table

ROW = {"recall@5": 0.7, "recall@10": 0.8, "mrr@10": 0.5, "ndcg@10": 0.6}
ROWS = (
    "BM25",
    "all-MiniLM-L6-v2",
    "tuned",
    "tuned + BM25, min-max 0.5",
    "tuned + BM25, RRF",
    "tuned + BM25, z-scores 0.5",
)
ENGINES = ("Elasticsearch", "OpenSearch")


def _evaluation(note: str = "") -> Evaluation:
    return Evaluation(
        rows={engine: dict.fromkeys(ROWS, ROW) for engine in ENGINES},
        questions=266,
        chunks=1234567,
        documents=60000,
        encode_rates={"base": 41.2, "tuned": 40.9},
        note=note,
    )


def test_the_table_has_a_row_for_each_way_of_searching() -> None:
    lines = table(_evaluation()).splitlines()
    for engine, start in zip(ENGINES, (0, len(ROWS) + 2), strict=True):
        head, *rows = lines[start : start + len(ROWS) + 1]
        assert head.split() == [engine, "recall@5", "recall@10", "MRR@10", "nDCG@10"]
        assert rows[2].split() == ["tuned", "0.700", "0.800", "0.500", "0.600"]
        assert [line[:27].strip() for line in rows] == list(ROWS)


def test_the_table_fits_into_80_columns() -> None:
    text = table(_evaluation("tuned = base: tuning did not help, base was kept"))
    assert max(len(line) for line in text.splitlines()) <= 80


def test_the_table_has_counts_and_encode_rates() -> None:
    text = table(_evaluation())
    assert "test split: 266 questions, 1,234,567 chunks of 60,000 documents" in text
    assert "encode rate, windows/s: base 41, tuned 41" in text


def test_without_an_engine_the_error_says_what_to_run(
    corpus: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for engine in ("ELASTICSEARCH", "OPENSEARCH"):
        monkeypatch.delenv(f"CUSTOMRAG_{engine}_URL", raising=False)
    assert main(["--corpus", str(corpus)]) == 2
    error = capsys.readouterr().err
    assert error == (
        "evaluate: There is no search engine. Run `make up` first, or give --elasticsearch-url or "
        "--opensearch-url.\n"
    )


def test_a_corpus_without_questions_is_refused_before_any_training(
    bare_corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = "http://127.0.0.1:9"
    assert main(["--corpus", str(bare_corpus), "--elasticsearch-url", url]) == 2
    assert "which has no test questions" in capsys.readouterr().err


def test_an_engine_that_does_not_answer_is_reported_before_any_training(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    work = tmp_path / "work"
    url = "http://127.0.0.1:9"
    arguments = ["--corpus", str(corpus), "--elasticsearch-url", url, "--work-dir", str(work)]
    assert main(arguments) == 2
    assert "Elasticsearch at http://127.0.0.1:9 does not serve 'elastic'" in capsys.readouterr().err
    assert not work.exists()


def _indices(server: ElasticsearchServer) -> list[str]:
    with server.client() as client:
        found = client.indices.get(index="customrag-eval-*", expand_wildcards="all")
    return list(found.body)


def _environment(server: ElasticsearchServer) -> dict[str, str]:
    secret = {"CUSTOMRAG_ELASTICSEARCH_PASSWORD": server.password}
    return {**os.environ, **secret, "OMP_NUM_THREADS": "1"}


def _command(server: ElasticsearchServer, corpus: Path, *more: str) -> list[str]:
    options = ["--corpus", str(corpus), "--elasticsearch-url", server.url, *more]
    return [sys.executable, "-m", "training.evaluate", *options]


@pytest.mark.model
@pytest.mark.elasticsearch
def test_a_run_measures_every_row_and_leaves_no_index(
    corpus: Path, tmp_path: Path, elasticsearch_server: ElasticsearchServer
) -> None:
    output = tmp_path / "figures.json"
    env = _environment(elasticsearch_server)
    command = _command(
        elasticsearch_server,
        corpus,
        "--output",
        str(output),
        "--work-dir",
        str(tmp_path / "work"),
        # One step: the tests of the job train longer.
        "--cross-encoder-epochs",
        "0.2",
    )
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads(output.read_text())
    rows = figures["metrics"]["Elasticsearch"]
    assert len(rows) == 6
    assert rows["tuned"]["ndcg@10"] > rows["BM25"]["ndcg@10"]
    assert not _indices(elasticsearch_server)

    again = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300)
    assert "nothing to do" in again.stdout, again.stderr


@pytest.mark.model
@pytest.mark.elasticsearch
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_no_index(
    corpus: Path, number: signal.Signals, elasticsearch_server: ElasticsearchServer
) -> None:
    process = subprocess.Popen(
        _command(elasticsearch_server, corpus, "--model", "all-MiniLM-L6-v2"),
        env=_environment(elasticsearch_server),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if "documents to embed" in line:
                assert _indices(elasticsearch_server)
                process.send_signal(number)
                break
        _, error = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130
    assert "The temporary indices are removed" in error
    assert not _indices(elasticsearch_server)
