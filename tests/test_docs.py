"""The pages name nothing that is not there: files, `make` targets, config keys, modules.

It cannot see whether what they say of it is true.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(
    page
    for pattern in ("*.md", "docs/**/*.md", "examples/*.md", "stacks/*.yaml")
    for page in ROOT.glob(pattern)
)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
TARGET = re.compile(r"(?:^|`|    )make ([a-z-]+)\b", re.MULTILINE)
KEY = re.compile(r"customrag:([a-z][A-Za-z]+)")
MODULE = re.compile(r"python3? -m ((?:infra|ops|tools|benchmarks|localcloud|training|rag)[\w.]*)")
NOT_KEYS = {"oss", "pai", "rag", "elasticsearch", "ess", "index"}  # Type tokens of our plugin.


def broken_links(page: Path) -> Iterator[str]:
    """Relative links of a page that lead nowhere."""
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        target = link.partition("#")[0]
        if target and "://" not in link and not (page.parent / target).exists():
            yield link


def targets() -> set[str]:
    """What `make` can make."""
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def keys() -> set[str]:
    """Config keys without their namespace."""
    schema = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    return {key.removeprefix("customrag:") for key in schema}


def is_module(name: str) -> bool:
    """Whether there is a module or package of that name."""
    path = ROOT / name.rstrip(".").replace(".", "/")
    return path.with_suffix(".py").is_file() or (path / "__main__.py").is_file()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_names_nothing_that_is_not_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    wrong = [f"link {link}" for link in broken_links(page)]
    wrong += [f"make {name}" for name in TARGET.findall(text) if name not in targets()]
    wrong += [f"key {name}" for name in KEY.findall(text) if name not in keys() | NOT_KEYS]
    wrong += [f"module {name}" for name in MODULE.findall(text) if not is_module(name)]
    assert wrong == []


@pytest.mark.parametrize(
    "runbook",
    [
        "first-deploy",
        "adding-an-environment",
        "rotating-keys",
        "failed-update",
        "rollback",
        "gpu-out-of-stock",
        "tear-down",
    ],
)
def test_there_is_a_runbook(runbook: str) -> None:
    assert (ROOT / "docs" / "runbooks" / f"{runbook}.md").read_text().startswith("# ")
