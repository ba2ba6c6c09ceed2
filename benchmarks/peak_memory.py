"""Measure the peak memory of a whole stack while a command runs.

    python -m benchmarks.peak_memory -- make up

Counts every process whose command line or environment names the checkout (engine, plugins, cloud,
jobs, nodes), once a second, by proportional set size: memory that processes share counts once. The
target is a stack below 8 GiB.
"""

from __future__ import annotations

import argparse
import subprocess
import threading
from pathlib import Path

import psutil

PAUSE_SECONDS = 1.0
ROOT = Path(__file__).resolve().parent.parent


def stack_processes(root: Path) -> dict[str, int]:
    """Return the PSS in bytes of each process of the stack in `root`, by name and process id."""
    found: dict[str, int] = {}
    for process in psutil.process_iter():
        try:
            command = " ".join(process.cmdline())
            if str(root) not in command and str(root) not in str(process.environ()):
                continue
            found[f"{process.pid} {command[:100]}"] = process.memory_full_info().pss
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
    return found


def watch(command: list[str], root: Path) -> tuple[int, dict[str, int]]:
    """Run `command`; return its exit status and the processes at the peak."""
    peak: dict[str, int] = {}
    done = threading.Event()

    def sample() -> None:
        nonlocal peak
        while not done.is_set():
            now = stack_processes(root)
            if sum(now.values()) > sum(peak.values()):
                peak = now
            done.wait(PAUSE_SECONDS)

    sampler = threading.Thread(target=sample, daemon=True)
    sampler.start()
    try:
        status = subprocess.run(command, cwd=root, check=False).returncode
    finally:
        done.set()
        sampler.join()
    return status, peak


def main() -> int:
    """Print the peak and its largest processes; return the command's exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("command", nargs="+", help="what to run, e.g. make up")
    arguments = parser.parse_args()
    status, peak = watch(arguments.command, ROOT)
    gib = 1024**3
    print(f"peak memory of the stack: {sum(peak.values()) / gib:.2f} GiB in {len(peak)} processes")
    for name, size in sorted(peak.items(), key=lambda item: -item[1])[:8]:
        print(f"  {size / gib:6.2f} GiB  {name}")
    return status


if __name__ == "__main__":
    raise SystemExit(main())
