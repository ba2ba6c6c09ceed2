"""The summary at the end of `make up`."""

from __future__ import annotations

from typing import Any

from ops.events import Change, Outcome
from ops.stack import summary
from ops.terminal import WIDTH
from rag.terminal import columns

BUCKET, JOB = "alicloud:oss/bucket:Bucket", "customrag:pai:DlcJob"

TRAINING = {
    "kept": "tuned",
    "model_version": "0a1b2c3d4e5f",
    "dimension": 384,
    "base": {"recall@5": 0.515, "recall@10": 0.59, "mrr@10": 0.343, "ndcg@10": 0.398},
    "tuned": {"recall@5": 0.677, "recall@10": 0.793, "mrr@10": 0.506, "ndcg@10": 0.567},
    "questions": {"train": 42, "test": 14},
}
INGEST = {
    "documents": 40,
    "chunks": 312,
    "embedded_documents": 2,
    "removed_documents": 1,
    "read_whole": 38,
    "read_in_part": 2,
    "unread": 1,
    "set_aside": [{"document": "docs/broken.pdf", "reason": "it is encrypted " + "so " * 40}],
    "in_part": [{"document": "docs/\u6587\n.pdf", "missing": "Page 2 has no text."}],
    "unknown_languages": {"zh": 12},
}


def _render(page: str = "", **outputs: Any) -> str:
    buckets = [Change(operation="create", type=BUCKET, name=f"bucket-{n}") for n in range(9)]
    job = Change(operation="create", type=JOB, name="training", seconds=241.0)
    outcome = Outcome(code=0, duration_seconds=310, changes=[*buckets, job])
    set_up = {"virtual environment": 62.4, "pulumi": 0.2}
    return summary.render(outcome, outputs, set_up, 571.0, page)


def test_summary_shows_times_changes_training_documents_and_the_page() -> None:
    page = "http://127.1.2.3:8080/#code=abcdefghijklmnopqrstuv"
    text = _render(page, training=TRAINING, ingest=INGEST, corpus={"unread": 2, "skipped": 4})
    for said in (
        "9:31 in all",
        "virtual environment 1:02",
        "training 4:01",
        "10 created",
        "alicloud oss 9",
        "kept the tuned model, version 0a1b2c3d4e5f",
        "42 questions trained on, 14 held out",
        "0.677",
        "38 whole, 2 in part, 3 unread, 4 skipped; 312 chunks indexed",
        "see make documents",
        "docs/broken.pdf: it is encrypted",
        "docs/\u6587\\n.pdf: Page 2 has no text.",
        "- 3 more: make documents ONLY=problems",
        "- 12 in a language that the embedding model does not know (zh)",
        page,
        "`make open` prints a new one",
    ):
        assert said in text
    assert max(map(columns, text.splitlines())) <= WIDTH


def test_a_stack_with_two_engines_says_which_one_serves() -> None:
    inside = {"model_id": "m1", "ingest": {"chunks": 40}}
    text = " ".join(_render(search_engine="elasticsearch", opensearch_inside=inside).split())
    assert "engines elasticsearch serves the application" in text
    assert "OpenSearch has embedded 40 chunks by its model m1" in text
    assert "engines" not in _render(search_engine="elasticsearch", opensearch_inside={})


def test_summary_says_why_the_application_fuses_itself() -> None:
    refused = {"fusion": "client", "fusion_reason": "the licence refuses RRF"}
    assert "fusion: client, because the licence refuses RRF" in _render(search_capabilities=refused)
    accepted = {"fusion": "server", "fusion_reason": "the cluster accepts RRF"}
    text = _render(search_capabilities=accepted)
    assert "fusion: client, the default, although the cluster accepts RRF" in text


def test_summary_says_why_the_base_model_was_kept() -> None:
    text = _render(training={**TRAINING, "kept": "base", "reason": "tuning did not help"})
    assert "kept the base model, version 0a1b2c3d4e5f: tuning did not help" in text


def test_summary_says_how_many_questions_chose_and_what_they_chose() -> None:
    questions = {"train": 56, "validation": 28, "test": 41}
    chosen = {
        "search_weight": 0.0,
        "search_weight_reason": "the word search alone is as good",
        "rerank_weight": 0.4,
        "rerank_weight_reason": "nDCG@10 0.751 -> 0.790",
    }
    text = _render(training={**TRAINING, "questions": questions, **chosen})
    assert "56 questions trained on, 28 to choose by, 41 held out" in text
    assert "share of the vector search in the ranking: 0 %; the word search alone" in text
    assert "share of the late interaction in the best 50: 40 %; nDCG@10 0.751" in text


def test_summary_says_what_a_cross_encoder_was_worth_if_the_stack_uses_one() -> None:
    chosen = {"cross_encoder_weight": 0.3, "cross_encoder_weight_reason": "nDCG@10 0.778 -> 0.794"}
    text = _render(training={**TRAINING, **chosen}, reranker="crossEncoder")
    assert "share of the cross-encoder in the best 20: 30 %; nDCG@10 0.778" in text
    text = _render(training={**TRAINING, **chosen}, reranker="lateInteraction")
    assert "cross-encoder" not in text


def test_summary_says_which_language_model_answers_and_where() -> None:
    model = {"model": "qwen3:4b", "base_url": "http://127.0.0.1:11434/v1"}
    assert "answers    by qwen3:4b at http://127.0.0.1:11434/v1" in _render(language_model=model)


def test_missing_metrics_are_shown_as_a_dash() -> None:
    text = _render(training={**TRAINING, "tuned": {"recall@5": 0.7}})
    row = next(line for line in text.splitlines() if line.split()[:1] == ["tuned"])
    assert row.split() == ["tuned", "0.700", "-", "-", "-"]


def test_outputs_of_an_earlier_version_are_shown() -> None:
    ingest = {"documents": 3, "chunks": 5, "embedded_documents": 0, "set_aside": []}
    assert "documents  3 whole; 5 chunks indexed" in _render(ingest=ingest)


def test_missing_outputs_are_left_out() -> None:
    text = _render()
    assert "training   kept" not in text
    assert "documents" not in text


def test_update_without_changes_says_so() -> None:
    outcome = Outcome(code=0, duration_seconds=3, same=64)
    assert "nothing has changed, 64 in place" in summary.render(outcome, {}, {}, 4.0, "")
