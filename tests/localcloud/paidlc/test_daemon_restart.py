"""Jobs across a restart of the local cloud's daemon: no pod starts twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from localcloud.core.background import worker_of
from localcloud.core.resources import Context
from localcloud.paidlc.controller import JobController
from localcloud.paidlc.settings import Settings
from tests.localcloud.paidlc.conftest import Dlc, JobRecords, sdk_client
from tests.localcloud.paidlc.test_data import keys, source
from tests.localcloud.running import running_stack, until

SERVICES = ["paidlc"]
RUNS = "echo run >>/mnt/output/runs"
WAITS = "until test -e go; do sleep 0.05; done"


def quick(context: Context) -> None:
    """Create the job controller with frequent uploads."""
    settings = Settings(sync_seconds=0.1)
    worker_of(context, JobController, lambda inner: JobController(inner, settings))


def output() -> list[Any]:
    """Return a writable mount."""
    return [source("output", "run-1/", "/mnt/output", "RW")]


def test_next_daemon_adopts_a_running_job_and_it_succeeds(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with running_stack(home, SERVICES, quick, leave_processes=True) as stack:
        dlc = Dlc(stack, sdk_client(stack.context))
        stack.make_bucket("output")
        job_id = dlc.create(f"{RUNS}; {WAITS}", data_sources=output())
        dlc.wait(job_id, "Running")
        until(lambda: keys(stack.bucket("output")), "the job has begun")
        pid = dlc.pid(job_id)
    with running_stack(home, SERVICES, quick) as stack:
        dlc = Dlc(stack, sdk_client(stack.context))
        assert dlc.pid(job_id) == pid
        (home / "cloud" / "paidlc" / job_id / "work" / "go").touch()
        job = dlc.wait(job_id)
        assert (job.status, job.restart_times) == ("Succeeded", "0")
        assert stack.bucket("output").get_object("run-1/runs").read() == b"run\n"


def test_job_that_ended_without_a_daemon_has_its_result_in_oss(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with running_stack(home, SERVICES, quick, leave_processes=True) as stack:
        dlc = Dlc(stack, sdk_client(stack.context))
        stack.make_bucket("output")
        job_id = dlc.create(f"{WAITS}; {RUNS}; touch ended", data_sources=output())
        dlc.wait(job_id, "Running")
        dlc.pid(job_id)
    work = home / "cloud" / "paidlc" / job_id / "work"
    (work / "go").touch()
    until((work / "ended").exists, "the job has ended")
    with running_stack(home, SERVICES, quick) as stack:
        dlc = Dlc(stack, sdk_client(stack.context))
        job = dlc.wait(job_id)
        assert (job.status, job.restart_times) == ("Succeeded", "0")
        assert stack.bucket("output").get_object("run-1/runs").read() == b"run\n"
        assert len(job.pods[0].history_pods or []) == 0


def test_job_continues_after_a_restart_of_the_local_cloud(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with running_stack(home, SERVICES, quick) as stack:
        dlc = Dlc(stack, sdk_client(stack.context))
        stack.make_bucket("output")
        job_id = dlc.create(f"{RUNS}; {WAITS}", data_sources=output())
        until(lambda: keys(stack.bucket("output")), "the job has begun")
    (home / "cloud" / "paidlc" / job_id / "work" / "go").touch()
    with running_stack(home, SERVICES, quick) as stack:
        dlc = Dlc(stack, sdk_client(stack.context))
        job = dlc.wait(job_id)
        assert (job.status, job.restart_times) == ("Succeeded", "0")
        assert len(JobRecords(stack.context).attempts(job_id)) == 2
        assert stack.bucket("output").get_object("run-1/runs").read() == b"run\nrun\n"


def test_next_daemon_starts_a_waiting_job(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with running_stack(home, SERVICES, quick, leave_processes=True) as stack:
        dlc = Dlc(stack, sdk_client(stack.context))
        first, second = dlc.create(WAITS), dlc.create("true")
        dlc.wait(second, "Queuing")
        dlc.pid(first)
    (home / "cloud" / "paidlc" / first / "work" / "go").touch()
    with running_stack(home, SERVICES, quick) as stack:
        dlc = Dlc(stack, sdk_client(stack.context))
        assert dlc.wait(first).status == "Succeeded"
        assert dlc.wait(second).status == "Succeeded"
