"""`make down` removes all processes and files of the local stack, and nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.tools.engine import is_running, wait_until
from tools import teardown
from tools.paths import Paths

SLEEP = "import time; time.sleep(600)"


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    paths = Paths(checkout=tmp_path / "checkout", cache=tmp_path / "cache")
    for folder in (paths.home / "cloud", paths.pulumi_home, paths.stack_file.parent, paths.cache):
        folder.mkdir(parents=True)
    (paths.venv / "bin").mkdir(parents=True)
    paths.python.symlink_to(sys.executable)
    return paths


def test_a_service_that_runs_in_the_home_is_stopped(paths: Paths) -> None:
    service = subprocess.Popen([str(paths.python), "-c", SLEEP], cwd=paths.home / "cloud")
    try:
        wait_until(lambda: teardown.running_from(paths) == [service.pid], "it is found")
        assert teardown.stop_everything(paths) == []
        wait_until(lambda: service.poll() is not None, "it is stopped")
    finally:
        service.kill()
        service.wait()


def test_a_plugin_of_a_killed_engine_is_stopped(paths: Paths) -> None:
    plugin = subprocess.Popen(
        [str(paths.python), "-c", SLEEP],
        cwd=paths.checkout,
        env={"PULUMI_HOME": str(paths.pulumi_home)},
    )
    try:
        wait_until(lambda: teardown.running_from(paths) == [plugin.pid], "it is found")
        assert teardown.stop_everything(paths) == []
        wait_until(lambda: plugin.poll() is not None, "it is stopped")
    finally:
        plugin.kill()
        plugin.wait()


def test_processes_of_the_user_keep_running(paths: Paths) -> None:
    log = paths.home / "a.log"
    log.touch()
    viewer = subprocess.Popen(["tail", "-f", str(log)], cwd=paths.home)
    other = subprocess.Popen([str(paths.python), "-c", SLEEP], cwd=paths.checkout)
    try:
        wait_until(lambda: is_running(viewer.pid) and is_running(other.pid), "both run")
        assert teardown.stop_everything(paths) == []
        assert viewer.poll() is None
        assert other.poll() is None
    finally:
        for process in (viewer, other):
            process.kill()
            process.wait()


def test_the_files_of_the_stack_are_removed_and_the_caches_kept(paths: Paths) -> None:
    paths.stack_file.write_text("config: {}\n")
    paths.stack_template.write_text("config: {}\n")
    teardown.remove_files(paths)
    assert not paths.private.exists()
    assert not paths.stack_file.exists()
    assert paths.stack_template.exists()
    assert paths.cache.exists()
    assert paths.venv.exists()


def test_unknown_files_in_the_private_folder_are_kept(paths: Paths) -> None:
    (paths.private / "notes.txt").write_text("mine")
    teardown.remove_files(paths)
    assert [entry.name for entry in paths.private.iterdir()] == ["notes.txt"]


def test_removing_missing_files_is_success(paths: Paths) -> None:
    teardown.remove_files(paths)
    teardown.remove_files(paths)
