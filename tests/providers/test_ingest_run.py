"""Life cycle of an ingest run: run again when documents change, never twice for one change."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pluginhost import UNKNOWN, PartialError
from tests.providers.fakes import Engine, FakeDlc, FakeOss, FakeServices

A, B, C = "a" * 64, "b" * 64, "c" * 64
INPUTS: dict[str, Any] = {
    "workspaceId": "42",
    "displayName": "ingest",
    "jobType": "PyTorchJob",
    "jobSpecs": [{"type": "Worker", "podCount": 1, "ecsSpec": "ecs.g6.large", "image": "img"}],
    "userCommand": "python -m rag.ingest",
    "resultUri": "oss://b/ingest/",
    "documents": {"docs/a.md": A, "docs/b.md": B},
    "indexName": "chunks-1",
    "indexUuid": "uuid-1",
}
RESULT = {
    "documents": 2,
    "chunks": 7,
    "embedded_documents": 2,
    "unchanged_documents": 0,
    "removed_documents": 0,
    "read_whole": 1,
    "read_in_part": 1,
    "unread": 1,
    "set_aside": [{"document": "docs/x.pdf", "reason": "encrypted"}],
    "in_part": [{"document": "docs/y.pdf", "missing": "Page 2 has no text."}] * 13,
    "unknown_languages": {"zh": 12},
}
CHANGED = {**INPUTS, "documents": {"docs/a.md": C, "docs/c.md": C}}


@pytest.fixture
def services() -> FakeServices:
    oss, dlc = FakeOss("b"), FakeDlc()
    dlc.on_success = lambda job: oss.put_bytes(
        "oss://b/ingest/result.json", json.dumps({**RESULT, "chunks": len(dlc.created)}).encode()
    )
    return FakeServices(oss, dlc)


@pytest.fixture
def engine(services: FakeServices) -> Engine:
    return Engine("customrag:rag:IngestRun", services)


def test_the_runs_counts_are_outputs(engine: Engine) -> None:
    engine.up(INPUTS)
    assert engine.state is not None
    outputs = engine.state.outputs
    assert (outputs["documentCount"], outputs["chunks"]) == (2, 1)
    assert outputs["embeddedDocuments"] == 2
    assert (outputs["readWhole"], outputs["readInPart"], outputs["unread"]) == (1, 1, 1)
    assert outputs["setAside"] == RESULT["set_aside"]
    assert outputs["inPart"] == RESULT["in_part"]
    assert outputs["documents"] == INPUTS["documents"]


def test_documents_that_are_not_read_whole_are_warnings_with_their_reasons(engine: Engine) -> None:
    engine.up(INPUTS)
    warnings = [text for severity, text in engine.host.messages if severity == "warning"]
    assert warnings[0] == "not read: 'docs/x.pdf': encrypted"
    assert warnings[1:11] == ["read in part: 'docs/y.pdf': Page 2 has no text."] * 10
    unknown = "documents in a language that the embedding model does not know (zh): 12. Mostly"
    assert warnings[11].startswith(unknown)
    assert "set customrag:embeddingModel to a multilingual model" in warnings[11]
    assert warnings[12].startswith("3 more documents were not read whole; `make documents ONLY=")


def test_changed_documents_are_one_line_and_an_update_in_place(engine: Engine) -> None:
    engine.up(INPUTS)
    difference = engine.diff(CHANGED)
    assert difference.replaces == []
    assert sorted(difference.detailed_diff) == [
        'documents["docs/a.md"]',
        'documents["docs/b.md"]',
        'documents["docs/c.md"]',
    ]
    assert "corpus: 1 changed, 1 added, 1 removed; 0 unchanged" in engine.log


def test_changed_documents_are_a_new_run(engine: Engine, services: FakeServices) -> None:
    engine.up(INPUTS)
    assert engine.up(CHANGED) == "update"
    assert len(set(services.dlc.created)) == 2
    assert engine.state is not None
    assert engine.state.outputs["chunks"] == 2


def test_going_back_to_former_documents_is_a_run_too(
    engine: Engine, services: FakeServices
) -> None:
    engine.up(INPUTS)
    engine.up(CHANGED)
    engine.up(INPUTS)
    assert len(set(services.dlc.created)) == 3


def test_no_change_runs_nothing(engine: Engine, services: FakeServices) -> None:
    engine.up(INPUTS)
    assert engine.up(INPUTS) == "same"
    assert len(services.dlc.created) == 1


def test_a_run_cut_off_by_a_killed_engine_is_taken_up(
    engine: Engine, services: FakeServices
) -> None:
    engine.up(INPUTS)
    before = engine.state
    engine.up(CHANGED)
    engine.state = before
    engine.up(CHANGED)
    assert len(services.dlc.created) == 2


def test_a_failed_run_is_tried_again_by_the_next_up(engine: Engine, services: FakeServices) -> None:
    engine.up(INPUTS)
    services.dlc.script = ["Failed"]
    with pytest.raises(PartialError):
        engine.up(CHANGED)
    services.dlc.script = ["Succeeded"]
    assert engine.up(CHANGED) == "update"
    assert services.dlc.created[2] == f"{services.dlc.created[1]}-2"


def test_documents_of_a_failed_run_are_ingested_under_its_name(
    engine: Engine, services: FakeServices
) -> None:
    engine.up(INPUTS)
    services.dlc.script = ["Failed"]
    for inputs in (CHANGED, {**INPUTS, "documents": {"docs/a.md": B}}):
        with pytest.raises(PartialError):
            engine.up(inputs)
    services.dlc.script = ["Succeeded"]
    engine.up(CHANGED)
    assert services.dlc.created[3] == f"{services.dlc.created[1]}-2"


def test_documents_taken_back_after_a_failed_run_are_ingested_again(
    engine: Engine, services: FakeServices
) -> None:
    engine.up(INPUTS)
    services.dlc.script = ["Failed"]
    with pytest.raises(PartialError):
        engine.up(CHANGED)
    services.dlc.script = ["Succeeded"]
    engine.up(INPUTS)
    assert len(set(services.dlc.created)) == 3


def test_the_result_of_an_earlier_run_is_not_taken_for_a_later_one(
    engine: Engine, services: FakeServices
) -> None:
    engine.up(INPUTS)
    services.dlc.on_success = None
    with pytest.raises(PartialError, match=r"result.json does not exist"):
        engine.up(CHANGED)


@pytest.mark.parametrize("change", [{"indexName": "chunks-2"}, {"indexUuid": "uuid-2"}])
def test_another_index_replaces_the_run(engine: Engine, change: dict[str, str]) -> None:
    engine.up(INPUTS)
    assert engine.diff({**INPUTS, **change}).replaces == list(change)


def test_an_index_not_known_yet_replaces_the_run(engine: Engine) -> None:
    engine.up(INPUTS)
    assert engine.diff({**INPUTS, "indexUuid": UNKNOWN}).replaces == ["indexUuid"]


def test_a_preview_of_changed_documents_does_not_know_the_counts(engine: Engine) -> None:
    engine.up(INPUTS)
    outputs = engine.preview(CHANGED)
    assert outputs["chunks"] is UNKNOWN
    assert str(outputs["jobName"]).startswith("ingest-")


def test_a_change_that_ingests_nothing_keeps_the_counts_known(
    engine: Engine, services: FakeServices
) -> None:
    engine.up(INPUTS)
    assert engine.preview({**INPUTS, "priority": 3})["chunks"] == 1
    assert engine.up({**INPUTS, "priority": 3}) == "update"
    assert len(services.dlc.created) == 1


def test_a_refresh_during_a_run_left_behind_lets_the_next_up_finish_it(
    engine: Engine, services: FakeServices
) -> None:
    services.dlc.script = ["Running", "Running", "Succeeded"]
    engine.clock.on_wait = lambda now: engine.host.cancelled.set()
    with pytest.raises(PartialError):
        engine.up(INPUTS)
    engine.clock.on_wait = None
    engine.host.cancelled.clear()
    engine.refresh()
    assert engine.up(INPUTS) == "update"
    assert len(services.dlc.created) == 1


def test_delete_removes_the_records_of_every_run_and_leaves_the_result(
    engine: Engine, services: FakeServices
) -> None:
    engine.up(INPUTS)
    engine.up(CHANGED)
    engine.destroy()
    assert services.dlc.jobs == {}
    assert "ingest/result.json" in services.oss.buckets["b"]
