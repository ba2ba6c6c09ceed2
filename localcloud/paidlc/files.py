"""The folders of a job's files and logs in the home of a local stack."""

from __future__ import annotations

from pathlib import Path

from localcloud.core.home import data_dir, log_dir
from localcloud.core.resources import Context


def job_folder(context: Context, job_id: str) -> Path:
    """Return the folder of a running job's mounts and working directory."""
    return data_dir(context.platform.home, "paidlc") / job_id


def log_folder(context: Context, job_id: str) -> Path:
    """Return the folder of the logs of a job's pods."""
    return log_dir(context.platform.home) / "paidlc" / job_id


def log_path(context: Context, job_id: str, pod_uid: str) -> Path:
    """Return the log file of one attempt of one pod."""
    return log_folder(context, job_id) / f"{pod_uid}.log"


def read_lines(path: Path, count: int) -> list[str]:
    """Return the last lines of a log; an empty list if the log does not exist."""
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - 1000 * count))
            text = file.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return []
    return text.splitlines()[-count:]
