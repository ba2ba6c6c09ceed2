"""What a killed engine leaves, and that the next command continues; the corpus of the user."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ops.engine import Engine
from ops.stack import update
from tests.tools.engine import SLOW_PROGRAM, Project, end

pytestmark = pytest.mark.engine


@pytest.fixture
def project(
    tmp_path: Path,
    pulumi_path: str,
    pulumi_environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> Project:
    """Return a scratch project with a stack `local`, whose state is in the usual place."""
    folder, home = tmp_path / "project", tmp_path / "home"
    folder.mkdir()
    (home / "state").mkdir(parents=True)
    monkeypatch.setenv("CUSTOMRAG_HOME", str(home))
    environment = {**pulumi_environment, "PULUMI_BACKEND_URL": (home / "state").as_uri()}
    made = Project(folder=folder, pulumi=pulumi_path, environment=environment)
    made.write(SLOW_PROGRAM, settings=made.write_plugin())
    (folder / "Pulumi.yaml").write_text(
        (folder / "Pulumi.yaml").read_text().replace("name: scratch", "name: customrag")
    )
    made.succeed("stack", "init", "local")
    return made


@pytest.fixture
def engine(project: Project) -> Engine:
    path = f"{Path(project.pulumi).parent}{os.pathsep}{project.environment['PATH']}"
    return Engine(
        stack="local",
        logs=project.folder / "logs",
        environment={**project.environment, "PATH": path},
        root=project.folder,
    )


def test_next_update_continues_after_kill_9(
    project: Project, engine: Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    process = project.begin_slow_update(tmp_path)
    try:
        assert update.destroy(engine) == update.LOCKED
        said = capsys.readouterr().out
        assert f"pid {process.pid}" in said
        assert "kill -INT" in said
        process.kill()
        process.communicate(timeout=30)
    finally:
        end(process)
    (tmp_path / "release").touch()
    assert update.up(engine, {}, began=0.0) == 0
    said, noted = capsys.readouterr()
    assert noted == "The last run was killed. Its lock is removed.\n"
    assert "continued, because the last run was cut off: thing" in said
    assert "pending operations" not in said
    assert "create 1" not in said
    project.succeed("preview", "--expect-no-changes")
    assert not list(engine.logs.glob("*.json"))


def test_lock_file_that_a_kill_left_empty_is_removed(engine: Engine, tmp_path: Path) -> None:
    folder = tmp_path / "home/state/.pulumi/locks/organization/customrag/local"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "00000000-0000-0000-0000-000000000000.json").write_text("")
    assert engine.run("refresh", "refresh", "--yes", "--skip-preview").code == 0
    assert list(folder.glob("*.json")) == []


def test_corpus_of_the_user_is_kept_for_later_updates(
    project: Project, engine: Engine, tmp_path: Path
) -> None:
    (tmp_path / "mine" / "docs").mkdir(parents=True)
    update.set_corpus(engine, tmp_path / "mine")
    assert project.succeed("config", "get", "corpusDir").strip() == str(tmp_path / "mine")
    file = project.folder / "stacks" / "Pulumi.local.yaml"
    written = file.stat().st_mtime_ns
    update.set_corpus(engine, tmp_path / "mine")
    assert file.stat().st_mtime_ns == written


def test_corpus_without_documents_is_refused_by_name(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(update.CorpusError, match="no folder `docs`"):
        update.set_corpus(engine, tmp_path)
