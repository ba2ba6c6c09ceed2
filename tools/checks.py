"""`make test`: every check of the code.

Owns which checks run, their environment, and how many processes share the tests. Does not own the
order of the tests (`tests/conftest.py`), nor which stay together (`tests/support/spread.py`).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence

from tools import environment, setup
from tools.actions import run_shown
from tools.paths import Paths
from tools.progress import Display

_WORKER_BYTES = 8 * 1024**3
"""Memory for one process of tests: a training takes 5 GiB, an Elasticsearch and torch the rest."""

_PYTEST_INTERRUPTED = 2


def worker_count(cores: int, memory_bytes: int) -> int:
    """Return how many processes share the tests: one more than cores, as far as memory goes.

    One more, because the tests wait for engines and plugins more than they compute.
    """
    return max(1, min(cores + 1, round(memory_bytes / _WORKER_BYTES)))


def run(paths: Paths, arguments: Sequence[str]) -> int:
    """Set up, then run every check; return the exit code of the first that fails.

    mypy runs beside the tests, which wait more than they compute.

    Args:
        paths: The checkout.
        arguments: More arguments for pytest.
    """
    with setup.only_one(paths):
        setup.set_up_tools(paths, Display(), with_edge=True)
    variables = _environment(paths)

    def command(*words: str) -> list[str]:
        print("$ " + " ".join(words), flush=True)
        executable = shutil.which(words[0], path=str(paths.venv / "bin")) or words[0]
        return [executable, *words[1:]]

    for check in (("ruff", "format", "--check", "."), ("ruff", "check", ".")):
        code = run_shown(command(*check), cwd=paths.checkout, environment=variables)
        if code:
            return code
    workers = worker_count(len(os.sched_getaffinity(0)), _memory_bytes())
    spread = ["-n", str(workers), "--dist", "loadscope", "--no-loadscope-reorder"]
    with tempfile.TemporaryFile("w+", encoding="utf-8") as report:
        types = subprocess.Popen(
            command("mypy"), cwd=paths.checkout, env=variables, stdout=report, stderr=report
        )
        tests = run_shown(
            command("pytest", *spread, *arguments), cwd=paths.checkout, environment=variables
        )
        if tests == _PYTEST_INTERRUPTED:
            types.terminate()
        if types.wait() and tests != _PYTEST_INTERRUPTED:
            report.seek(0)
            print("$ mypy\n" + report.read(), flush=True)
    return tests or types.returncode


def _environment(paths: Paths) -> dict[str, str]:
    entries = environment.path_entries(paths, setup.found_cli(paths))
    # Settings of this make are not for the make, nor the Pulumi, that a test starts.
    not_passed_on = ("PULUMI_OPTION_", "MAKEFLAGS", "MAKELEVEL", "MFLAGS", "CUSTOMRAG_MAKE_")
    kept = {name: text for name, text in os.environ.items() if not name.startswith(not_passed_on)}
    return {
        **kept,
        "PATH": os.pathsep.join([*entries, os.environ.get("PATH", "")]),
        "CUSTOMRAG_CHECKOUT": str(paths.checkout),
        "CUSTOMRAG_CACHE": str(paths.cache),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        # Models and engines share the cores: OpenMP threads that wait must not spin.
        "OMP_WAIT_POLICY": "PASSIVE",
    }


def _memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
