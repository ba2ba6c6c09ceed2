"""When the edge's worker is needed and built."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tools import edge, prerequisites
from tools.paths import Paths
from tools.progress import StepContext


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    for folder in ("stacks", "edge/src", ".venv/lib/python3.11/site-packages/pulumi_cloudflare"):
        (tmp_path / folder).mkdir(parents=True)
    for name in ("package.json", "package-lock.json", "build.mjs", "src/index.ts"):
        (tmp_path / "edge" / name).write_text(name)
    return Paths(checkout=tmp_path, cache=tmp_path / "cache")


class Recorded(StepContext):
    """Records the commands and creates the files that they would create."""

    def __init__(self, paths: Paths) -> None:
        super().__init__("edge", paths.logs / "edge.log")
        self._checkout = paths.checkout
        self.commands: list[list[str]] = []

    def run(self, command: Sequence[str | Path], **options: Any) -> None:
        words = [Path(str(command[0])).name, *map(str, command[1:])]
        self.commands.append(words)
        if "ci" in words:
            (self._checkout / "edge" / "node_modules").mkdir(exist_ok=True)
        if "build.mjs" in words:
            (self._checkout / "edge" / "dist").mkdir(exist_ok=True)
            (self._checkout / "edge" / "dist" / "worker.js").touch()
        if "compileall" in words:
            (Path(words[-1]) / "__pycache__").mkdir()


def first_words(recorded: Recorded) -> list[str]:
    return [" ".join(words[:2]) for words in recorded.commands]


def test_unchanged_sources_are_built_once(paths: Paths) -> None:
    recorded = Recorded(paths)
    assert "installed its packages" in edge.provide(paths, recorded)
    assert edge.provide(paths, recorded) == ""
    assert first_words(recorded) == ["npm ci", "python -m", "node build.mjs"]


def test_a_changed_source_is_bundled_again_without_an_installation(paths: Paths) -> None:
    edge.provide(paths, Recorded(paths))
    (paths.checkout / "edge" / "src" / "index.ts").write_text("changed")
    recorded = Recorded(paths)
    assert edge.provide(paths, recorded) == "bundled the worker"
    assert first_words(recorded) == ["node build.mjs"]


def test_changed_packages_are_installed_and_the_worker_is_bundled_again(paths: Paths) -> None:
    edge.provide(paths, Recorded(paths))
    (paths.checkout / "edge" / "package-lock.json").write_text("changed")
    recorded = Recorded(paths)
    edge.provide(paths, recorded)
    assert first_words(recorded) == ["npm ci", "node build.mjs"]


def test_install_scripts_of_packages_do_not_run(paths: Paths) -> None:
    recorded = Recorded(paths)
    edge.provide(paths, recorded)
    assert "--ignore-scripts" in recorded.commands[0]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("config:\n  customrag:edge: cloudflare\n", True),
        ('config:\n  customrag:edge: "cloudflare"\n', True),
        ("config:\n  customrag:edge: none\n", False),
        ("config:\n  # customrag:edge: cloudflare\n", False),
        ("config: {}\n", False),
    ],
)
def test_an_edge_is_needed_where_the_stacks_file_says_so(
    paths: Paths, text: str, wanted: bool
) -> None:
    (paths.checkout / "stacks" / "Pulumi.prod.yaml").write_text(text)
    assert edge.is_needed(paths, "prod") is wanted
    assert edge.is_needed(paths, "rehearse-prod") is wanted


@pytest.mark.parametrize(
    ("replaced", "wanted"),
    [
        (["edge=cloudflare"], True),
        (["customrag:edge=cloudflare"], True),
        (["edge=cloudflare", "edge=none"], False),
        (["edgeCacheSeconds=0"], False),
        ([], False),
    ],
)
def test_a_replaced_value_gives_a_rehearsal_an_edge(
    paths: Paths, replaced: list[str], wanted: bool
) -> None:
    (paths.checkout / "stacks" / "Pulumi.dev.yaml").write_text("config: {}\n")
    assert edge.is_needed(paths, "rehearse-dev", replaced) is wanted


def test_a_replaced_value_removes_a_declared_edge_from_a_rehearsal(paths: Paths) -> None:
    file = paths.checkout / "stacks" / "Pulumi.dev.yaml"
    file.write_text("config:\n  customrag:edge: cloudflare\n")
    assert not edge.is_needed(paths, "rehearse-dev", ["edge=none"])


def test_the_template_decides_for_a_local_stack_without_a_file(paths: Paths) -> None:
    paths.stack_template.write_text("config:\n  customrag:edge: cloudflare\n")
    assert edge.is_needed(paths, "local")
    paths.stack_file.write_text("config: {}\n")
    assert not edge.is_needed(paths, "local")


def test_a_missing_node_is_reported_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    missing = prerequisites.find_missing(venv=tmp_path, needs_maven=False, needs_node=True)
    message = str(prerequisites.report(missing))
    assert "Node.js 18 or newer, for the edge's worker" in message
    assert "npm, for the edge's packages" in message


def test_an_old_node_counts_as_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    node = tmp_path / "node"
    node.write_text("#!/bin/sh\necho v16.20.2\n")
    node.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    missing = prerequisites.find_missing(venv=tmp_path, needs_maven=False, needs_node=True)
    assert any(item.what.startswith("Node.js") for item in missing)


def test_node_is_not_required_without_an_edge(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    missing = prerequisites.find_missing(venv=tmp_path, needs_maven=False)
    assert not any("Node" in item.what or item.what == "npm" for item in missing)
