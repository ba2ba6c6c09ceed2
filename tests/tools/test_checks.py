"""What `make test` runs, with recording stand-ins for ruff, mypy and pytest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tools import checks, cli
from tools.paths import Paths

GIB = 1024**3

Make = Callable[..., None]


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    monkeypatch.setattr(checks.setup, "set_up_tools", lambda *_, **__: {})
    found = cli.Cli(path=tmp_path / "pulumi", version=(3, 1, 0), brings_host=True)
    monkeypatch.setattr(checks.setup, "found_cli", lambda _: found)
    return Paths(checkout=tmp_path, cache=tmp_path / "cache")


@pytest.fixture
def calls(paths: Paths) -> Path:
    """Return the file in which the stand-ins write their arguments."""
    return paths.checkout / "calls"


@pytest.fixture
def make(paths: Paths, calls: Path) -> Make:
    """Make stand-ins that end with the exit codes given, or with 0."""

    def made(**codes: int) -> None:
        folder = paths.venv / "bin"
        folder.mkdir(parents=True)
        for name in ("ruff", "mypy", "pytest"):
            lines = [
                "#!/bin/sh",
                f'echo "{name} $*" >> {calls}',
                f"echo {name} reports",
                f"exit {codes.get(name, 0)}",
            ]
            (folder / name).write_text("\n".join(lines))
            (folder / name).chmod(0o755)

    return made


def test_every_check_runs_and_pytest_gets_the_callers_arguments(
    paths: Paths, make: Make, calls: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    make()
    assert checks.run(paths, ["-n0", "-x"]) == 0
    lines = calls.read_text().splitlines()
    assert {line.split()[0] for line in lines} == {"ruff", "mypy", "pytest"}
    (tests,) = [line for line in lines if line.startswith("pytest")]
    assert "--dist loadscope" in tests
    assert tests.endswith(" -n0 -x")
    # Continuous integration reads the last line of pytest.
    assert capfd.readouterr().out.splitlines()[-1] == "pytest reports"


def test_wrong_types_fail_and_are_reported_after_the_tests(
    paths: Paths, make: Make, capfd: pytest.CaptureFixture[str]
) -> None:
    make(mypy=1)
    assert checks.run(paths, []) == 1
    output = capfd.readouterr().out
    assert output.index("pytest reports") < output.index("mypy reports")


def test_failed_tests_fail_with_the_exit_code_of_pytest(paths: Paths, make: Make) -> None:
    make(pytest=3)
    assert checks.run(paths, []) == 3


def test_nothing_runs_after_bad_style(paths: Paths, make: Make, calls: Path) -> None:
    make(ruff=1)
    assert checks.run(paths, []) == 1
    assert {line.split()[0] for line in calls.read_text().splitlines()} == {"ruff"}


@pytest.mark.parametrize(
    ("cores", "gib", "expected"),
    [(2, 15.6, 2), (8, 15.6, 2), (2, 24, 3), (2, 64, 3), (1, 16, 2), (4, 2, 1)],
)
def test_tests_run_in_one_more_process_than_cores_as_far_as_memory_goes(
    cores: int, gib: float, expected: int
) -> None:
    assert checks.worker_count(cores, int(gib * GIB)) == expected
