"""Planning of jobs: names, attempts, decisions, bodies. Pure."""

from __future__ import annotations

import re
from typing import Any

import pytest

from providers import jobs
from providers.clients.dlc import Job

INPUTS: dict[str, Any] = {
    "workspaceId": "1",
    "displayName": "train",
    "jobType": "PyTorchJob",
    "jobSpecs": [{"type": "Worker", "podCount": 1, "ecsSpec": "ecs.g6.large", "image": "img"}],
    "userCommand": "python -m training",
    "dataSources": [{"uri": "oss://b/out/", "mountPath": "/mnt/output", "mountAccess": "RW"}],
    "envs": {"my_key": "1"},
    "triggers": {"corpus": "abc"},
    "resultUri": "oss://b/out/",
    "priority": 1,
}


def job(name: str, status: str, number: int = 1) -> Job:
    return Job(job_id=f"dlc{number}", display_name=name, status=status, created_at=str(number))


def test_a_job_name_is_the_prefix_and_twelve_hexadecimal_digits() -> None:
    assert re.fullmatch(r"train-[0-9a-f]{12}", jobs.job_name(INPUTS))


def test_the_name_of_a_deployed_job_never_changes() -> None:
    """A job whose name changes runs again."""
    ingest = {**INPUTS, "documents": {"a.md": "0" * 64}, "indexName": "i", "indexUuid": "u"}
    assert jobs.job_name(INPUTS) == "train-8e174692835d"
    assert jobs.job_name(ingest) == "train-74d21fd11025"
    assert jobs.job_name(ingest, "dlc1") == "train-d82e33064db1"


@pytest.mark.parametrize("name", jobs.HASHED_INPUTS)
def test_what_a_job_computes_is_in_its_name(name: str) -> None:
    assert jobs.job_name({**INPUTS, name: "another"}) != jobs.job_name(INPUTS)


@pytest.mark.parametrize(
    "name", ["workspaceId", "priority", "credentialConfig", "userVpc", "maxRunningTimeMinutes"]
)
def test_where_and_how_a_job_runs_is_not_in_its_name(name: str) -> None:
    assert jobs.job_name({**INPUTS, name: "another"}) == jobs.job_name(INPUTS)


def test_numbers_as_the_engine_sends_them_make_the_same_name() -> None:
    specs = [{**INPUTS["jobSpecs"][0], "podCount": 1.0}]
    assert jobs.job_name({**INPUTS, "jobSpecs": specs}) == jobs.job_name(INPUTS)


def test_an_input_left_out_and_an_empty_one_make_the_same_name() -> None:
    assert jobs.job_name({**INPUTS, "thirdpartyLibs": []}) == jobs.job_name(INPUTS)


def test_attempts_are_found_by_their_suffix_and_strangers_are_not() -> None:
    names = ["a-1", "a-1-2", "a-1-x", "a-12", "a-1-1", "a-1-10"]
    found = jobs.attempts("a-1", [job(name, "Failed", i) for i, name in enumerate(names)])
    assert {number: item.display_name for number, item in found.items()} == {
        1: "a-1",
        2: "a-1-2",
        10: "a-1-10",
    }


def test_no_job_is_created_first() -> None:
    assert jobs.decide("a", [], 3) == jobs.Decision(action="create", name="a", attempt=1)


@pytest.mark.parametrize("status", ["Creating", "Queuing", "Running", "Restarting", "Stopping"])
def test_a_job_that_has_not_finished_is_waited_for(status: str) -> None:
    assert jobs.decide("a", [job("a", status)], 3).action == "wait"


def test_a_job_that_succeeded_is_taken_whatever_came_after() -> None:
    decision = jobs.decide("a", [job("a", "Succeeded"), job("a-2", "Failed", 2)], 3)
    assert (decision.action, decision.name) == ("take", "a")


@pytest.mark.parametrize("status", ["Failed", "Stopped"])
def test_a_job_that_failed_gets_a_further_attempt(status: str) -> None:
    decision = jobs.decide("a", [job("a", status), job("a-2", status, 2)], 3)
    assert (decision.action, decision.name, decision.attempt) == ("create", "a-3", 3)


def test_there_is_no_attempt_beyond_the_last() -> None:
    decision = jobs.decide("a", [job("a", "Failed"), job("a-2", "Failed", 2)], 2)
    assert (decision.action, decision.attempt) == ("give up", 2)


def test_a_body_has_the_services_names_and_leaves_environment_variables_alone() -> None:
    body = jobs.create_job_body(
        {
            **INPUTS,
            "maxRunningTimeMinutes": 60.0,
            "jobSpecs": [{"type": "Worker", "resourceConfig": {"gpu": "1", "sharedMemory": "1"}}],
            "userVpc": {"switchId": "vsw", "extendedCidrs": []},
            "credentialConfig": {"enableCredentialInject": True},
        },
        "train-1",
    )
    assert body["DisplayName"] == "train-1"
    assert body["JobMaxRunningTimeMinutes"] == 60
    assert body["JobSpecs"] == [
        {"Type": "Worker", "ResourceConfig": {"GPU": "1", "SharedMemory": "1"}}
    ]
    assert body["UserVpc"] == {"SwitchId": "vsw", "ExtendedCIDRs": []}
    assert body["Envs"] == {"my_key": "1"}
    assert body["CredentialConfig"] == {"EnableCredentialInject": True}
    assert "Triggers" not in body


def test_a_status_line_has_the_time_and_the_last_log_line() -> None:
    running = Job(job_id="1", display_name="a", status="Running", duration_seconds=130)
    line = jobs.status_line(running, "step 120/300, loss 0.41")
    assert line == "Running 2m10s, step 120/300, loss 0.41"


@pytest.mark.parametrize(
    ("seconds", "text"), [(5, "5s"), (130, "2m10s"), (3900, "1h05m"), (0, "0s")]
)
def test_durations_are_short_words(seconds: int, text: str) -> None:
    assert jobs.duration_text(seconds) == text
