"""The clients and the life cycles against a local cloud, over HTTP, by the vendors' SDKs.

They cannot prove that Alibaba Cloud answers the same; the same tests need an account for that.
"""

from __future__ import annotations

import hashlib
import json
import threading
from pathlib import Path
from typing import Any

import pytest

from pluginhost import PartialError
from providers.clients.credentials import credentials_provider
from providers.clients.dlc import DlcClient
from providers.clients.errors import (
    AccessDeniedError,
    ConflictError,
    ContentMismatchError,
    NotFoundError,
)
from providers.clients.kms import get_secret_value
from providers.clients.oss import OssClient
from providers.clients.retries import Retries
from providers.plugin.services import CloudServices
from rag.corpus import load_corpus, sha256_of
from rag.listing import MAX_KEY_BYTES, list_documents
from tests.localcloud.running import LocalStack, until
from tests.providers.fakes import Engine

ONCE = Retries(attempts=1)
JOB: dict[str, Any] = {
    "workspaceId": "1",
    "displayName": "train",
    "jobType": "PyTorchJob",
    "jobSpecs": [
        {
            "type": "Worker",
            "podCount": 1,
            "ecsSpec": "ecs.gn7i-c8g1.2xlarge",
            "image": "any",
            "restartPolicy": "Never",
        }
    ],
    "dataSources": [
        {"uri": "oss://corpus-b/out/", "mountPath": "/mnt/output", "mountAccess": "RW"}
    ],
    "resultUri": "oss://corpus-b/out/",
    "userCommand": 'echo step 1/1, loss 0.5; echo \'{"kept": "tuned"}\' > /mnt/output/result.json',
}


@pytest.fixture
def oss(cloud_services: CloudServices) -> OssClient:
    return cloud_services.oss


@pytest.fixture
def dlc(cloud_services: CloudServices) -> DlcClient:
    return cloud_services.dlc


def engine_for(token: str, services: CloudServices) -> Engine:
    """Return the engine's steps with real clients and real time."""
    engine = Engine(token, services)  # type: ignore[arg-type]
    engine.clock.wait = lambda seconds: engine.host.wait(min(seconds, 0.1))  # type: ignore[method-assign]
    engine.provider._wait = engine.clock.wait
    return engine


def test_an_object_is_written_read_listed_and_deleted(oss: OssClient) -> None:
    written = oss.put_bytes("oss://corpus-b/docs/ä b.md", b"text")
    assert oss.get_bytes("oss://corpus-b/docs/ä b.md") == b"text"
    assert oss.head("oss://corpus-b/docs/ä b.md") == written
    assert list(oss.list("oss://corpus-b/docs/")) == [written]
    oss.delete("oss://corpus-b/docs/ä b.md")
    assert not oss.exists("oss://corpus-b/docs/ä b.md")


def test_a_listing_goes_on_beyond_a_page(oss: OssClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("providers.clients.oss.LIST_PAGE", 3)
    keys = [f"many/{number:04d}" for number in range(10)]
    for key in keys:
        oss.put_bytes(f"oss://corpus-b/{key}", b"x")
    assert [info.key for info in oss.list("oss://corpus-b/many/")] == keys
    oss.delete_many("corpus-b", keys)
    assert list(oss.list("oss://corpus-b/many/")) == []


def test_a_prefix_is_downloaded_as_files(oss: OssClient, tmp_path: Path) -> None:
    oss.put_bytes("oss://corpus-b/model/a.bin", b"1")
    oss.put_bytes("oss://corpus-b/model/sub/b.bin", b"2")
    files = oss.download_prefix(
        "oss://corpus-b.oss-cn-hangzhou.aliyuncs.com/model/", tmp_path / "m"
    )
    assert [path.relative_to(tmp_path).as_posix() for path in files] == [
        "m/a.bin",
        "m/sub/b.bin",
    ]
    assert (tmp_path / "m" / "sub" / "b.bin").read_bytes() == b"2"
    assert len(list((tmp_path / "m").rglob("*"))) == 3


def test_an_empty_prefix_is_not_found(oss: OssClient, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        oss.download_prefix("oss://corpus-b/nothing/", tmp_path)


def test_a_missing_object_keeps_the_clouds_code_and_request_id(oss: OssClient) -> None:
    with pytest.raises(NotFoundError) as caught:
        oss.get_bytes("oss://corpus-b/nothing")
    assert caught.value.code == "NoSuchKey"
    assert caught.value.request_id


def test_a_missing_bucket_is_not_found(oss: OssClient) -> None:
    with pytest.raises(NotFoundError):
        list(oss.list("oss://no-such-bucket-here/x/"))


def test_a_wrong_secret_is_access_denied(local_cloud: LocalStack) -> None:
    platform = local_cloud.context.platform
    wrong = credentials_provider(platform.access_key_id, "wrong")
    client = OssClient(platform.endpoints["oss"], platform.region_id, wrong, retries=ONCE)
    with pytest.raises(AccessDeniedError):
        client.get_bytes("oss://corpus-b/x")


def test_a_file_with_another_digest_is_not_uploaded(oss: OssClient, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("text")
    with pytest.raises(ContentMismatchError):
        oss.upload_file(tmp_path / "f", "oss://corpus-b/f", expected_sha256="0" * 64)
    assert not oss.exists("oss://corpus-b/f")


def test_a_text_secret_is_read_by_its_name(local_cloud: LocalStack) -> None:
    platform = local_cloud.context.platform
    local_cloud.make(
        "alicloud:kms/secret:Secret",
        {"secretName": "es-password", "secretData": "s3cret", "versionId": "v1"},
    )
    credentials = credentials_provider(platform.access_key_id, platform.access_key_secret)
    endpoint = platform.endpoints["api"]
    assert get_secret_value(endpoint, platform.region_id, "es-password", credentials) == "s3cret"
    with pytest.raises(NotFoundError):
        get_secret_value(endpoint, platform.region_id, "no-such", credentials, retries=ONCE)


def test_a_job_that_is_not_there_is_not_found_and_its_delete_is_success(dlc: DlcClient) -> None:
    with pytest.raises(NotFoundError):
        dlc.get_job("dlc-no-such-job")
    dlc.delete_job("dlc-no-such-job")


def test_a_running_job_is_stopped_before_it_is_deleted(dlc: DlcClient) -> None:
    body = {
        "WorkspaceId": "1",
        "DisplayName": "sleeper",
        "JobType": "PyTorchJob",
        "UserCommand": "sleep 600",
        "JobSpecs": [
            {"Type": "Worker", "PodCount": 1, "EcsSpec": "ecs.gn7i-c8g1.2xlarge", "Image": "any"}
        ],
    }
    job_id = dlc.create_job(body)
    until(lambda: dlc.get_job(job_id).status == "Running", "the job runs")
    with pytest.raises(ConflictError):
        dlc.delete_job(job_id)
    dlc.stop_job(job_id)
    until(lambda: dlc.get_job(job_id).finished, "the job stops")
    dlc.delete_job(job_id)
    assert dlc.find_jobs("1", "sleeper") == []


def test_a_job_runs_and_its_result_becomes_an_output(cloud_services: CloudServices) -> None:
    engine = engine_for("customrag:pai:DlcJob", cloud_services)
    engine.up(JOB)
    assert engine.state is not None
    assert engine.state.outputs["result"] == {"kept": "tuned"}
    assert engine.up(JOB) == "same"
    state = engine.refresh()
    assert state is not None
    assert state.outputs["status"] == "Succeeded"
    assert engine.up(JOB) == "same"
    engine.destroy()
    assert cloud_services.dlc.find_jobs("1", "train") == []


def test_a_failing_job_shows_its_own_last_words(cloud_services: CloudServices) -> None:
    engine = engine_for("customrag:pai:DlcJob", cloud_services)
    inputs = {**JOB, "userCommand": "echo the loss is NaN; exit 3"}
    with pytest.raises(PartialError, match="the loss is NaN"):
        engine.up(inputs)
    with pytest.raises(PartialError, match="attempt 2"):
        engine.up({**inputs, "maxAttempts": 2})
    names = [job.display_name for job in cloud_services.dlc.find_jobs("1", "train")]
    assert names[1] == f"{names[0]}-2"
    engine.destroy()


def test_a_job_cut_off_in_its_run_is_taken_up_by_another_engine(
    cloud_services: CloudServices, local_cloud: LocalStack
) -> None:
    go = local_cloud.home / "go"
    command = JOB["userCommand"]
    inputs = {**JOB, "userCommand": f"until [ -e {go} ]; do sleep 0.05; done; {command}"}
    first = engine_for("customrag:pai:DlcJob", cloud_services)
    outcome: list[BaseException] = []

    def run() -> None:
        try:
            first.up(inputs)
        except PartialError as error:
            outcome.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    until(lambda: any("Running" in line for line in first.host.statuses), "the job runs")
    first.host.cancelled.set()
    thread.join()
    assert "keeps running" in str(outcome[0])
    go.touch()
    second = engine_for("customrag:pai:DlcJob", cloud_services)
    assert second.up(inputs) == "create"
    assert len(cloud_services.dlc.find_jobs("1", "train")) == 1


def test_a_corpus_is_kept_equal_to_its_folder(
    cloud_services: CloudServices, oss: OssClient, tmp_path: Path
) -> None:
    folder = tmp_path / "corpus"
    (folder / "docs").mkdir(parents=True)
    for name in ("a", "ü b"):
        (folder / "docs" / f"{name}.md").write_text(name)

    def inputs() -> dict[str, Any]:
        documents = {
            path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in folder.rglob("*.md")
        }
        return {"bucket": "corpus-b", "sourceDir": str(folder), "documents": documents}

    engine = engine_for("customrag:oss:Corpus", cloud_services)
    engine.up(inputs())
    engine.refresh()
    assert engine.up(inputs()) == "same"
    (folder / "docs" / "a.md").write_text("changed")
    (folder / "docs" / "ü b.md").unlink()
    assert engine.up(inputs()) == "update"
    keys = [info.key for info in oss.list("oss://corpus-b/corpus/")]
    assert keys == ["corpus/docs/a.md", "corpus/manifest.json"]
    oss.put_bytes("oss://corpus-b/corpus/docs/a.md", b"by somebody else")
    engine.refresh()
    assert engine.up(inputs()) == "update"
    assert oss.get_bytes("oss://corpus-b/corpus/docs/a.md") == b"changed"
    manifest = json.loads(oss.get_bytes("oss://corpus-b/corpus/manifest.json"))
    assert list(manifest["documents"]) == ["docs/a.md"]
    engine.destroy()
    assert list(oss.list("oss://corpus-b/")) == []


NAMES = (
    "-rf.md",
    "a\\b.md",
    "a\nb.md",
    "a\rb\x01\x7f.md",
    "\ttab .md",
    "100%41+&=?#[].md",
    "quote\"'<>&.md",
    "\N{ROCKET}.md",
    "\u202etxt.exe.md",
    "\u05d0\u05d1.md",
    "e\u0301.md",
    "\u00e9.md",
    "README.md",
    "readme.md",
    "\u6587" * 84 + ".md",
    "n" * 252 + ".md",
    "$(touch x);`x`.md",
)


def test_every_file_name_is_uploaded_mounted_and_deleted_as_it_is(
    cloud_services: CloudServices, oss: OssClient, tmp_path: Path
) -> None:
    folder = tmp_path / "corpus"
    deep = folder / "docs" / "/".join(["d" * 200] * 4)
    deep.mkdir(parents=True)
    for name in NAMES:
        (folder / "docs" / name).write_text(name, encoding="utf-8")
    room = MAX_KEY_BYTES - len(deep.relative_to(folder).as_posix()) - 1
    (deep / ("x" * (room - 3) + ".md")).write_text("longest key")
    listing = list_documents(folder)
    assert listing.left_out == ()
    assert len(listing.files) == len(NAMES) + 1
    documents = {file.key: sha256_of(file.path) for file in listing.files}
    inputs = {
        "bucket": "corpus-b",
        "sourceDir": str(folder),
        "documents": documents,
        "leftOut": {"docs/\\xb1.md": "unread: its name is not UTF-8; rename it"},
    }
    engine = engine_for("customrag:oss:Corpus", cloud_services)
    engine.up(inputs)
    engine.refresh()
    assert engine.up(inputs) == "same"
    oss.download_prefix("oss://corpus-b/corpus/", tmp_path / "copy")
    copy = load_corpus(tmp_path / "copy")
    assert {file.key: sha256_of(file.path) for file in copy.files} == documents
    assert [left.name for left in copy.left_out] == ["docs/\\xb1.md"]
    engine.destroy()
    assert list(oss.list("oss://corpus-b/")) == []
