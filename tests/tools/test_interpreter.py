"""Which Python runs a program."""

from __future__ import annotations

import platform
import sys
from pathlib import Path

import pytest

from tools.language_host.interpreter import InterpreterError, inspect, resolve_python


def test_without_an_option_the_hosts_own_interpreter_is_used(tmp_path: Path) -> None:
    assert resolve_python(tmp_path, {}) == Path(sys.executable)


def test_virtualenv_is_relative_to_the_project_file_and_its_link_is_kept(tmp_path: Path) -> None:
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    assert resolve_python(tmp_path, {"virtualenv": ".venv"}) == python


def test_a_missing_virtualenv_is_named_with_the_command_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(InterpreterError, match=r"'\.venv'.*make setup"):
        resolve_python(tmp_path, {"virtualenv": ".venv"})


def test_a_virtualenv_that_is_not_a_string_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InterpreterError, match="virtualenv is 3"):
        resolve_python(tmp_path, {"virtualenv": 3})


def test_inspect_returns_the_version_and_packages() -> None:
    found = inspect(Path(sys.executable))
    assert found.version == platform.python_version()
    assert "pulumi" in dict(found.packages)


def test_a_program_that_is_not_python_is_refused() -> None:
    with pytest.raises(InterpreterError, match="does not run as a Python interpreter"):
        inspect(Path("/bin/false"))
