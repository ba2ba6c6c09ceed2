"""Packing code: a zip has only what an entry point imports, and always the same bytes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from components.code import import_closure, pack

PACKAGES = ("ours", "other")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    files = {
        "ours/__init__.py": "",
        "ours/entry.py": "from ours.used import value\nimport json\nprint(value())\n",
        "ours/typed.py": (
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import ours.unused\n"
        ),
        "ours/used.py": "def value():\n    from other import deep\n    return deep.NAME\n",
        "ours/unused.py": "raise SystemExit\n",
        "ours/app/__init__.py": "from . import inner\n",
        "ours/app/__main__.py": "import other.deep\n",
        "ours/app/inner.py": "",
        "ours/app/static/page.html": "<p>",
        "other/__init__.py": "",
        "other/deep.py": "NAME = 'deep'\n",
        "foreign/__init__.py": "",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def names(tree: Path, module: str) -> list[str]:
    return [path.as_posix() for path in import_closure(tree, module, PACKAGES)]


def test_closure_follows_imports_inside_functions_and_leaves_out_the_rest(tree: Path) -> None:
    assert names(tree, "ours.entry") == [
        "other/__init__.py",
        "other/deep.py",
        "ours/__init__.py",
        "ours/entry.py",
        "ours/used.py",
    ]


def test_closure_of_a_package_includes_its_main_and_its_data_files(tree: Path) -> None:
    assert {
        "ours/app/__main__.py",
        "ours/app/inner.py",
        "ours/app/static/page.html",
        "other/deep.py",
    } <= set(names(tree, "ours.app"))


def test_closure_leaves_out_imports_for_type_checkers(tree: Path) -> None:
    assert names(tree, "ours.typed") == ["ours/__init__.py", "ours/typed.py"]


def test_missing_entry_point_is_an_error(tree: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"ours\.gone"):
        import_closure(tree, "ours.gone", PACKAGES)


def test_equal_files_give_equal_bytes_despite_different_times(tree: Path) -> None:
    files = import_closure(tree, "ours.entry", PACKAGES)
    before = pack(tree, files)
    (tree / "ours/used.py").touch()
    assert pack(tree, reversed(files)) == before


def test_code_runs_from_the_zip(tree: Path, tmp_path: Path) -> None:
    archive = tmp_path / "code.zip"
    archive.write_bytes(pack(tree, import_closure(tree, "ours.entry", PACKAGES)))
    run = subprocess.run(
        [sys.executable, "-m", "ours.entry"],
        env={"PYTHONPATH": str(archive)},
        cwd="/",
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout == "deep\n"
