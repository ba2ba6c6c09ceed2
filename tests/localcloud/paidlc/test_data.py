"""Jobs of the local PAI DLC that read and write OSS with the credentials of their role."""

from __future__ import annotations

import json
import os
import signal
from typing import Any

import pytest
from alibabacloud_pai_dlc20201203 import models

from tests.localcloud.paidlc.conftest import Dlc
from tests.localcloud.running import until

PAI = "pai.aliyuncs.com"
READ = {
    "Effect": "Allow",
    "Action": ["oss:GetObject"],
    "Resource": ["acs:oss:*:*:corpus/docs/*"],
}
LIST_CORPUS = {
    "Effect": "Allow",
    "Action": ["oss:ListObjects", "oss:GetBucket"],
    "Resource": ["acs:oss:*:*:corpus"],
}
LIST_OUTPUT = {
    "Effect": "Allow",
    "Action": ["oss:ListObjects", "oss:GetBucket"],
    "Resource": ["acs:oss:*:*:output"],
}
WRITE = {
    "Effect": "Allow",
    "Action": ["oss:GetObject", "oss:PutObject", "oss:DeleteObject"],
    "Resource": ["acs:oss:*:*:output/run-1/*"],
}


def source(bucket: str, prefix: str, path: str, access: str) -> models.CreateJobRequestDataSources:
    """Return a data source."""
    return models.CreateJobRequestDataSources(
        uri=f"oss://{bucket}/{prefix}", mount_path=path, mount_access=access
    )


def credentials(arn: str) -> models.CredentialConfig:
    """Create the role of a job."""
    return models.CredentialConfig(
        enable_credential_inject=True,
        aliyun_env_role_key="0",
        credential_config_items=[
            models.CredentialConfigItem(
                key="0", type="Role", roles=[models.CredentialRole(role_arn=arn)]
            )
        ],
    )


@pytest.fixture
def buckets(dlc: Dlc) -> dict[str, Any]:
    """Return a corpus of two documents and an empty output bucket."""
    corpus, output = dlc.stack.make_bucket("corpus"), dlc.stack.make_bucket("output")
    corpus.put_object("docs/a.md", "alpha")
    corpus.put_object("docs/deep/b.md", "beta")
    corpus.put_object("other/c.md", "gamma")
    return {"corpus": corpus, "output": output}


def keys(bucket: Any, prefix: str = "") -> list[str]:
    """Return the keys of a bucket."""
    return [entry.key for entry in bucket.list_objects_v2(prefix=prefix).object_list]


def test_mounted_folder_has_the_objects_below_its_prefix(dlc: Dlc, buckets: dict[str, Any]) -> None:
    job_id = dlc.create(
        "cd /mnt/corpus && find . -type f | sort && cat a.md",
        data_sources=[source("corpus", "docs/", "/mnt/corpus", "RO")],
    )
    assert dlc.wait(job_id).status == "Succeeded"
    assert dlc.logs(job_id) == ["./a.md", "./deep/b.md", "alpha"]


def test_files_of_a_job_are_in_oss_before_it_succeeds(dlc: Dlc, buckets: dict[str, Any]) -> None:
    job_id = dlc.create(
        "mkdir /mnt/output/model && echo w >/mnt/output/model/weights && echo '{}' >/mnt/output/r",
        data_sources=[source("output", "run-1/", "/mnt/output", "RW")],
    )
    assert dlc.wait(job_id).status == "Succeeded"
    assert keys(buckets["output"]) == ["run-1/model/weights", "run-1/r"]


def test_running_job_uploads_new_files_and_deletes_removed_ones(
    dlc: Dlc, buckets: dict[str, Any]
) -> None:
    job_id = dlc.create(
        "echo 1 >/mnt/output/checkpoint-1; until test -e go; do sleep 0.05; done; "
        "rm /mnt/output/checkpoint-1; sleep 600",
        data_sources=[source("output", "run-1/", "/mnt/output", "RW")],
    )
    until(lambda: keys(buckets["output"]) == ["run-1/checkpoint-1"], "the checkpoint is in OSS")
    work = dlc.stack.home / "cloud" / "paidlc" / job_id / "work"
    (work / "go").touch()
    until(lambda: keys(buckets["output"]) == [], "the checkpoint is gone from OSS")
    dlc.client.stop_job(job_id)


def test_read_only_mount_changes_nothing_in_oss(dlc: Dlc, buckets: dict[str, Any]) -> None:
    job_id = dlc.create(
        "echo new >/mnt/corpus/new.md; rm -f /mnt/corpus/a.md",
        data_sources=[source("corpus", "docs/", "/mnt/corpus", "RO")],
    )
    dlc.wait(job_id)
    assert keys(buckets["corpus"], "docs/") == ["docs/a.md", "docs/deep/b.md"]


def test_next_attempt_finds_files_of_a_killed_pod(dlc: Dlc, buckets: dict[str, Any]) -> None:
    job_id = dlc.create(
        "if test -e /mnt/output/step; then cat /mnt/output/step; exit 0; fi; "
        "echo 7 >/mnt/output/step; exec sleep 600",
        restart_policy="OnFailure",
        data_sources=[source("output", "run-1/", "/mnt/output", "RW")],
    )
    dlc.wait(job_id, "Running")
    mounts = dlc.stack.home / "cloud" / "paidlc" / job_id / "mounts"
    until(lambda: list(mounts.glob("*/step")), "the step is written")
    os.kill(dlc.pid(job_id), signal.SIGKILL)
    assert dlc.wait(job_id).status == "Succeeded"
    assert dlc.logs(job_id) == ["7"]


def test_next_job_finds_checkpoints_of_a_stopped_job(dlc: Dlc, buckets: dict[str, Any]) -> None:
    output = [source("output", "run-1/", "/mnt/output", "RW")]
    first = dlc.create("echo 1 >/mnt/output/step; touch done; sleep 600", data_sources=output)
    work = dlc.stack.home / "cloud" / "paidlc" / first / "work"
    until(lambda: (work / "done").exists(), "the step is written")
    dlc.client.stop_job(first)
    dlc.wait(first)
    second = dlc.create("cat /mnt/output/step", data_sources=output)
    dlc.wait(second)
    assert dlc.logs(second) == ["1"]


def test_mount_paths_in_envs_are_replaced(dlc: Dlc, buckets: dict[str, Any]) -> None:
    job_id = dlc.create(
        'cat "$DOCUMENT"; echo; echo "$URI"',
        envs={"DOCUMENT": "/mnt/corpus/a.md", "URI": "oss://corpus/mnt/corpus/a.md"},
        data_sources=[source("corpus", "docs/", "/mnt/corpus", "RO")],
    )
    dlc.wait(job_id)
    assert dlc.logs(job_id) == ["alpha", "oss://corpus/mnt/corpus/a.md"]


def test_role_without_read_permission_fails_the_job(dlc: Dlc, buckets: dict[str, Any]) -> None:
    arn = dlc.stack.make_role("training", PAI, [LIST_CORPUS])
    job = dlc.wait(
        dlc.create(
            "true",
            data_sources=[source("corpus", "docs/", "/mnt/corpus", "RO")],
            credential_config=credentials(arn),
        )
    )
    assert (job.status, job.reason_code) == ("Failed", "DataSourceMountFailed")
    assert "AccessDenied" in job.reason_message and "role training" in job.reason_message


def test_role_with_minimal_policy_reads_and_writes(dlc: Dlc, buckets: dict[str, Any]) -> None:
    arn = dlc.stack.make_role("training", PAI, [READ, LIST_CORPUS, WRITE, LIST_OUTPUT])
    job = dlc.wait(
        dlc.create(
            "cp /mnt/corpus/a.md /mnt/output/",
            data_sources=[
                source("corpus", "docs/", "/mnt/corpus", "RO"),
                source("output", "run-1/", "/mnt/output", "RW"),
            ],
            credential_config=credentials(arn),
        )
    )
    assert (job.status, job.reason_message) == ("Succeeded", "Job is succeeded.")
    assert buckets["output"].get_object("run-1/a.md").read() == b"alpha"


def test_role_without_write_permission_fails_the_job(dlc: Dlc, buckets: dict[str, Any]) -> None:
    arn = dlc.stack.make_role("training", PAI, [LIST_OUTPUT])
    job = dlc.wait(
        dlc.create(
            "echo x >/mnt/output/x",
            data_sources=[source("output", "run-1/", "/mnt/output", "RW")],
            credential_config=credentials(arn),
        )
    )
    assert (job.status, job.reason_code) == ("Failed", "DataSourceMountFailed")


def test_default_credential_chain_in_a_pod_uses_its_role(dlc: Dlc, buckets: dict[str, Any]) -> None:
    arn = dlc.stack.make_role("training", PAI, [READ])
    script = (
        "import json; from alibabacloud_credentials.client import Client; "
        "found = Client().get_credential(); "
        "print(json.dumps([found.access_key_id[:4], bool(found.security_token)]))"
    )
    job_id = dlc.create(f"python -W ignore -c '{script}'", credential_config=credentials(arn))
    assert dlc.wait(job_id).status == "Succeeded"
    assert json.loads(dlc.logs(job_id)[-1]) == ["STS.", True]


def test_role_that_does_not_trust_pai_fails_the_job(dlc: Dlc, buckets: dict[str, Any]) -> None:
    arn = dlc.stack.make_role("node", "ecs.aliyuncs.com", [READ, LIST_CORPUS])
    job = dlc.wait(dlc.create("true", credential_config=credentials(arn)))
    assert job.status == "Failed"
    assert "pai.aliyuncs.com" in job.reason_message


def test_error_of_a_failed_job_names_the_missing_bucket(dlc: Dlc) -> None:
    job = dlc.wait(
        dlc.create("true", data_sources=[source("no-such-bucket", "", "/mnt/corpus", "RO")])
    )
    assert job.status == "Failed"
    assert "no-such-bucket" in job.reason_message and "NoSuchBucket" in job.reason_message
