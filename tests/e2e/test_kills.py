"""`kill -9` during work: of the engine, a training pod, OSS, Elasticsearch and the daemon.

Each time the same command succeeds when it is repeated, does nothing twice and loses nothing. What
it cannot prove: that data survives a power cut before the disk has written it.
"""

from __future__ import annotations

import os
import re
import signal
from contextlib import suppress
from typing import Any

import psutil
import pytest

from localcloud.daemon import daemon_pid
from providers.clients.dlc import Job
from rag.chunk import chunk_document
from rag.models import resolve_model
from rag.readers import read_document
from rag.tokens import load_tokens
from tests.e2e import sample
from tests.e2e.checkout import Checkout, Running, wait_until
from tests.e2e.cloud import INGEST_JOB, TRAINING_JOB, Cloud, kill_tree

pytestmark = pytest.mark.e2e

# 24 steps; the first checkpoint is at step ten.
CONFIGURATION = {"trainingNumTrainEpochs": "3", "trainingBatchSize": "2"}
UP_SECONDS = 1800.0
TRAINING_SECONDS = 900.0
MORE_DOCUMENTS = 150


@pytest.fixture(scope="module")
def facts() -> dict[str, Any]:
    """Return a mapping in which a step keeps facts for a later step."""
    return {}


def _kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def _job(cloud: Cloud, prefix: str) -> Job:
    """Return the one job of a name."""
    jobs = cloud.jobs(prefix)
    assert len(jobs) == 1, jobs
    return jobs[0]


def _steps_done(cloud: Cloud) -> int:
    steps = re.findall(r"^step (\d+)/", cloud.job_log(TRAINING_JOB), re.MULTILINE)
    return int(steps[-1]) if steps else 0


def _up_until_success(private: Checkout, running: Running) -> int:
    """Wait for an update, and repeat it once if it fails; return the number of updates."""
    done = running.wait()
    if done.code == 0:
        return 1
    private.start_up(timeout_seconds=UP_SECONDS).wait().check()
    return 2


def _chunks(private: Checkout) -> dict[str, int]:
    """Return the number of chunks of each document, counted from the corpus itself."""
    found = {}
    tokens = load_tokens(resolve_model("all-MiniLM-L6-v2"))
    for path in sorted((private.corpus / "docs").iterdir()):
        key = f"docs/{path.name}"
        found[key] = len(list(chunk_document(read_document(key, path), tokens)))
    return found


def test_only_the_job_outlives_a_killed_engine(private: Checkout, cloud: Cloud) -> None:
    up = private.start_up(timeout_seconds=UP_SECONDS)
    up.until(lambda: _steps_done(cloud) >= 1, "the training's first step")
    _kill(private.engine().pid)
    assert up.wait().code != 0
    wait_until(lambda: not private.engine_children(), "the engine's children are gone", 180.0)
    assert _job(cloud, TRAINING_JOB).status == "Running"


def test_a_killed_pod_resumes_from_its_checkpoint_and_the_next_up_adopts_its_job(
    private: Checkout, cloud: Cloud, facts: dict[str, Any]
) -> None:
    before = _job(cloud, TRAINING_JOB)
    wait_until(lambda: _steps_done(cloud) >= 11, "the first checkpoint", TRAINING_SECONDS)
    kill_tree(cloud.pid(lambda name: name.startswith(f"paidlc/{before.job_id}/")))
    done = private.start_up(timeout_seconds=UP_SECONDS).wait().check()
    assert "The last run was killed. Its lock is removed." in done.output
    assert f"({before.job_id}) was not run again" in done.output
    assert re.search(r"^resuming from checkpoint of step [12]0$", cloud.job_log(TRAINING_JOB), re.M)
    job = _job(cloud, TRAINING_JOB)
    assert (job.job_id, job.display_name) == (before.job_id, before.display_name)
    assert (job.status, job.restart_times) == ("Succeeded", 1)
    assert [found.status for found in cloud.jobs(INGEST_JOB)] == ["Succeeded"]
    outputs = cloud.outputs()
    indexed = cloud.indexed(outputs["elasticsearch_url"], outputs["index_name"])
    assert indexed == {f"docs/{name}": 1 for name in sample.DOCUMENTS}
    facts["training"] = job


def test_uploads_and_ingest_survive_a_killed_oss_and_elasticsearch(
    private: Checkout, cloud: Cloud, facts: dict[str, Any]
) -> None:
    outputs = cloud.outputs()
    bucket = cloud.bucket(outputs["buckets"]["corpus"])
    url, index = outputs["elasticsearch_url"], outputs["index_name"]
    sample.add_many(private.corpus, MORE_DOCUMENTS, "house")
    up = private.start_up(timeout_seconds=UP_SECONDS)

    def uploaded() -> int:
        return len(bucket.list_objects_v2("corpus/docs/house-", max_keys=1000).object_list)

    up.until(lambda: uploaded() > 0, "the first of many documents is there")
    then = uploaded()
    _kill(cloud.pid(lambda name: name == "oss"))
    assert 0 < then < MORE_DOCUMENTS, "the upload was not in progress"
    with cloud.search(url) as client:

        def written() -> int:
            stats = client.indices.stats(index=index, metric="indexing")
            return int(stats["_all"]["primaries"]["indexing"]["index_total"])

        before = written()
        up.until(lambda: written() > before, "the first chunks are written")
        _kill(cloud.pid(lambda name: name.startswith("elasticsearch/") and "engine" in name))
    facts["ups"] = _up_until_success(private, up)


def test_document_and_chunk_counts_are_exact_afterwards(private: Checkout, cloud: Cloud) -> None:
    outputs = cloud.outputs()
    expected = _chunks(private)
    assert len(expected) == len(sample.DOCUMENTS) + MORE_DOCUMENTS
    assert sum(expected.values()) > 2 * MORE_DOCUMENTS
    indexed = cloud.indexed(outputs["elasticsearch_url"], outputs["index_name"])
    assert indexed == expected
    ingest = outputs["ingest"]
    assert (ingest["documents"], ingest["chunks"]) == (len(expected), sum(expected.values()))
    assert ingest["set_aside"] == []
    assert ingest["unchanged_documents"] >= len(sample.DOCUMENTS)


def test_nothing_ran_twice(private: Checkout, cloud: Cloud, facts: dict[str, Any]) -> None:
    assert _job(cloud, TRAINING_JOB) == facts["training"]
    ingests = cloud.jobs(INGEST_JOB)
    names = [job.display_name for job in ingests]
    assert len(set(names)) == len(names)
    # One for each state of the corpus, without the attempts of failed updates.
    assert [job.status for job in ingests].count("Succeeded") == 2
    assert len(ingests) <= 1 + facts["ups"]
    private.pulumi("preview", "--stack", "local", "--expect-no-changes").check()


def test_services_outlive_a_killed_daemon_and_the_next_question_restarts_it(
    private: Checkout, cloud: Cloud
) -> None:
    before = {row["name"]: row["pid"] for row in cloud.supervised() if row["state"] == "running"}
    daemon = daemon_pid(private.paths.home)
    assert daemon is not None
    _kill(daemon)
    answer = private.make("ask", Q="How long is the warranty on the flume board?").check()
    assert "five years" in answer.words
    done = private.start_up(timeout_seconds=UP_SECONDS).wait().check()
    assert "nothing has changed" in done.output
    after = {row["name"]: row["pid"] for row in cloud.supervised() if row["state"] == "running"}
    assert after == before


def test_a_question_after_all_processes_were_killed_restarts_them(
    private: Checkout, cloud: Cloud
) -> None:
    for process in private.processes():
        with suppress(psutil.NoSuchProcess):
            process.kill()
    assert cloud.supervised() == []
    answer = private.make(
        "ask", Q="How long is the warranty on the flume board?", timeout_seconds=900.0
    ).check()
    assert "five years" in answer.words
