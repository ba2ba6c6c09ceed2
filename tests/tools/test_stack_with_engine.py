"""The files of the local stack: created once, and refused without their passphrase."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tools.engine import SLOW_PROGRAM, Project
from tools import stack
from tools.errors import StackError
from tools.paths import Paths
from tools.progress import StepContext

pytestmark = pytest.mark.engine


@pytest.fixture
def paths(project: Project) -> Paths:
    return Paths(checkout=project.folder, cache=project.folder / "cache")


@pytest.fixture
def local(project: Project, paths: Paths) -> Project:
    """Return the scratch project as the local stack, with the environment of set-up."""
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
    context = StepContext("stack", paths.home / "logs" / "stack.log")
    told: list[str] = []
    note = stack.provide_stack(
        paths, context, Path(local.pulumi), local.environment, tell=told.append
    )
    assert told == []
    return note


def test_stack_is_created_once_from_the_template(local: Project, paths: Paths) -> None:
    assert _provide(local, paths) != ""
    made = paths.stack_file.read_text()
    assert "from the template" in made
    assert "encryptionsalt" in made
    assert paths.passphrase.stat().st_mode & 0o777 == 0o600
    assert _provide(local, paths) == ""
    assert paths.stack_file.read_text() == made


def test_salt_of_a_removed_stack_is_dropped(local: Project, paths: Paths) -> None:
    paths.stack_file.write_text(
        "config: {}\nencryptionsalt: v1:AAAAAAAAAAA=:v1:AAAAAAAAAAAAAAAA:AAAA\n"
    )
    _provide(local, paths)
    assert "AAAAAAAAAAA=" not in paths.stack_file.read_text()
    local.succeed("config", "set", "--secret", "word", "x")


def test_state_without_its_passphrase_is_refused(local: Project, paths: Paths) -> None:
    _provide(local, paths)
    paths.passphrase.unlink()
    with pytest.raises(StackError, match="make down"):
        _provide(local, paths)


def test_no_file_beside_the_state_could_be_left_empty_by_a_kill(
    local: Project, paths: Paths
) -> None:
    """The backend writes them in place: a kill can leave one empty, and the state is then EOF."""
    _provide(local, paths)
    assert stack.checkpoint(paths).is_file()
    assert list(paths.state.rglob("*.attrs")) == []
