"""OpenSearch on a machine that cannot run it: left out of a new stack, refused in an old one."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from localcloud.core import accounts
from tools import engines, stack
from tools.errors import StackError
from tools.paths import Paths

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = (ROOT / "stacks" / "local.template.yaml").read_text(encoding="utf-8")
BOTH, ALONE = "elasticsearch,opensearch", "elasticsearch"


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    made = Paths(checkout=tmp_path, cache=tmp_path / "cache")
    made.stack_template.parent.mkdir()
    made.stack_template.write_text(TEMPLATE, encoding="utf-8")
    return made


@pytest.fixture
def machine(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretend to be root on a machine without user namespaces."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    paths.python.parent.mkdir(parents=True)
    paths.python.write_text("#!/bin/sh\nexit 1\n")
    paths.python.chmod(0o755)


def test_a_new_local_stack_has_both_engines(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert stack.provide_file(paths) == ""
    assert paths.stack_file.read_text(encoding="utf-8") == TEMPLATE
    engines.refuse(paths)


@pytest.mark.usefixtures("machine")
def test_a_new_local_stack_goes_without_an_engine_that_cannot_run(paths: Paths) -> None:
    told = stack.provide_file(paths)
    assert "OpenSearch refuses to run as root" in " ".join(told.split())
    assert all(len(line) <= 80 for line in told.splitlines())
    made = paths.stack_file.read_text(encoding="utf-8")
    assert made == TEMPLATE.replace(f"searchEngines: {BOTH}", f"searchEngines: {ALONE}")
    # Once only.
    assert stack.provide_file(paths) == ""
    engines.refuse(paths)


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize("names", ["opensearch", '"opensearch,elasticsearch"', f"{BOTH} # wanted"])
def test_a_configuration_that_asks_for_it_is_refused(paths: Paths, names: str) -> None:
    text = f"config:\n  customrag:searchEngines: {names}\n"
    paths.stack_file.write_text(text, encoding="utf-8")
    with pytest.raises(StackError) as refused:
        engines.refuse(paths)
    assert "or set it to elasticsearch." in " ".join(str(refused.value).split())


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize(
    "text", ["config: {}\n", "config:\n  customrag:searchEngines: elasticsearch\n"]
)
def test_a_configuration_without_it_is_accepted(paths: Paths, text: str) -> None:
    paths.stack_file.write_text(text, encoding="utf-8")
    engines.refuse(paths)


@pytest.mark.parametrize(("works", "code"), [(True, 0), (False, 1)])
def test_the_local_cloud_says_whether_root_can_run_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, works: bool, code: int
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(accounts, "_namespace_works", lambda *_: works)
    monkeypatch.setattr(sys, "argv", ["accounts", str(tmp_path)])
    assert accounts.main() == code
