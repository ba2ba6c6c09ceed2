"""Which job runs when: the queue of a local stack's DLC jobs, by priority and age.

Owns the scheduling thread and one runner thread per job. Jobs that were running when the daemon
ended go on first.
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
        context: The local cloud.
        settings: How many at a time, and how.
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
        """Begin to run jobs; those of the daemon before this one go on. Once is enough."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._schedule, name="paidlc queue", daemon=True
                )
                self._thread.start()

    def close(self) -> None:
        """Watch no more; the pods are left as they are, for the next daemon to go on with."""
        self._closing.set()
        self._wake.set()
        threads = [*self._runners.values(), *([self._thread] if self._thread else [])]
        for thread in threads:
            thread.join()

    def create(self, request: Document, owner: str) -> str:
        """Return a new job of a request as ``parse_create_job`` returns it; its id."""
        job_id = self._context.ids.new("dlc", 13)
        self.jobs.add(job_id, request, plan_pods(job_id, request["JobSpecs"]), owner)
        self._wake.set()
        return job_id

    def stop(self, job_id: str) -> None:
        """Ask a job to stop.

        Raises:
            CloudError: ``JobNotFound``, or ``InvalidJobStatus`` when it has ended.
        """

        def request(job: Document) -> None:
            if job["status"] in TERMINAL:
                raise wrong_status(job_id, job["status"], "StopJob", "not ended")
            job["stop_requested"] = True

        self.jobs.change(job_id, request)
        self._wake.set()

    def delete(self, job_id: str) -> None:
        """Forget a job that has ended, with its logs.

        Raises:
            CloudError: ``JobNotFound``, or ``InvalidJobStatus`` when it has not.
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
            except Exception:  # noqa: BLE001 - the queue must outlive a defect in one job
                _LOG.exception("the queue of DLC jobs")
            self._wake.wait(_TICK_SECONDS)

    def _assign(self) -> None:
        open_jobs = [job for job in self.jobs.all() if job["status"] not in TERMINAL]
        with self._lock:
            self._runners = {
                job_id: thread for job_id, thread in self._runners.items() if thread.is_alive()
            }
        begun = [job for job in open_jobs if job["status"] not in WAITING]
        for job in begun:
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
                    f"{self._settings.max_running_jobs} job(s) at a time run here.",
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
            _LOG.info("job %s was deleted while it was being stopped", job["job_id"])
