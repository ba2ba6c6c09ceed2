"""Jobs of the local PAI DLC through the vendor's SDK. Cannot prove what the cloud answers."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import psutil
import pytest
from alibabacloud_pai_dlc20201203 import models
from alibabacloud_tea_openapi.exceptions import AlibabaCloudException

from tests.localcloud.paidlc.conftest import Dlc, sdk_client
from tests.localcloud.running import lives, until


def test_successful_job_reports_its_status_history(dlc: Dlc) -> None:
    job = dlc.wait(dlc.create("echo hello"))
    assert job.status == "Succeeded"
    assert job.reason_code == "JobSucceeded"
    statuses = [entry.status for entry in job.status_history]
    assert statuses == ["Creating", "EnvPreparing", "Running", "Succeeded"]
    assert job.gmt_create_time <= job.gmt_running_time <= job.gmt_finish_time
    assert job.restart_times == "0"


def test_sdk_returns_the_pod_log(dlc: Dlc) -> None:
    job_id = dlc.create("echo one; echo two >&2; echo three")
    dlc.wait(job_id)
    assert dlc.logs(job_id) == ["one", "two", "three"]
    assert dlc.logs(job_id, max_lines=1) == ["three"]


def test_failed_job_reports_exit_code_and_log(dlc: Dlc) -> None:
    job = dlc.wait(dlc.create("echo the corpus is empty; exit 3"))
    assert job.status == "Failed"
    assert job.reason_code == "PodFailed"
    assert "code 3" in job.reason_message
    assert "the corpus is empty" in job.reason_message


def test_pod_gets_envs_and_one_thread_per_core(dlc: Dlc) -> None:
    job_id = dlc.create('echo "$COLOUR $OMP_NUM_THREADS $RANK/$WORLD_SIZE"', envs={"COLOUR": "red"})
    dlc.wait(job_id)
    assert dlc.logs(job_id) == ["red 2 0/1"]


def test_pods_of_a_job_have_ranks_and_one_master(dlc: Dlc) -> None:
    command = 'echo "$RANK of $WORLD_SIZE at $MASTER_ADDR:$MASTER_PORT with $OMP_NUM_THREADS"'
    job_id = dlc.create(command, pod_count=2)
    job = dlc.wait(job_id)
    assert [pod.status for pod in job.pods] == ["Succeeded", "Succeeded"]
    first, second = dlc.logs(job_id, 0)[0], dlc.logs(job_id, 1)[0]
    assert first.startswith("0 of 2 at 127.") and second.startswith("1 of 2 at 127.")
    assert first[1:] == second[1:] and first.endswith("with 1")


def test_same_display_name_creates_a_second_job(dlc: Dlc) -> None:
    assert dlc.create("true") != dlc.create("true")


def test_stop_ends_the_job_and_all_its_processes(dlc: Dlc) -> None:
    job_id = dlc.create("sleep 600 & sleep 600 & wait")
    dlc.wait(job_id, "Running")
    parent = psutil.Process(dlc.pid(job_id))
    children = until(lambda: len(parent.children()) == 2 and parent.children(), "both sleep")
    dlc.client.stop_job(job_id)
    job = dlc.wait(job_id)
    assert (job.status, job.reason_code) == ("Stopped", "JobStoppedByUser")
    assert [entry.status for entry in job.status_history][-2:] == ["Stopping", "Stopped"]
    assert not any(lives(child) for child in children)


def test_waiting_job_with_higher_priority_runs_first(dlc: Dlc) -> None:
    first = dlc.create("sleep 600")
    dlc.wait(first, "Running")
    low, high = dlc.create("true", priority=1), dlc.create("true", priority=9)
    dlc.wait(low, "Queuing")
    dlc.wait(high, "Queuing")
    dlc.client.stop_job(first)
    assert dlc.wait(high).gmt_finish_time <= dlc.wait(low).gmt_finish_time
    assert dlc.wait(low).status_history[1].reason_code == "ResourceInsufficient"


def test_stopped_queuing_job_never_runs(dlc: Dlc) -> None:
    first, second = dlc.create("sleep 600"), dlc.create("true")
    dlc.wait(second, "Queuing")
    dlc.client.stop_job(second)
    job = dlc.wait(second)
    assert job.status == "Stopped"
    assert not job.pods
    dlc.client.stop_job(first)


def test_killed_pod_restarts_on_failure(dlc: Dlc) -> None:
    job_id = dlc.create(
        "test -e started && echo again && exit 0; touch started; echo first; exec sleep 600",
        restart_policy="OnFailure",
    )
    dlc.wait(job_id, "Running")
    until(lambda: dlc.logs(job_id) == ["first"], "the first pod has marked its start")
    os.kill(dlc.pid(job_id), signal.SIGKILL)
    job = dlc.wait(job_id)
    assert (job.status, job.restart_times) == ("Succeeded", "1")
    assert "Restarting" in [entry.status for entry in job.status_history]
    assert len(job.pods[0].history_pods) == 1
    assert dlc.logs(job_id) == ["again"]


def test_too_many_restarts_fail_the_job(start_dlc: Callable[..., Dlc]) -> None:
    dlc = start_dlc(max_restarts=1)
    job = dlc.wait(dlc.create("exit 1", restart_policy="OnFailure"))
    assert (job.status, job.reason_code) == ("Failed", "RestartLimitExceeded")
    assert job.restart_times == "1"


def test_exit_code_policy_does_not_restart_after_a_permanent_error(dlc: Dlc) -> None:
    job = dlc.wait(dlc.create("exit 2", restart_policy="ExitCode"))
    assert (job.status, job.restart_times) == ("Failed", "0")


def test_job_stops_after_its_maximum_running_time(start_dlc: Callable[..., Dlc]) -> None:
    dlc = start_dlc(seconds_per_minute=0.2)
    job = dlc.wait(dlc.create("sleep 600", job_max_running_time_minutes=1))
    assert (job.status, job.reason_code) == ("Stopped", "JobMaxRunningTimeExceeded")


def test_error_of_a_failed_job_names_the_missing_library(dlc: Dlc) -> None:
    job = dlc.wait(dlc.create("true", thirdparty_libs=["pyyaml", "no-such-library>=1"]))
    assert (job.status, job.reason_code) == ("Failed", "ThirdpartyLibsMissing")
    assert "no-such-library" in job.reason_message and "pyyaml" not in job.reason_message


def test_list_jobs_filters_pages_and_sorts(dlc: Dlc) -> None:
    ids = [dlc.create("true", display_name=f"Embed-{number}") for number in range(3)]
    dlc.create("true", display_name="other", workspace_id="2")
    for job_id in ids:
        dlc.wait(job_id)

    def found(**query: Any) -> tuple[list[str], int]:
        body = dlc.client.list_jobs(models.ListJobsRequest(**query)).body
        return [job.job_id for job in body.jobs], body.total_count

    assert found(display_name="embed", order="asc", sort_by="GmtCreateTime") == (ids, 3)
    assert found(display_name="embed") == (ids[::-1], 3)
    assert found(display_name="embed", order="asc", page_size=2, page_number=2) == (ids[2:], 3)
    assert found(workspace_id="1", order="asc") == (ids, 3)


def test_unsupported_filter_is_refused(dlc: Dlc) -> None:
    with pytest.raises(AlibabaCloudException, match="UserCommandSearch") as caught:
        dlc.client.list_jobs(models.ListJobsRequest(user_command_search="x"))
    assert caught.value.code == "UnsupportedParameter"


def test_deleted_job_is_not_found(dlc: Dlc) -> None:
    job_id = dlc.create("true")
    dlc.wait(job_id)
    dlc.client.delete_job(job_id)
    with pytest.raises(AlibabaCloudException) as caught:
        dlc.job(job_id)
    assert (caught.value.code, caught.value.status_code) == ("JobNotFound", 404)


def test_running_job_cannot_be_deleted(dlc: Dlc) -> None:
    job_id = dlc.create("sleep 600")
    dlc.wait(job_id, "Running")
    with pytest.raises(AlibabaCloudException) as caught:
        dlc.client.delete_job(job_id)
    assert caught.value.status_code == 409


def test_ended_job_cannot_be_stopped(dlc: Dlc) -> None:
    job_id = dlc.create("true")
    dlc.wait(job_id)
    with pytest.raises(AlibabaCloudException, match="Succeeded") as caught:
        dlc.client.stop_job(job_id)
    assert caught.value.status_code == 409


def test_events_list_statuses_and_pods(dlc: Dlc) -> None:
    job_id = dlc.create("true")
    job = dlc.wait(job_id)
    events = dlc.client.get_job_events(job_id, models.GetJobEventsRequest()).body.events
    assert any("job is Running" in event for event in events)
    assert any(f"{job.pods[0].pod_id} Succeeded with exit code 0" in event for event in events)


def test_ecs_specs_include_the_gpu(dlc: Dlc) -> None:
    request = models.ListEcsSpecsRequest(
        instance_types="ecs.gn7i-c8g1.2xlarge,ecs.g7.xlarge", accelerator_type="GPU"
    )
    body = dlc.client.list_ecs_specs(request).body
    assert body.total_count == 1
    spec = body.ecs_specs[0]
    assert (spec.instance_type, spec.gpu, spec.gpu_type) == (
        "ecs.gn7i-c8g1.2xlarge",
        1,
        "NVIDIA A10",
    )


def test_role_without_permission_cannot_create_a_job(dlc: Dlc) -> None:
    allowed = [{"Effect": "Allow", "Action": "paidlc:GetJob", "Resource": "*"}]
    dlc.stack.make_role("reader", "ecs.aliyuncs.com", allowed)
    key = dlc.stack.context.access.issue("reader", "test", 900)
    client = sdk_client(
        dlc.stack.context, (key.access_key_id, key.access_key_secret, key.security_token)
    )
    with pytest.raises(AlibabaCloudException) as caught:
        Dlc(dlc.stack, client).create("true")
    assert (caught.value.code, caught.value.status_code) == ("NoPermission", 403)
