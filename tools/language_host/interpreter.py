"""The Python interpreter of a program or a plugin.

Owns reading the `runtime` options of Pulumi.yaml, PulumiPlugin.yaml and PulumiPolicy.yaml as far as
this host knows them: `virtualenv`, relative to the file's folder. Does not create environments.
Options: https://www.pulumi.com/docs/iac/languages-sdks/python/ (read 2026-11).
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_PROBE = """
import json, platform, sys
from importlib import metadata
print(json.dumps({
    "version": platform.python_version(),
    "packages": sorted((d.metadata["Name"], d.version) for d in metadata.distributions()),
}))
"""
_PROBE_TIMEOUT_SECONDS = 60


class InterpreterError(Exception):
    """The interpreter that a project file asks for cannot be used."""


@dataclass(frozen=True, kw_only=True)
class Environment:
    """The version and the installed packages of an interpreter."""

    version: str
    packages: tuple[tuple[str, str], ...]


def resolve_python(root_directory: Path, options: Mapping[str, object]) -> Path:
    """Find the interpreter for a project.

    Args:
        root_directory: The folder of the project file; `virtualenv` is relative to it.
        options: The project file's runtime options.

    Returns:
        The environment's own python where `virtualenv` is set, else the one that runs this host.

    Raises:
        InterpreterError: `virtualenv` is not text, or names a folder without a python.
    """
    virtualenv = options.get("virtualenv", "")
    if not isinstance(virtualenv, str):
        raise InterpreterError(
            f"runtime option virtualenv is {virtualenv!r}; it must be a folder's path, "
            "such as .venv: change it in the project file"
        )
    if not virtualenv:
        return Path(sys.executable)
    # Not resolved: an environment's python is a link, and following it loses the environment.
    python = root_directory / virtualenv / "bin" / "python"
    if not python.exists():
        raise InterpreterError(
            f"runtime option virtualenv is {virtualenv!r}, but there is no {python}: run "
            "`make setup` in the checkout, or name an existing one in the project file"
        )
    return python


def inspect(python: Path) -> Environment:
    """Ask an interpreter for its version and packages.

    Raises:
        InterpreterError: It does not run, or says something else.
    """
    try:
        done = subprocess.run(
            [str(python), "-I", "-c", _PROBE],
            check=True,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=_PROBE_TIMEOUT_SECONDS,
        )
        found = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise InterpreterError(f"{python} does not run as a Python interpreter: {error}") from error
    return Environment(
        version=found["version"],
        packages=tuple((name, version) for name, version in found["packages"]),
    )
