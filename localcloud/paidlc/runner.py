"""Runs one DLC job: prepare, run the pods, restart them, upload the results.

Owns the life cycle of a job in one thread. All its state is in the store, so after a crash of the
daemon a new runner continues where the old one stopped: it watches pods that still run and never
starts them a second time.
"""

from __future__ import annotations

import logging
import shutil
import socket
import threading
import time
import uuid
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from localcloud.core.errors import CloudError
from localcloud.core.resources import Context
from localcloud.core.supervisor import ACTIVE, ProcessSpec, ProcessStatus
from localcloud.core.times import timestamp
from localcloud.paidlc import pods as pod_plans
from localcloud.paidlc.errors import JobFailureError
from localcloud.paidlc.files import job_folder, log_path, read_lines
from localcloud.paidlc.jobs import Document, Jobs, pod_of
from localcloud.paidlc.mounts import PAI_SERVICE, Mount, MountSync, retry_while_unavailable
from localcloud.paidlc.requests import bucket_and_prefix, environment_role, role_name
from localcloud.paidlc.settings import Settings
from localcloud.paidlc.status import (
    CREATING,
    ENV_PREPARING,
    FAILED,
    QUEUING,
    RESTARTING,
    RUNNING,
    STOPPED,
    STOPPING,
    SUCCEEDED,
    TERMINAL,
)

_LOG = logging.getLogger(__name__)
_POLL_SECONDS: Final = 0.2
_FIRST_BACKOFF_SECONDS: Final = 0.5
_STOP_TIMEOUT_SECONDS: Final = 20.0


class _StopRequestedError(Exception):
    """A caller stopped the job, or its time is over."""

    def __init__(self, reason_code: str, reason_message: str) -> None:
        super().__init__(reason_message)
        self.reason_code = reason_code
        self.reason_message = reason_message


class _ClosingError(Exception):
    """The daemon is ending; leave everything unchanged."""


class JobRunner:
    """Runs one job.

    Args:
        job_id: The job.
        context: The running local cloud.
        jobs: The records of jobs.
        settings: How to run it.
        closing: Set when the daemon is ending.
    """

    def __init__(
        self,
        job_id: str,
        context: Context,
        jobs: Jobs,
        settings: Settings,
        closing: threading.Event,
    ) -> None:
        self.job_id = job_id
        self._context = context
        self._jobs = jobs
        self._settings = settings
        self._closing = closing
        self._folder = job_folder(context, job_id)
        self._syncs: list[MountSync] = []

    def run(self) -> None:
        """Run the job to its end, or leave it for the next daemon if this one is ending."""
        try:
            self._run()
        except _ClosingError:
            return
        except JobFailureError as error:
            self._end(FAILED, error.reason_code, error.reason_message)
        except Exception as error:  # noqa: BLE001 - a job must not hang because of a fault here
            _LOG.exception("job %s", self.job_id)
            self._end(FAILED, "InternalError", f"the local cloud failed: {error!r}")

    def _run(self) -> None:
        try:
            if self._status() in (CREATING, QUEUING):
                self._jobs.move(self.job_id, ENV_PREPARING)
            mounts = self._mounts()
            self._syncs = [
                MountSync(mount, self._context, self.job_id, self._check) for mount in mounts
            ]
            if not self._job()["prepared"]:
                self._prepare()
            self._check()
            if self._status() == ENV_PREPARING:
                self._jobs.move(self.job_id, RUNNING)
            self._watch(mounts)
            self._upload(final=True)
            self._end(SUCCEEDED, "JobSucceeded", "Job is succeeded.")
        except _StopRequestedError as stop:
            if self._status() != STOPPING:
                self._jobs.move(self.job_id, STOPPING, stop.reason_code, stop.reason_message)
            self._stop_pods()
            self._upload(final=True)
            self._end(STOPPED, stop.reason_code, stop.reason_message)
        except (JobFailureError, CloudError) as error:
            self._stop_pods()
            if self._job()["prepared"]:
                # The next attempt continues from what the job has written, such as checkpoints.
                self._upload_after_failure()
            if isinstance(error, CloudError):
                raise JobFailureError(error.code, error.message) from error
            raise

    def _prepare(self) -> None:
        job = self._job()
        pod_plans.check_libraries(job["request"].get("ThirdpartyLibs", []))
        for sync in self._syncs:
            count = retry_while_unavailable(sync.down, self._pause)
            mount = sync.mount
            self._jobs.note(
                self.job_id, f"{mount.mount_path}: {count} objects from oss://{mount.bucket}/"
            )
        address = self._context.addresses.allocate(f"paidlc/{self.job_id}")
        port = _free_port(address)

        def prepared(document: Document) -> None:
            document.update(prepared=True, master_address=address, master_port=port)

        self._jobs.change(self.job_id, prepared)

    def _watch(self, mounts: list[Mount]) -> None:
        """Keep the pods running until all have succeeded."""
        next_sync = time.monotonic() + self._settings.sync_seconds
        while True:
            self._check()
            job = self._job()
            unfinished = [pod for pod in job["pods"] if pod["status"] != "Succeeded"]
            if not unfinished:
                return
            for pod in unfinished:
                self._tend(job, pod, mounts)
            if self._status() == RESTARTING:
                self._jobs.move(self.job_id, RUNNING)
            if time.monotonic() >= next_sync:
                self._upload(final=False)
                next_sync = time.monotonic() + self._settings.sync_seconds
            self._pause(_POLL_SECONDS)

    def _tend(self, job: Document, pod: Document, mounts: list[Mount]) -> None:
        attempts = pod["attempts"]
        if not attempts:
            self._start(job, pod, mounts)
            return
        status = self._context.supervisor.status(attempts[-1]["process"])
        if status is None:
            # The daemon ended after it recorded the attempt and before it started it.
            self._launch(job, pod, attempts[-1], mounts)
        elif status.state in ACTIVE:
            return
        elif status.state == "stopped":
            # The local cloud stopped while the job was running, so the pod did not fail.
            self._finish_attempt(pod, "Failed", status.exit_code)
            self._jobs.note(
                self.job_id, f"{pod['pod_id']} continues after a stop of the local cloud"
            )
            self._start(job, pod, mounts)
        elif status.exit_code == 0:
            self._finish_attempt(pod, "Succeeded", 0)
        else:
            self._finish_attempt(pod, "Failed", status.exit_code)
            self._restart(pod, status)

    def _restart(self, pod: Document, status: ProcessStatus) -> None:
        used, limit = self._job()["restarts"], self._settings.max_restarts
        what = f"{pod['pod_id']}: {status.reason or 'failed'}"
        if not _restarts(pod["restart_policy"], status.exit_code):
            raise JobFailureError(
                "PodFailed", f"{what} (RestartPolicy {pod['restart_policy']}).{self._tail(pod)}"
            )
        if used >= limit:
            raise JobFailureError(
                "RestartLimitExceeded", f"{what}, after {used} restarts.{self._tail(pod)}"
            )
        self._jobs.move(self.job_id, RESTARTING, "PodFailed", what)
        self._jobs.change(self.job_id, lambda job: job.update(restarts=used + 1))
        self._pause(_FIRST_BACKOFF_SECONDS * 2**used)
        job = self._job()
        self._start(job, pod_of(job, pod["pod_id"]), self._mounts())

    def _start(self, job: Document, pod: Document, mounts: list[Mount]) -> None:
        """Record a new attempt and then start it; in this order, it never starts twice."""
        number = len(pod["attempts"])
        attempt = {
            "process": f"paidlc/{self.job_id}/{pod['pod_id']}/{number}",
            "pod_uid": str(uuid.uuid4()),
            "address": job["master_address"],
            "status": "Running",
            "started_at": timestamp(),
            "finished_at": "",
            "exit_code": None,
        }

        def record(document: Document) -> None:
            entry = pod_of(document, pod["pod_id"])
            entry["attempts"].append(attempt)
            entry["status"] = "Running"

        self._jobs.change(self.job_id, record)
        self._launch(job, pod, attempt, mounts)

    def _launch(
        self, job: Document, pod: Document, attempt: Mapping[str, Any], mounts: list[Mount]
    ) -> None:
        context = self._context
        role = environment_role(job["request"])
        uri = None
        if role is not None:
            uri = context.access.credentials_uri(role, self.job_id, service=PAI_SERVICE)
        work = self._folder / "work"
        work.mkdir(parents=True, exist_ok=True)
        if self._closing.is_set():
            raise _ClosingError
        context.supervisor.start(
            ProcessSpec(
                name=attempt["process"],
                argv=pod_plans.shell_command(job, pod, mounts),
                env=pod_plans.pod_environment(
                    platform=context.platform,
                    job=job,
                    pod=pod,
                    mounts=mounts,
                    work=work,
                    credentials_uri=uri,
                    cores=self._settings.cores,
                ),
                cwd=work,
                log=log_path(context, self.job_id, attempt["pod_uid"]),
                restart="never",
                stop_timeout_seconds=_STOP_TIMEOUT_SECONDS,
            )
        )

    def _finish_attempt(self, pod: Document, status: str, exit_code: int | None) -> None:
        def record(document: Document) -> None:
            entry = pod_of(document, pod["pod_id"])
            entry["status"] = status
            entry["attempts"][-1].update(
                status=status, exit_code=exit_code, finished_at=timestamp()
            )

        self._jobs.change(self.job_id, record)
        self._jobs.note(self.job_id, f"{pod['pod_id']} {status} with exit code {exit_code}")

    def _stop_pods(self) -> None:
        for pod in self._job()["pods"]:
            if pod["attempts"]:
                self._context.supervisor.stop(pod["attempts"][-1]["process"])
                if pod["status"] == "Running":
                    self._finish_attempt(pod, "Failed", None)

    def _upload(self, *, final: bool) -> None:
        for sync in self._syncs:
            if final:
                retry_while_unavailable(partial(sync.up, final=True), self._wait_unless_closing)
            else:
                self._try_upload(sync)

    def _try_upload(self, sync: MountSync) -> None:
        try:
            sync.up()
        except JobFailureError as error:
            if error.reason_code != "DataSourceUnavailable":
                raise
            self._jobs.note(self.job_id, f"{error.reason_message}; the next upload tries again")

    def _upload_after_failure(self) -> None:
        try:
            self._upload(final=True)
        except JobFailureError as error:
            self._jobs.note(self.job_id, f"upload failed: {error.reason_message}")

    def _end(self, status: str, code: str, message: str) -> None:
        if not self._exists() or self._status() in TERMINAL:
            return
        self._jobs.move(self.job_id, status, code, message)
        context = self._context
        context.addresses.release(f"paidlc/{self.job_id}")
        for pod in self._job()["pods"]:
            for attempt in pod["attempts"]:
                context.supervisor.forget(attempt["process"])
        shutil.rmtree(self._folder, ignore_errors=True)

    def _check(self) -> None:
        """Raise an error if the job must stop or the daemon is ending."""
        if self._closing.is_set():
            raise _ClosingError
        job = self._job()
        if job["stop_requested"]:
            raise _StopRequestedError("JobStoppedByUser", "Job is stopped by StopJob.")
        minutes = job["request"].get("JobMaxRunningTimeMinutes")
        if minutes is not None and job["running_at"] is not None:
            limit = minutes * self._settings.seconds_per_minute
            if time.time() - job["running_at"] > limit:
                raise _StopRequestedError(
                    "JobMaxRunningTimeExceeded",
                    f"Job ran longer than JobMaxRunningTimeMinutes ({minutes}).",
                )

    def _pause(self, seconds: float) -> None:
        """Wait, but return early with an error on a stop."""
        deadline = time.monotonic() + seconds
        while True:
            self._check()
            left = deadline - time.monotonic()
            if left <= 0:
                return
            self._closing.wait(min(left, _POLL_SECONDS))

    def _wait_unless_closing(self, seconds: float) -> None:
        if self._closing.wait(seconds):
            raise _ClosingError

    def _mounts(self) -> list[Mount]:
        request = self._job()["request"]
        mounts = []
        for number, source in enumerate(request["DataSources"]):
            bucket, prefix = bucket_and_prefix(source["Uri"])
            name = source["MountPath"].strip("/").replace("/", "-")
            mounts.append(
                Mount(
                    mount_path=source["MountPath"],
                    writable=source["MountAccess"] == "RW",
                    bucket=bucket,
                    prefix=prefix,
                    folder=self._folder / "mounts" / f"{number}-{name}",
                    role_name=role_name(source.get("RoleArn")) or environment_role(request),
                )
            )
        return mounts

    def _tail(self, pod: Document) -> str:
        path = log_path(self._context, self.job_id, pod["attempts"][-1]["pod_uid"])
        lines = [line for line in read_lines(path, 5) if line.strip()]
        return f" The last lines of its log: {' / '.join(lines)}" if lines else ""

    def _job(self) -> Document:
        return self._jobs.get(self.job_id)

    def _status(self) -> str:
        return str(self._job()["status"])

    def _exists(self) -> bool:
        try:
            self._job()
        except CloudError:
            return False
        return True


def _restarts(policy: str, exit_code: int | None) -> bool:
    """Return whether a failed pod restarts.

    ``ExitCode`` is from Kubeflow (kubeflow.org, training operator, job scheduling): 1 to 127 are
    permanent errors; signals and 128 or more may be temporary. An unknown code means that the
    machine went down.
    """
    if policy == "ExitCode":
        return exit_code is None or exit_code < 0 or exit_code >= 128
    return policy in ("Always", "OnFailure")


def _free_port(address: str) -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])
