"""Life cycle of a DLC job: one paid job for one set of inputs, whatever happens around it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pluginhost import UNKNOWN, PartialError, ProviderError
from providers import jobs
from providers.clients.dlc import Job
from providers.clients.errors import AccessDeniedError
from tests.providers.fakes import Engine, FakeDlc, FakeOss, FakeServices

INPUTS: dict[str, Any] = {
    "workspaceId": "42",
    "displayName": "train",
    "jobType": "PyTorchJob",
    "jobSpecs": [{"type": "Worker", "podCount": 1, "ecsSpec": "ecs.g6.large", "image": "img"}],
    "userCommand": "python -m training",
    "dataSources": [{"uri": "oss://b/out/", "mountPath": "/mnt/output", "mountAccess": "RW"}],
    "triggers": {"corpus": "abc"},
    "resultUri": "oss://b/out/",
}
NAME = jobs.job_name(INPUTS)
RESULT = {"kept": "tuned", "dimension": 384}


@pytest.fixture
def services() -> FakeServices:
    oss, dlc = FakeOss("b"), FakeDlc()
    dlc.on_success = lambda job: oss.put_bytes(
        "oss://b/out/result.json", json.dumps(RESULT).encode()
    )
    return FakeServices(oss, dlc)


@pytest.fixture
def engine(services: FakeServices) -> Engine:
    return Engine("customrag:pai:DlcJob", services)


def test_a_job_is_created_waited_for_and_its_result_read(
    engine: Engine, services: FakeServices
) -> None:
    engine.up(INPUTS)
    assert services.dlc.created == [NAME]
    assert engine.state is not None
    assert engine.state.outputs["jobName"] == NAME
    assert engine.state.outputs["status"] == "Succeeded"
    assert engine.state.outputs["result"] == RESULT


def test_progress_is_the_status_and_the_last_log_line(engine: Engine) -> None:
    engine.up(INPUTS)
    assert "Running 2m10s, step 120/300, loss 0.41" in engine.host.statuses


def test_a_log_that_cannot_be_read_does_not_end_the_wait(
    engine: Engine, services: FakeServices
) -> None:
    services.dlc.log_error = AccessDeniedError("not allowed", code="NoPermission")
    engine.up(INPUTS)
    assert "Running 2m10s" in engine.host.statuses


def test_a_failure_whose_log_cannot_be_read_says_why(
    engine: Engine, services: FakeServices
) -> None:
    services.dlc.log_error = AccessDeniedError("not allowed", code="NoPermission")
    services.dlc.script = ["Failed"]
    with pytest.raises(PartialError, match=r"log could not be read: not allowed"):
        engine.up(INPUTS)


def test_a_preview_knows_the_jobs_name_before_it_exists(engine: Engine) -> None:
    outputs = engine.preview(INPUTS)
    assert outputs["jobName"] == NAME
    assert outputs["result"] is UNKNOWN


def test_a_preview_with_an_unknown_workspace_still_knows_the_name(engine: Engine) -> None:
    assert engine.preview({**INPUTS, "workspaceId": UNKNOWN})["jobName"] == NAME


def test_a_preview_with_an_unknown_result_uri_expects_a_result(engine: Engine) -> None:
    assert engine.preview({**INPUTS, "resultUri": UNKNOWN})["result"] is UNKNOWN


def test_a_preview_with_an_unknown_command_does_not_know_the_name(engine: Engine) -> None:
    assert engine.preview({**INPUTS, "userCommand": UNKNOWN})["jobName"] is UNKNOWN


def test_a_job_left_running_by_a_killed_engine_is_taken_up(
    engine: Engine, services: FakeServices
) -> None:
    job = services.dlc.add(NAME, "Running")
    services.dlc.scripts[job.job_id] = ["Running", "Succeeded"]
    engine.up(INPUTS)
    assert services.dlc.created == []
    assert engine.state is not None
    assert engine.state.outputs["jobId"] == job.job_id
    assert "was not run again" in engine.log


def test_a_job_that_succeeded_before_is_not_run_again(
    engine: Engine, services: FakeServices
) -> None:
    services.dlc.add(NAME, "Succeeded")
    services.oss.put_bytes("oss://b/out/result.json", json.dumps(RESULT).encode())
    engine.up(INPUTS)
    assert services.dlc.created == []


def test_a_create_whose_reply_was_lost_is_found_and_not_repeated(
    engine: Engine, services: FakeServices
) -> None:
    services.dlc.reply_lost = True
    engine.up(INPUTS)
    assert services.dlc.created == [NAME]


def test_a_failed_job_tells_its_reason_and_its_last_lines(
    engine: Engine, services: FakeServices
) -> None:
    services.dlc.script = ["Running", "Failed"]
    services.dlc.lines = ["Traceback", "CUDA out of memory"]
    with pytest.raises(ProviderError, match="CUDA out of memory") as caught:
        engine.up(INPUTS)
    assert "attempt 2 of 3" in str(caught.value)


def test_the_next_up_after_a_failure_starts_a_further_attempt(
    engine: Engine, services: FakeServices
) -> None:
    services.dlc.script = ["Failed"]
    with pytest.raises(PartialError):
        engine.up(INPUTS)
    services.dlc.script = ["Running", "Succeeded"]
    assert engine.up(INPUTS) == "update"
    assert services.dlc.created == [NAME, f"{NAME}-2"]
    assert engine.state is not None
    assert engine.state.outputs["jobName"] == f"{NAME}-2"


def test_after_the_last_attempt_nothing_is_started(engine: Engine, services: FakeServices) -> None:
    services.dlc.script = ["Failed"]
    for _ in range(2):
        with pytest.raises(PartialError):
            engine.up({**INPUTS, "maxAttempts": 2})
    with pytest.raises(ProviderError, match="2 of 2 have failed"):
        engine.up({**INPUTS, "maxAttempts": 2})
    assert len(services.dlc.created) == 2


def test_ctrl_c_stops_waiting_and_leaves_the_job_running(
    engine: Engine, services: FakeServices
) -> None:
    services.dlc.script = ["Running"] * 50
    engine.clock.on_wait = lambda now: engine.host.cancelled.set()
    with pytest.raises(PartialError, match=r"keeps running.*next `pulumi up` adopts it"):
        engine.up(INPUTS)
    assert services.dlc.stopped == []
    assert services.dlc.looks == 1


def test_the_up_after_ctrl_c_takes_the_same_job(engine: Engine, services: FakeServices) -> None:
    services.dlc.script = ["Running", "Running", "Running", "Succeeded"]
    engine.clock.on_wait = lambda now: engine.host.cancelled.set()
    with pytest.raises(PartialError):
        engine.up(INPUTS)
    engine.clock.on_wait = None
    engine.host.cancelled.clear()
    assert engine.up(INPUTS) == "update"
    assert services.dlc.created == [NAME]


def test_a_destroy_after_ctrl_c_stops_the_job_and_deletes_its_record(
    engine: Engine, services: FakeServices
) -> None:
    services.dlc.script = ["Running"] * 50
    engine.clock.on_wait = lambda now: engine.host.cancelled.set()
    with pytest.raises(PartialError):
        engine.up(INPUTS)
    engine.clock.on_wait = None
    engine.host.cancelled.clear()
    engine.destroy()
    assert services.dlc.stopped == ["dlc1"]
    assert services.dlc.jobs == {}


def test_a_deadline_says_that_the_job_goes_on(engine: Engine, services: FakeServices) -> None:
    services.dlc.script = ["Running"] * 100_000
    with pytest.raises(PartialError, match="is still Running after 2h00m"):
        engine.up({**INPUTS, "maxRunningTimeMinutes": 60})


def test_a_short_outage_of_the_service_is_waited_out(
    engine: Engine, services: FakeServices
) -> None:
    job = services.dlc.add(NAME, "Running")
    services.dlc.scripts[job.job_id] = ["Succeeded"]
    services.dlc.outage_until = 20
    engine.up(INPUTS)
    assert services.dlc.created == []


def test_a_long_outage_ends_the_wait_without_a_second_job(
    engine: Engine, services: FakeServices
) -> None:
    services.dlc.add(NAME, "Running")
    services.dlc.outage_until = 10_000
    with pytest.raises(PartialError, match="does not answer"):
        engine.up(INPUTS)


def test_a_job_that_vanishes_while_it_is_waited_for_is_an_error(
    engine: Engine, services: FakeServices
) -> None:
    services.dlc.script = ["Running"] * 50
    engine.clock.on_wait = lambda now: services.dlc.jobs.clear()
    with pytest.raises(ProviderError, match="was deleted during the wait"):
        engine.up(INPUTS)


def test_a_missing_result_is_a_clear_error(engine: Engine, services: FakeServices) -> None:
    services.dlc.on_success = None
    with pytest.raises(
        ProviderError, match=r"succeeded, but oss://b/out/result.json does not exist"
    ):
        engine.up(INPUTS)


def test_unchanged_inputs_need_no_step(engine: Engine) -> None:
    engine.up(INPUTS)
    assert engine.up(INPUTS) == "same"


def test_another_trigger_replaces_the_job(engine: Engine, services: FakeServices) -> None:
    engine.up(INPUTS)
    difference = engine.diff({**INPUTS, "triggers": {"corpus": "def"}})
    assert difference.replaces == ["triggers"]
    assert list(difference.detailed_diff) == ["triggers.corpus"]
    assert engine.up({**INPUTS, "triggers": {"corpus": "def"}}) == "replace"
    assert len(services.dlc.created) == 2
    assert [job.display_name for job in services.dlc.jobs.values()] == [services.dlc.created[1]]


@pytest.mark.parametrize(
    "change",
    [
        {"priority": 5},
        {"maxRunningTimeMinutes": 10},
        {"credentialConfig": {"enableCredentialInject": True}},
        {"displayName": "renamed"},
    ],
)
def test_what_does_not_decide_the_outcome_starts_no_job(
    engine: Engine, services: FakeServices, change: dict[str, Any]
) -> None:
    engine.up(INPUTS)
    assert engine.preview({**INPUTS, **change})["result"] == RESULT
    assert engine.up({**INPUTS, **change}) == "update"
    assert services.dlc.created == [NAME]


def test_a_refresh_sees_that_job_and_result_are_gone(
    engine: Engine, services: FakeServices
) -> None:
    engine.up(INPUTS)
    services.dlc.jobs.clear()
    services.oss.buckets["b"].clear()
    assert engine.refresh() is None


def test_a_refresh_shows_a_deleted_record_but_keeps_the_result(
    engine: Engine, services: FakeServices
) -> None:
    engine.up(INPUTS)
    services.dlc.jobs.clear()
    state = engine.refresh()
    assert state is not None
    assert (state.outputs["status"], state.outputs["result"]) == ("Deleted", RESULT)
    assert engine.up(INPUTS) == "same"


def _lose_files(services: FakeServices) -> None:
    services.oss.buckets["b"].clear()


def test_a_refresh_shows_a_lost_result(engine: Engine, services: FakeServices) -> None:
    engine.up(INPUTS)
    _lose_files(services)
    state = engine.refresh()
    assert state is not None
    assert (state.outputs["status"], state.outputs["result"]) == ("Lost", None)
    assert "oss://b/out/result.json is not there any more" in engine.log


def test_a_job_whose_result_is_lost_runs_again(engine: Engine, services: FakeServices) -> None:
    engine.up(INPUTS)
    _lose_files(services)
    engine.refresh()
    assert engine.preview(INPUTS)["result"] is UNKNOWN
    assert engine.up(INPUTS) == "update"
    assert services.dlc.created == [NAME, NAME]
    assert [job.job_id for job in services.dlc.jobs.values()] == ["dlc1"]
    assert engine.state is not None
    assert (engine.state.outputs["status"], engine.state.outputs["result"]) == ("Succeeded", RESULT)
    assert engine.up(INPUTS) == "same"


def test_with_advice_a_lost_result_is_an_error_until_it_is_restored(
    engine: Engine, services: FakeServices
) -> None:
    advised = {**INPUTS, "lostResultAdvice": "Restore it"}
    engine.up(advised)
    kept = dict(services.oss.buckets["b"])
    _lose_files(services)
    engine.refresh()
    with pytest.raises(
        ProviderError,
        match=rf"the result of job {NAME} is lost: oss://b/out/result.json .*\. Restore it",
    ):
        engine.up(advised)
    assert services.dlc.created == [NAME]
    services.oss.buckets["b"].update(kept)
    engine.refresh()
    assert engine.up(advised) == "same"


@pytest.mark.parametrize("content", [None, b"cut off"])
def test_a_file_that_the_result_names_counts_as_the_result(
    engine: Engine, services: FakeServices, content: bytes | None
) -> None:
    weights = b"weights of the model"
    result = {**RESULT, "files": {"model/w.bin": len(weights)}}

    def succeed(_: Job) -> None:
        services.oss.put_bytes("oss://b/out/model/w.bin", weights)
        services.oss.put_bytes("oss://b/out/result.json", json.dumps(result).encode())

    services.dlc.on_success = succeed
    engine.up(INPUTS)
    engine.refresh()
    assert engine.up(INPUTS) == "same"
    del services.oss.buckets["b"]["out/model/w.bin"]
    if content is not None:
        services.oss.put_bytes("oss://b/out/model/w.bin", content)
    state = engine.refresh()
    assert state is not None
    assert state.outputs["status"] == "Lost"
    assert "oss://b/out/model/w.bin is not there any more" in engine.log
    assert engine.up(INPUTS) == "update"
    assert services.oss.buckets["b"]["out/model/w.bin"] == weights


def test_an_update_without_a_refresh_does_not_go_on_with_a_lost_result(
    engine: Engine, services: FakeServices
) -> None:
    engine.up(INPUTS)
    _lose_files(services)
    with pytest.raises(
        ProviderError, match=r"result\.json is not there any more\. Run `pulumi ref"
    ):
        engine.up(INPUTS)


def test_another_training_may_replace_a_job_whose_result_is_lost(
    engine: Engine, services: FakeServices
) -> None:
    engine.up({**INPUTS, "lostResultAdvice": "Restore it"})
    _lose_files(services)
    engine.refresh()
    other = {**INPUTS, "lostResultAdvice": "Restore it", "triggers": {"corpus": "def"}}
    assert engine.up(other) == "replace"


def test_delete_removes_the_records_of_all_attempts(engine: Engine, services: FakeServices) -> None:
    services.dlc.add(NAME, "Failed")
    engine.up(INPUTS)
    engine.destroy()
    assert services.dlc.jobs == {}


def test_delete_of_a_job_that_is_gone_is_success(engine: Engine, services: FakeServices) -> None:
    engine.up(INPUTS)
    services.dlc.jobs.clear()
    engine.destroy()


@pytest.mark.parametrize(
    ("change", "name", "words"),
    [
        ({"displayName": "a b"}, "displayName", "'a b'"),
        ({"jobType": "Torch"}, "jobType", "PyTorchJob"),
        ({"priority": 10}, "priority", "is 10; allowed is 1 to 9"),
        ({"priority": 12345678}, "priority", "is 12345678; allowed"),
        ({"priority": "high"}, "priority", "is 'high'; allowed is an integer"),
        ({"resultUri": "s3://b/k"}, "resultUri", "oss://"),
        ({"resultUri": "oss://b/k"}, "resultUri", "end in '/'"),
        ({"jobSpecs": []}, "jobSpecs", "at least one"),
        ({"jobSpecs": [{"type": "Worker", "pods": 1}]}, "jobSpecs[0].pods", "not a parameter"),
        ({"userCommand": None}, "userCommand", "required"),
        ({"command": "x"}, "command", "userCommand"),
        ({"envs": {"A": 1}}, "envs", "strings"),
        ({"userCommand": "x" * 70_000}, "userCommand", "65536"),
    ],
)
def test_a_wrong_input_is_named_with_what_is_allowed(
    engine: Engine, change: dict[str, Any], name: str, words: str
) -> None:
    failures = engine.check({**INPUTS, **change})["failures"]
    assert words in failures[name]


def test_unknown_inputs_pass_the_check(engine: Engine) -> None:
    unknown = dict.fromkeys(("jobSpecs", "userCommand", "envs", "resultUri"), UNKNOWN)
    assert engine.check({**INPUTS, **unknown})["failures"] == {}
