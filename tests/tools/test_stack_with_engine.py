"""What a killed engine leaves in the local stack's files, and that the next update goes on."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.tools.engine import SLOW_PROGRAM, Project, end
from tools import stack
from tools.errors import LockedError, StackError
from tools.paths import Paths

pytestmark = pytest.mark.engine


@pytest.fixture
def paths(project: Project) -> Paths:
    return Paths(checkout=project.folder, cache=project.folder / "cache")


@pytest.fixture
def local(project: Project, paths: Paths) -> Project:
    """The scratch project as the local stack: with the environment that set-up gives it."""
    project.write(SLOW_PROGRAM, settings=project.write_plugin())
    paths.stack_template.write_text("config:\n  scratch:note: from the template\n")
    stack.make_folders(paths)
    environment = {
        **project.environment,
        "PULUMI_HOME": str(paths.pulumi_home),
        "PULUMI_BACKEND_URL": paths.backend_url,
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(paths.passphrase),
        "PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER": "true",
    }
    del environment["PULUMI_CONFIG_PASSPHRASE"]
    return Project(folder=project.folder, pulumi=project.pulumi, environment=environment)


def _provide(local: Project, paths: Paths) -> str:
    return stack.provide_stack(paths, Path(local.pulumi), local.environment)


def test_the_stack_is_made_once_from_the_template(local: Project, paths: Paths) -> None:
    assert _provide(local, paths) != ""
    made = paths.stack_file.read_text()
    assert "from the template" in made
    assert "encryptionsalt" in made
    assert paths.passphrase.stat().st_mode & 0o777 == 0o600
    assert _provide(local, paths) == ""
    assert paths.stack_file.read_text() == made


def test_a_salt_that_a_removed_stack_has_left_is_no_obstacle(local: Project, paths: Paths) -> None:
    paths.stack_file.write_text(
        "config: {}\nencryptionsalt: v1:AAAAAAAAAAA=:v1:AAAAAAAAAAAAAAAA:AAAA\n"
    )
    _provide(local, paths)
    assert "AAAAAAAAAAA=" not in paths.stack_file.read_text()
    local.succeed("config", "set", "--secret", "word", "x")


def test_a_state_without_its_passphrase_is_refused(local: Project, paths: Paths) -> None:
    _provide(local, paths)
    paths.passphrase.unlink()
    with pytest.raises(StackError, match="make down"):
        _provide(local, paths)


def test_after_kill_9_the_next_update_goes_on(local: Project, paths: Paths, tmp_path: Path) -> None:
    _provide(local, paths)
    pulumi, environment = Path(local.pulumi), local.environment
    process = local.begin_slow_update(tmp_path)
    try:
        with pytest.raises(LockedError, match=str(process.pid)):
            stack.clear_stale_lock(paths, pulumi, environment)
        process.kill()
        process.communicate(timeout=30)
    finally:
        end(process)
    assert stack.has_resources(paths)
    assert stack.clear_stale_lock(paths, pulumi, environment) != ""
    assert stack.clear_stale_lock(paths, pulumi, environment) == ""
    assert stack.drop_pending_operations(paths, pulumi, environment) == ["thing"]
    assert stack.drop_pending_operations(paths, pulumi, environment) == []
    (tmp_path / "release").touch()
    shown = local.succeed("up", "--yes", "--skip-preview")
    assert "pending operations" not in shown
    local.succeed("preview", "--expect-no-changes")
    assert not list(paths.home.rglob("repaired-state.json"))


def test_nothing_lies_beside_the_state_that_a_kill_could_leave_empty(
    local: Project, paths: Paths
) -> None:
    """The backend's files of attributes are written in place; an empty one makes the state EOF."""
    _provide(local, paths)
    assert stack.checkpoint(paths).is_file()
    assert list(paths.state.rglob("*.attrs")) == []


def test_a_lock_that_cannot_be_read_counts_as_stale(local: Project, paths: Paths) -> None:
    _provide(local, paths)
    folder = paths.state / ".pulumi" / "locks" / "organization" / "scratch" / "local"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "00000000-0000-0000-0000-000000000000.json").write_text("")
    assert stack.clear_stale_lock(paths, Path(local.pulumi), local.environment) != ""
    assert list(folder.glob("*.json")) == []


def test_the_users_corpus_is_kept_for_later_updates(
    local: Project, paths: Paths, tmp_path: Path
) -> None:
    _provide(local, paths)
    (tmp_path / "mine" / "docs").mkdir(parents=True)
    arguments = (paths, tmp_path / "mine", Path(local.pulumi), local.environment, "local")
    stack.set_corpus(*arguments)
    assert local.succeed("config", "get", "corpusDir").strip() == str(tmp_path / "mine")
    written = paths.stack_file.stat().st_mtime_ns
    stack.set_corpus(*arguments)
    assert paths.stack_file.stat().st_mtime_ns == written


def test_a_corpus_without_documents_is_refused_by_name(local: Project, paths: Paths) -> None:
    _provide(local, paths)
    with pytest.raises(StackError, match="no folder `docs`"):
        stack.set_corpus(paths, Path(sys.prefix), Path(local.pulumi), local.environment, "local")
