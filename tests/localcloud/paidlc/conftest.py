"""A local PAI DLC, called with the vendor's SDK over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from alibabacloud_pai_dlc20201203 import models
from alibabacloud_pai_dlc20201203.client import Client
from alibabacloud_tea_openapi.utils_models import Config

from localcloud.core.background import worker_of
from localcloud.core.resources import Context
from localcloud.paidlc.controller import JobController
from localcloud.paidlc.settings import Settings
from localcloud.paidlc.status import TERMINAL
from tests.localcloud.running import LocalStack, running_stack, until

SPEC = "ecs.gn7i-c8g1.2xlarge"


def sdk_client(context: Context, key: tuple[str, str, str | None] | None = None) -> Client:
    """Return the vendor's client for the local PAI DLC."""
    platform = context.platform
    key_id, secret, token = key or (platform.access_key_id, platform.access_key_secret, None)
    return Client(
        Config(
            access_key_id=key_id,
            access_key_secret=secret,
            security_token=token,
            endpoint=urlsplit(platform.endpoints["api"]).netloc,
            protocol="http",
            region_id=platform.region_id,
        )
    )


@dataclass(frozen=True)
class Dlc:
    """A local PAI DLC and its client."""

    stack: LocalStack
    client: Client

    def create(self, command: str, **changes: Any) -> str:
        """Create a job that runs a command in one pod; its id."""
        policy = changes.pop("restart_policy", "Never")
        pods = changes.pop("pod_count", 1)
        spec = models.JobSpec(
            type="Worker", pod_count=pods, ecs_spec=SPEC, image="any", restart_policy=policy
        )
        request: dict[str, Any] = {
            "display_name": "a-job",
            "job_type": "PyTorchJob",
            "workspace_id": "1",
            "user_command": command,
            "job_specs": [spec],
            **changes,
        }
        return str(self.client.create_job(models.CreateJobRequest(**request)).body.job_id)

    def job(self, job_id: str) -> Any:
        """Call GetJob."""
        return self.client.get_job(job_id, models.GetJobRequest()).body

    def wait(self, job_id: str, *statuses: str) -> Any:
        """Wait until the job has one of these statuses (by default: has ended), and return it."""
        wanted = set(statuses) or TERMINAL

        def reached() -> Any:
            job = self.job(job_id)
            return job if job.status in wanted else None

        return until(reached, f"job {job_id} is {sorted(wanted)}")

    def logs(self, job_id: str, pod: int = 0, **query: Any) -> list[str]:
        """Call GetPodLogs for one of the job's pods."""
        pod_id = self.job(job_id).pods[pod].pod_id
        request = models.GetPodLogsRequest(**query)
        return list(self.client.get_pod_logs(job_id, pod_id, request).body.logs)

    def pid(self, job_id: str) -> int:
        """Wait until the job's first pod runs, and return its process id."""
        attempts = lambda: JobRecords(self.stack.context).attempts(job_id)  # noqa: E731

        def running() -> int | None:
            found = attempts()
            status = found and self.stack.context.supervisor.status(found[-1]["process"])
            return status.pid if status else None

        return int(until(running, "the pod runs"))


@dataclass(frozen=True)
class JobRecords:
    """The records of jobs in the local cloud."""

    context: Context

    def attempts(self, job_id: str) -> list[dict[str, Any]]:
        """Return the attempts of a job's first pod."""
        job = self.context.store.table("paidlc.jobs").get(job_id)
        return list(job["pods"][0]["attempts"]) if job else []


@pytest.fixture
def start_dlc(tmp_path: Path) -> Iterator[Callable[..., Dlc]]:
    """Start a local PAI DLC, with the settings given."""
    with ExitStack() as stack:

        def start(**settings: Any) -> Dlc:
            settings = {"sync_seconds": 0.1, "cores": 2, **settings}

            def prepare(context: Context) -> None:
                worker_of(
                    context,
                    JobController,
                    lambda inner: JobController(inner, Settings(**settings)),
                )

            running = stack.enter_context(running_stack(tmp_path / "home", ["paidlc"], prepare))
            return Dlc(running, sdk_client(running.context))

        yield start


@pytest.fixture
def dlc(start_dlc: Callable[..., Dlc]) -> Dlc:
    """Return a local PAI DLC."""
    return start_dlc()
