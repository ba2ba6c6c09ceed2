"""Where a job's files and logs lie in a local stack's home."""

from __future__ import annotations

from pathlib import Path

from localcloud.core.home import data_dir, log_dir
from localcloud.core.resources import Context


def job_folder(context: Context, job_id: str) -> Path:
    """Return where a job's mounts and work lie while it runs."""
    return data_dir(context.platform.home, "paidlc") / job_id


def log_folder(context: Context, job_id: str) -> Path:
    """Return where the logs of a job's pods lie."""
    return log_dir(context.platform.home) / "paidlc" / job_id


def log_path(context: Context, job_id: str, pod_uid: str) -> Path:
    """Return the log of one attempt of one pod."""
    return log_folder(context, job_id) / f"{pod_uid}.log"


def read_lines(path: Path, count: int) -> list[str]:
    """Return the last lines of a log; none when there is no log."""
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - 1000 * count))
            text = file.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return []
    return text.splitlines()[-count:]
