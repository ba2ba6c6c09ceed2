"""The evaluation's table and command line, and one run through a real Elasticsearch.

The run takes the engine from CUSTOMRAG_TEST_ELASTICSEARCH_URL and
CUSTOMRAG_TEST_ELASTICSEARCH_PASSWORD, and is skipped where they are not set: it proves nothing
of another version of the engine.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from training.evaluate import Evaluation, main, table

ROW = {"recall@5": 0.7, "recall@10": 0.8, "mrr@10": 0.5, "ndcg@10": 0.6}
ROWS = (
    "BM25",
    "all-MiniLM-L6-v2",
    "tuned",
    "tuned + BM25, RRF",
    "tuned + BM25, weighted 0.45",
)


def _evaluation(note: str = "") -> Evaluation:
    return Evaluation(
        rows=dict.fromkeys(ROWS, ROW),
        questions=266,
        chunks=1234567,
        documents=60000,
        encode_rates={"base": 41.2, "tuned": 40.9},
        note=note,
    )


def test_the_table_has_a_row_for_each_way_of_searching() -> None:
    lines = table(_evaluation()).splitlines()
    assert lines[0].split() == ["recall@5", "recall@10", "MRR@10", "nDCG@10"]
    assert lines[3].split() == ["tuned", "0.700", "0.800", "0.500", "0.600"]
    assert [line[:27].strip() for line in lines[1:6]] == list(ROWS)


def test_the_table_fits_into_80_columns() -> None:
    text = table(_evaluation("tuned = base: tuning did not help, base was kept"))
    assert max(len(line) for line in text.splitlines()) <= 80


def test_the_table_says_how_much_was_measured_and_how_fast() -> None:
    text = table(_evaluation())
    assert "test split: 266 questions, 1,234,567 chunks of 60,000 documents" in text
    assert "encode rate, chunks/s: base 41, tuned 41" in text


def test_without_an_engine_one_line_says_what_to_run(
    corpus: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CUSTOMRAG_ELASTICSEARCH_URL", raising=False)
    assert main(["--corpus", str(corpus)]) == 2
    error = capsys.readouterr().err
    assert error == "evaluate: there is no Elasticsearch to ask; run `make up` first\n"


def test_a_corpus_without_questions_is_refused_before_any_training(
    bare_corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = "http://127.0.0.1:9"
    assert main(["--corpus", str(bare_corpus), "--elasticsearch-url", url]) == 2
    assert "which has no questions to ask" in capsys.readouterr().err


def test_an_engine_that_does_not_answer_is_told_before_any_training(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    work = tmp_path / "work"
    url = "http://127.0.0.1:9"
    arguments = ["--corpus", str(corpus), "--elasticsearch-url", url, "--work-dir", str(work)]
    assert main(arguments) == 2
    assert "Elasticsearch at http://127.0.0.1:9 does not serve 'elastic'" in capsys.readouterr().err
    assert not work.exists()


def _engine() -> tuple[str, str]:
    url = os.environ.get("CUSTOMRAG_TEST_ELASTICSEARCH_URL", "")
    if not url:
        pytest.skip("CUSTOMRAG_TEST_ELASTICSEARCH_URL is not set")
    return url, os.environ["CUSTOMRAG_TEST_ELASTICSEARCH_PASSWORD"]


def _indices(url: str, password: str) -> list[str]:
    answer = httpx.get(
        f"{url}/_cat/indices/customrag-eval-*?h=index&expand_wildcards=all",
        auth=("elastic", password),
        trust_env=False,
    )
    return answer.text.split()


def _command(corpus: Path, url: str, *more: str) -> list[str]:
    options = ["--corpus", str(corpus), "--elasticsearch-url", url, *more]
    return [sys.executable, "-m", "training.evaluate", *options]


@pytest.mark.model
@pytest.mark.elasticsearch
def test_a_run_measures_every_row_and_leaves_no_index(corpus: Path, tmp_path: Path) -> None:
    url, password = _engine()
    output = tmp_path / "figures.json"
    env = {**os.environ, "CUSTOMRAG_ELASTICSEARCH_PASSWORD": password, "OMP_NUM_THREADS": "1"}
    command = _command(corpus, url, "--output", str(output), "--work-dir", str(tmp_path / "work"))
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads(output.read_text())
    assert len(figures["metrics"]) == 5
    assert figures["metrics"]["tuned"]["ndcg@10"] > figures["metrics"]["BM25"]["ndcg@10"]
    assert not _indices(url, password)

    started = time.monotonic()
    again = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300)
    assert "nothing to do" in again.stdout, again.stderr
    assert time.monotonic() - started < 120


@pytest.mark.model
@pytest.mark.elasticsearch
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_no_index(corpus: Path, number: signal.Signals) -> None:
    url, password = _engine()
    env = {**os.environ, "CUSTOMRAG_ELASTICSEARCH_PASSWORD": password, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        _command(corpus, url, "--model", "all-MiniLM-L6-v2"),
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if "documents to embed" in line:
                assert _indices(url, password)
                process.send_signal(number)
                break
        _, error = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130
    assert "the temporary indices are removed" in error
    assert not _indices(url, password)
