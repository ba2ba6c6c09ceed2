"""The pages name only what exists.

That is files, headings, `make` targets and their variables, config keys, modules and their options.
It cannot check whether the text about them is true.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from functools import cache
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
MODULE = re.compile(
    r"python3? -m "
    r"((?:infra|guardrails|bootstrap|ops|tools|benchmarks|localcloud|training|rag)[\w.]*)"
)
VARIABLE = re.compile(r"(?:^|`|    )make ([^#`\n]*)", re.MULTILINE)
COMMAND = re.compile(rf"{MODULE.pattern}([^#`\n]*)")
OPTION = re.compile(r"(?<!\S)(--[a-z-]+)")
CODE = re.compile(r"`([^`\n]+)`")
MADE = {
    *("edge/dist", "stacks/Pulumi.local.yaml"),
    *("components/exports.py", "tests/components/expected/exports.yaml"),
    *("localcloud/resourcecenter/__init__.py", "localcloud/resourcecenter/rpc.py"),
    *("localcloud/resourcecenter/operations.py", "tests/localcloud/resourcecenter"),
    "tests/localcloud/resourcecenter/__init__.py",
}
"""Made by set-up or by a walkthrough: pages may name it although git does not have it."""
EXAMPLES = {"staging"}
"""Stacks that exist only in examples."""
# Type tokens of our plugin, and what the walkthroughs add.
NOT_KEYS = {
    *("oss", "pai", "rag", "elasticsearch", "opensearch", "ess", "tls", "index", "exports"),
    "natBandwidthMbps",
}


def broken_links(page: Path) -> Iterator[str]:
    """Return the relative links of a page to files that do not exist."""
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        target = link.partition("#")[0]
        if target and "://" not in link and not (page.parent / target).exists():
            yield link


def slug(heading: str) -> str:
    """Return the anchor that GitHub gives a heading."""
    words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", words).replace(" ", "-")


def missing_headings(page: Path) -> Iterator[str]:
    """Return the links of a page to headings that do not exist."""
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        target, _, anchor = link.partition("#")
        file = page.parent / target if target else page
        if anchor and "://" not in link and file.is_file():
            headings = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            if anchor not in map(slug, headings):
                yield link


@cache
def tracked() -> frozenset[str]:
    """Return the files and folders that git has or does not ignore."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    ).stdout.splitlines()
    folders = {str(folder) for file in listed for folder in Path(file).parents}
    return frozenset(listed) | folders


def missing_paths(text: str) -> Iterator[str]:
    """Return paths in code spans that begin with a folder of the repository and do not exist."""
    folders = {path for path in tracked() if "/" not in path and (ROOT / path).is_dir()} - {"."}
    for code in CODE.findall(text):
        for word in re.findall(r"(?<![\w/:.<-])[\w.-]+/[\w./<>*-]*", code):
            path = word.rstrip("/.")
            if path.partition("/")[0] not in folders or re.search(r"[<>*]", path):
                continue
            if path in MADE | tracked() or any(f".{name}." in path for name in EXAMPLES):
                continue
            yield word


@cache
def variables() -> frozenset[str]:
    """Return the variables of the Makefile."""
    return frozenset(re.findall(r"^([A-Z_]+) \?=", (ROOT / "Makefile").read_text(), re.MULTILINE))


def unknown_variables(text: str) -> Iterator[str]:
    """Return variables in `make` commands that the Makefile does not have."""
    for command in VARIABLE.findall(text):
        outside_quotes = re.sub(r'"[^"]*"|\'[^\']*\'', '""', command)
        for name in re.findall(r"(?<!\S)([A-Z_]+)=", outside_quotes):
            if name not in variables():
                yield name


def unknown_options(text: str) -> Iterator[str]:
    """Return options of our modules that their source does not contain."""
    for name, rest in COMMAND.findall(text.replace("\\\n", " ")):
        if is_module(name):
            source = source_of(name)
            for option in OPTION.findall(rest):
                # An option may come from the name of a field.
                field = option.removeprefix("--").replace("-", "_")
                if f'"{option}"' not in source and f"    {field}: " not in source:
                    yield f"{name} {option}"


@cache
def source_of(name: str) -> str:
    """Return the text of a module's package, because another file may define its options."""
    path = ROOT / name.rstrip(".").replace(".", "/")
    folder = path if path.is_dir() else path.parent
    return "".join(file.read_text(encoding="utf-8") for file in sorted(folder.rglob("*.py")))


def targets() -> set[str]:
    """Return the targets of the Makefile."""
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def keys() -> set[str]:
    """Return the config keys without their namespace."""
    schema = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    return {key.removeprefix("customrag:") for key in schema}


def is_module(name: str) -> bool:
    """Return whether a module or package of that name exists."""
    path = ROOT / name.rstrip(".").replace(".", "/")
    return path.with_suffix(".py").is_file() or (path / "__main__.py").is_file()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_everything_that_a_page_names_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    wrong = [f"link {link}" for link in broken_links(page)]
    wrong += [f"make {name}" for name in TARGET.findall(text) if name not in targets()]
    wrong += [f"key {name}" for name in KEY.findall(text) if name not in keys() | NOT_KEYS]
    wrong += [f"module {name}" for name in MODULE.findall(text) if not is_module(name)]
    wrong += [f"heading {link}" for link in missing_headings(page)]
    wrong += [f"path {name}" for name in missing_paths(text)]
    wrong += [f"variable {name}" for name in unknown_variables(text)]
    wrong += [f"option {name}" for name in unknown_options(text)]
    assert wrong == []


def test_missing_names_are_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A page\n[here](#a-page) [there](#another) [gone](gone.md)\n")
    assert list(missing_headings(page)) == ["#another"]
    assert list(broken_links(page)) == ["gone.md"]
    text = "`infra/nowhere.py`, `stack_config/config.py`, `make up STACK=dev WRONG=1 Q='A B=1'`"
    assert list(missing_paths(text)) == ["infra/nowhere.py"]
    assert list(unknown_variables(text)) == ["WRONG"]
    text = "python -m guardrails.declare --stack dev --nothing"
    assert list(unknown_options(text)) == ["guardrails.declare --nothing"]


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
def test_the_runbook_exists(runbook: str) -> None:
    assert (ROOT / "docs" / "how-to" / f"{runbook}.md").read_text().startswith("# ")
