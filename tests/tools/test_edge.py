"""When the edge's worker is wanted and built, and how it is asked."""

from __future__ import annotations

from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tools import ask, edge, prerequisites
from tools.errors import StackError
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
    """Does what the commands would leave behind, and keeps them."""

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


def test_the_worker_is_built_once_for_the_same_sources(paths: Paths) -> None:
    recorded = Recorded(paths)
    assert "installed its packages" in edge.provide(paths, recorded)
    assert edge.provide(paths, recorded) == ""
    assert first_words(recorded) == ["npm ci", "python -m", "node build.mjs"]


def test_a_changed_source_is_bundled_anew_and_nothing_installed(paths: Paths) -> None:
    edge.provide(paths, Recorded(paths))
    (paths.checkout / "edge" / "src" / "index.ts").write_text("changed")
    recorded = Recorded(paths)
    assert edge.provide(paths, recorded) == "bundled the worker"
    assert first_words(recorded) == ["node build.mjs"]


def test_changed_packages_are_installed_and_the_worker_bundled_anew(paths: Paths) -> None:
    edge.provide(paths, Recorded(paths))
    (paths.checkout / "edge" / "package-lock.json").write_text("changed")
    recorded = Recorded(paths)
    edge.provide(paths, recorded)
    assert first_words(recorded) == ["npm ci", "node build.mjs"]


def test_no_install_script_of_a_package_is_run(paths: Paths) -> None:
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
def test_an_edge_is_wanted_where_the_stacks_file_says_so(
    paths: Paths, text: str, wanted: bool
) -> None:
    (paths.checkout / "stacks" / "Pulumi.prod.yaml").write_text(text)
    assert edge.is_wanted(paths, "prod") is wanted
    assert edge.is_wanted(paths, "rehearse-prod") is wanted


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
def test_an_edge_is_wanted_where_a_rehearsal_is_told_to_have_one(
    paths: Paths, replaced: list[str], wanted: bool
) -> None:
    (paths.checkout / "stacks" / "Pulumi.dev.yaml").write_text("config: {}\n")
    assert edge.is_wanted(paths, "rehearse-dev", replaced) is wanted


def test_a_rehearsal_may_do_without_a_declared_edge(paths: Paths) -> None:
    file = paths.checkout / "stacks" / "Pulumi.dev.yaml"
    file.write_text("config:\n  customrag:edge: cloudflare\n")
    assert not edge.is_wanted(paths, "rehearse-dev", ["edge=none"])


def test_a_local_stack_to_be_made_takes_the_templates_word(paths: Paths) -> None:
    paths.stack_template.write_text("config:\n  customrag:edge: cloudflare\n")
    assert edge.is_wanted(paths, "local")
    paths.stack_file.write_text("config: {}\n")
    assert not edge.is_wanted(paths, "local")


def test_without_node_set_up_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    missing = prerequisites.find_missing(venv=tmp_path, needs_maven=False, needs_node=True)
    said = str(prerequisites.report(missing))
    assert "Node.js 18 or newer, for the edge's worker" in said
    assert "npm, for the edge's packages" in said


def test_an_old_node_is_missing_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    node = tmp_path / "node"
    node.write_text("#!/bin/sh\necho v16.20.2\n")
    node.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    missing = prerequisites.find_missing(venv=tmp_path, needs_maven=False, needs_node=True)
    assert any(item.what.startswith("Node.js") for item in missing)


def test_without_an_edge_node_is_not_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    missing = prerequisites.find_missing(venv=tmp_path, needs_maven=False)
    assert not any("Node" in item.what or item.what == "npm" for item in missing)


def test_without_an_edge_the_application_itself_is_asked(paths: Paths) -> None:
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        Thread(target=server.handle_request).start()
        chat = f"http://127.0.0.1:{server.server_port}"
        found = {"chat_url": chat, "edge_url": ""}
        assert ask.way_in(paths, True, found, {"A": "b"}) == (chat, {"A": "b"})


def test_a_local_cloud_that_does_not_start_is_said(paths: Paths) -> None:
    paths.python.parent.mkdir(parents=True)
    paths.python.write_text("#!/bin/sh\necho no port is left >&2\nexit 1\n")
    paths.python.chmod(0o755)
    paths.checkout.mkdir(exist_ok=True)
    found = {"chat_url": "http://127.0.0.1:1", "edge_url": ""}
    with pytest.raises(StackError, match="no port is left"):
        ask.way_in(paths, True, found, {})
    with pytest.raises(StackError, match="does not start: no port is left"):
        ask.local_token(paths)


def test_a_local_cloud_that_hangs_is_said(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    paths.python.parent.mkdir(parents=True)
    paths.python.write_text("#!/bin/sh\nexec sleep 60\n")
    paths.python.chmod(0o755)
    monkeypatch.setattr(ask, "_ISSUER_SECONDS", 0.1)
    with pytest.raises(StackError, match=r"did not end within 0\.1 s; `make status`"):
        ask.local_token(paths)


def test_the_link_to_a_local_page_carries_a_sign_in_code(paths: Paths) -> None:
    paths.python.parent.mkdir(parents=True)
    paths.python.write_text('#!/bin/sh\n[ "$3" = code ] && echo one-time\n')
    paths.python.chmod(0o755)
    paths.checkout.mkdir(exist_ok=True)
    found = {"chat_url": "http://chat", "edge_url": "http://edge/"}
    assert ask.page_link(paths, True, found) == "http://edge/#code=one-time"


@pytest.mark.parametrize(
    ("local", "found", "link"),
    [
        (False, {"chat_url": "http://chat", "edge_url": "https://edge"}, "https://edge"),
        (True, {"chat_url": "http://chat", "edge_url": ""}, "http://chat"),
        (True, {}, ""),
    ],
)
def test_without_a_local_issuer_the_link_is_the_page(
    paths: Paths, local: bool, found: dict[str, str], link: str
) -> None:
    assert ask.page_link(paths, local, found) == link


def test_a_given_token_is_shown_to_the_edge(paths: Paths) -> None:
    found = {"chat_url": "http://chat", "edge_url": "https://edge"}
    given = {ask.TOKEN_VARIABLE: "mine"}
    assert ask.way_in(paths, False, found, given) == ("https://edge", given)


def test_the_edge_of_a_cloud_stack_is_not_asked_without_a_token(paths: Paths) -> None:
    found = {"chat_url": "http://chat", "edge_url": "https://edge"}
    with pytest.raises(StackError, match=ask.TOKEN_VARIABLE):
        ask.way_in(paths, False, found, {})
