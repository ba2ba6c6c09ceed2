"""The queue of a local stack's DLC jobs, ordered by priority and age.

Owns the scheduling thread and one runner thread per job. Jobs that were running when the last
daemon ended continue first.
"""

from __future__ import annotations

import logging
import shutil
import threading
from typing import Final

from localcloud.core.errors import CloudError
from localcloud.core.resources import Context
from localcloud.paidlc.errors import wrong_status
from localcloud.paidlc.files import job_folder, log_folder
from localcloud.paidlc.jobs import Document, Jobs
from localcloud.paidlc.pods import plan_pods
from localcloud.paidlc.runner import JobRunner
from localcloud.paidlc.settings import Settings
from localcloud.paidlc.status import CREATING, QUEUING, STOPPED, STOPPING, TERMINAL, WAITING

_LOG = logging.getLogger(__name__)
_TICK_SECONDS: Final = 1.0


class JobController:
    """Runs the jobs of one local stack.

    Args:
        context: The running local cloud.
        settings: How to run jobs.
    """

    def __init__(self, context: Context, settings: Settings | None = None) -> None:
        self._context = context
        self._settings = settings or Settings()
        self.jobs = Jobs(context.store)
        self._lock = threading.RLock()
        self._closing = threading.Event()
        self._wake = threading.Event()
        self._runners: dict[str, threading.Thread] = {}
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start to run jobs, and continue those of an earlier daemon. Idempotent."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._schedule, name="paidlc queue", daemon=True
                )
                self._thread.start()

    def close(self) -> None:
        """Stop watching, and leave the pods running for the next daemon."""
        self._closing.set()
        self._wake.set()
        threads = [*self._runners.values(), *([self._thread] if self._thread else [])]
        for thread in threads:
            thread.join()

    def create(self, request: Document, owner: str) -> str:
        """Create a job from a request that ``parse_create_job`` returned, and return its id."""
        job_id = self._context.ids.new("dlc", 13)
        self.jobs.add(job_id, request, plan_pods(job_id, request["JobSpecs"]), owner)
        self._wake.set()
        return job_id

    def stop(self, job_id: str) -> None:
        """Request that a job stops.

        Raises:
            CloudError: ``JobNotFound``, or ``InvalidJobStatus`` if it has ended.
        """

        def request(job: Document) -> None:
            if job["status"] in TERMINAL:
                raise wrong_status(job_id, job["status"], "StopJob", "not ended")
            job["stop_requested"] = True

        self.jobs.change(job_id, request)
        self._wake.set()

    def delete(self, job_id: str) -> None:
        """Delete an ended job and its logs.

        Raises:
            CloudError: ``JobNotFound``, or ``InvalidJobStatus`` if it has not ended.
        """
        job = self.jobs.get(job_id)
        if job["status"] not in TERMINAL:
            raise wrong_status(job_id, job["status"], "DeleteJob", "Succeeded, Failed or Stopped")
        self.jobs.delete(job_id)
        shutil.rmtree(job_folder(self._context, job_id), ignore_errors=True)
        shutil.rmtree(log_folder(self._context, job_id), ignore_errors=True)

    def _schedule(self) -> None:
        while not self._closing.is_set():
            self._wake.clear()
            try:
                self._assign()
            except Exception:  # noqa: BLE001 - one faulty job must not stop the queue
                _LOG.exception("the queue of DLC jobs")
            self._wake.wait(_TICK_SECONDS)

    def _assign(self) -> None:
        open_jobs = [job for job in self.jobs.all() if job["status"] not in TERMINAL]
        with self._lock:
            self._runners = {
                job_id: thread for job_id, thread in self._runners.items() if thread.is_alive()
            }
        started = [job for job in open_jobs if job["status"] not in WAITING]
        for job in started:
            self._run(job)
        waiting = sorted(
            (job for job in open_jobs if job["status"] in WAITING),
            key=lambda job: (-job["request"]["Priority"], job["sequence"]),
        )
        for job in waiting:
            if job["stop_requested"]:
                self._stop_waiting(job)
            elif job["job_id"] in self._runners or (
                len(self._runners) < self._settings.max_running_jobs
            ):
                self._run(job)
            elif job["status"] == CREATING:
                self.jobs.move(
                    job["job_id"],
                    QUEUING,
                    "ResourceInsufficient",
                    f"At most {self._settings.max_running_jobs} job(s) run at a time here.",
                )

    def _run(self, job: Document) -> None:
        job_id = job["job_id"]
        if job_id in self._runners or self._closing.is_set():
            return
        runner = JobRunner(job_id, self._context, self.jobs, self._settings, self._closing)

        def work() -> None:
            runner.run()
            self._wake.set()

        thread = threading.Thread(target=work, name=f"paidlc {job_id}", daemon=True)
        with self._lock:
            self._runners[job_id] = thread
        thread.start()

    def _stop_waiting(self, job: Document) -> None:
        if job["job_id"] in self._runners:
            return
        try:
            for status in (STOPPING, STOPPED):
                self.jobs.move(
                    job["job_id"], status, "JobStoppedByUser", "Job is stopped by StopJob."
                )
        except CloudError:
            _LOG.info("job %s was deleted during its stop", job["job_id"])
