"""What a change sets to work, in a reviewer's words."""

from __future__ import annotations

from typing import Any

from guardrails.cost.estimates import estimate
from guardrails.declare import Declared
from ops.review.changes import compare
from ops.review.work import _REASONS, embeddings, trainings
from providers.plugin.dlc_job import DlcJobHandler
from tests.ops.review.support import resource

JOB, INGEST = "customrag:pai:DlcJob", "customrag:rag:IngestRun"
GPU = "ecs.gn7i-c8g1.2xlarge"


def job(**inputs: Any) -> Declared:
    specs = [{"ecsSpec": GPU, "podCount": 1}]
    return resource(JOB, "model", {"jobSpecs": specs, "maxRunningTimeMinutes": 60, **inputs})


def ingest(documents: dict[str, str], **inputs: Any) -> Declared:
    return resource(INGEST, "ingest", {"documents": documents, "indexName": "i", **inputs})


def trained(before: list[Declared], after: list[Declared]) -> list[str]:
    return trainings(compare(before, after), estimate(after, region_id="cn-hangzhou"))


def embedded(before: list[Declared], after: list[Declared]) -> list[str]:
    costs = estimate(after, region_id="cn-hangzhou")
    return embeddings(before, after, compare(before, after), costs)


def test_changed_question_trains_again_and_says_what_a_run_costs() -> None:
    (line,) = trained([job(triggers={"questions": "a"})], [job(triggers={"questions": "b"})])
    assert line.startswith(
        "`model` trains again: its questions or revision changed, at most 60 minutes and "
    )
    assert line.endswith(" CNY")


def test_longer_time_limit_trains_nothing() -> None:
    assert trained([job()], [job(maxRunningTimeMinutes=90)]) == []


def test_first_training_is_named_as_such() -> None:
    (line,) = trained([], [job()])
    assert "trains for the first time" in line


def test_only_documents_that_are_new_or_changed_are_embedded() -> None:
    before = ingest({"a": "1", "b": "1", "c": "1"})
    after = ingest({"a": "1", "b": "2", "d": "1"})
    (line,) = embedded([before], [after])
    assert line == "`ingest` embeds 2 of 3 documents (1 new, 1 changed) and removes 1"


def test_new_index_embeds_all_documents() -> None:
    (line,) = embedded([ingest({"a": "1"})], [ingest({"a": "1"}, indexName="j")])
    assert line == "`ingest` embeds all 1 documents, because the index is new"


def test_training_may_embed_all_documents_if_its_model_is_kept() -> None:
    documents = {"a": "1", "b": "1"}
    (line,) = embedded([job(), ingest(documents)], [job(envs={"X": "1"}), ingest(documents)])
    assert line.startswith("if the new model is kept, `ingest` embeds all 2 documents")


def test_run_over_unchanged_documents_embeds_none() -> None:
    (line,) = embedded([ingest({"a": "1"})], [ingest({"a": "1"}, userCommand="new")])
    assert "1 documents that have not changed" in line


def test_ingest_shows_its_longest_time_and_cost() -> None:
    more = {"jobSpecs": [{"ecsSpec": "ecs.g7.large", "podCount": 1}], "maxRunningTimeMinutes": 90}
    (line,) = embedded([ingest({"a": "1"}, **more)], [ingest({"a": "2"}, **more)])
    assert ", at most 90 minutes and " in line
    assert line.endswith(" CNY")


def mounted(code: str, result: str, **more: Any) -> Declared:
    sources = [
        {"mountPath": "/mnt/code", "uri": code},
        {"mountPath": "/mnt/corpus", "uri": "oss://corpus/"},
        {"mountPath": "/mnt/output", "uri": result},
    ]
    return job(dataSources=sources, resultUri=result, **more)


def test_inputs_that_follow_from_others_are_not_reasons() -> None:
    before = mounted("oss://code/1", "oss://result/1", userCommand="train")
    (line,) = trained([before], [mounted("oss://code/1", "oss://result/2", userCommand="more")])
    assert "trains again: its command or settings changed" in line
    (line,) = trained([before], [mounted("oss://code/2", "oss://result/2", userCommand="train")])
    assert "trains again: its code changed" in line
    (line,) = trained([before], [mounted("oss://code/1", "oss://result/2", userCommand="train")])
    assert "trains again: its code, settings or data changed" in line


def test_the_reasons_name_inputs_whose_change_trains_again() -> None:
    named = {name.partition(":")[0] for name in _REASONS}
    replacing = {name for name, spec in DlcJobHandler.inputs.items() if spec.effect == "replace"}
    # The type of the job is a constant, and the address of its result follows from the others.
    assert named == replacing - {"jobType", "resultUri"}
