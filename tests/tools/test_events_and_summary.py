"""What an update did, read from the engine's events, and how `make up` tells it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tools import events, summary
from tools.progress import WIDTH

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
    "set_aside": [{"document": "docs/broken.pdf", "reason": "it is encrypted " + "so " * 40}],
}


def _event(at: int, kind: str, operation: str, resource_type: str, name: str) -> str:
    metadata = {
        "op": operation,
        "urn": f"urn:pulumi:local::p::{resource_type}::{name}",
        "type": resource_type,
        "provider": "" if resource_type.startswith("pulumi:") else "a provider",
    }
    return json.dumps({"timestamp": at, kind: {"metadata": metadata}})


def _log(*lines: str, changes: dict[str, int]) -> list[str]:
    prelude = {"timestamp": 100, "preludeEvent": {"config": {"p:corpusDir": "mine"}}}
    end = {"timestamp": 200, "summaryEvent": {"durationSeconds": 99, "resourceChanges": changes}}
    return [json.dumps(prelude), *lines, json.dumps(end)]


def test_created_resources_are_counted_by_product_without_components() -> None:
    bucket = "alicloud:oss/bucket:Bucket"
    update = events.parse(
        _log(
            _event(101, "resOutputsEvent", "create", bucket, "a"),
            _event(101, "resOutputsEvent", "create", bucket, "b"),
            _event(101, "resOutputsEvent", "same", bucket, "c"),
            _event(102, "resOutputsEvent", "create", "pulumi:providers:alicloud", "d"),
            changes={"create": 3, "same": 1},
        )
    )
    assert update.kinds == {"alicloud oss": 2}
    assert update.counts == {"create": 3, "same": 1}
    assert update.seconds == 99
    assert update.config == {"p:corpusDir": "mine"}
    assert update.changed


def test_a_phase_takes_from_its_first_event_to_its_last() -> None:
    job = "customrag:pai:DlcJob"
    update = events.parse(
        _log(
            _event(110, "resourcePreEvent", "create", job, "training"),
            _event(172, "resOutputsEvent", "create", job, "training"),
            changes={"create": 1},
        )
    )
    assert update.phases == {"training": 62}


def test_what_stayed_the_same_takes_no_time() -> None:
    job = "customrag:pai:DlcJob"
    update = events.parse(
        _log(
            _event(110, "resourcePreEvent", "same", job, "training"),
            _event(111, "resOutputsEvent", "same", job, "training"),
            changes={"same": 1},
        )
    )
    assert update.phases == {}
    assert not update.changed


def test_a_line_that_was_cut_off_is_left_out() -> None:
    assert events.parse(['{"timestamp": 1, "prelu', ""]) == events.Update()


def test_an_update_that_never_began_has_no_log_and_did_nothing(tmp_path: Path) -> None:
    assert not events.read(tmp_path / "none.jsonl").changed


def _render(page: str = "", **outputs: Any) -> str:
    update = events.Update(
        seconds=310,
        counts={"create": 64, "same": 0},
        kinds={"alicloud oss": 9, "customrag pai": 1},
        phases={"training": 241.0, "ingest": 52.0},
    )
    setup = {"virtual environment": 62.4, "pulumi": 0.2}
    return summary.render(update, outputs, setup, 571.0, page)


def test_the_summary_tells_times_changes_training_documents_and_the_page() -> None:
    page = "http://127.1.2.3:8080/#code=abcdefghijklmnopqrstuv"
    text = _render(page, training=TRAINING, ingest=INGEST, corpus={"documents": 40})
    for said in (
        "9:31 in all",
        "virtual environment 1:02",
        "training 4:01",
        "64 created",
        "alicloud oss 9",
        "kept the tuned model, version 0a1b2c3d4e5f",
        "42 questions trained on, 14 held out",
        "0.677",
        "40 documents, 312 chunks",
        "1 set aside",
        "docs/broken.pdf: it is encrypted",
        page,
        "`make open` prints a new one",
    ):
        assert said in text
    assert max(map(len, text.splitlines())) <= WIDTH


def test_a_base_model_that_was_kept_is_said_to_be_so_and_why() -> None:
    text = _render(training={**TRAINING, "kept": "base", "reason": "tuning did not help"})
    assert "kept the base model, version 0a1b2c3d4e5f: tuning did not help" in text


def test_metrics_that_are_missing_are_a_dash_and_no_error() -> None:
    text = _render(training={**TRAINING, "tuned": {"recall@5": 0.7}})
    row = next(line for line in text.splitlines() if line.split()[:1] == ["tuned"])
    assert row.split() == ["tuned", "0.700", "-", "-", "-"]


def test_outputs_that_are_not_there_yet_are_left_out() -> None:
    text = _render()
    assert "training   kept" not in text
    assert "documents" not in text


def test_an_update_without_changes_says_so() -> None:
    update = events.Update(seconds=3, counts={"same": 64})
    assert "nothing has changed, 64 in place" in summary.render(update, {}, {}, 4.0, "")
