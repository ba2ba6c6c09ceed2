"""Checks .github/workflows with a pinned version of actionlint, built once from its Go module.

Owns the version and the path of the executable. `make workflows` and the tests run it. An
actionlint on PATH is not used, because its findings would depend on its version. Source:
https://github.com/rhysd/actionlint.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.errors import MissingError, ToolError
from tools.paths import Paths, default_paths

VERSION = "1.7.12"
_MODULE = f"github.com/rhysd/actionlint/cmd/actionlint@v{VERSION}"
_BUILD_SECONDS = 600


def executable(paths: Paths) -> Path:
    """Return the path of the executable."""
    return paths.cache / "actionlint" / VERSION / "actionlint"


def provide(paths: Paths) -> Path:
    """Build the executable, unless it exists.

    Raises:
        MissingError: There is no Go.
        ToolError: The build failed.
    """
    target = executable(paths)
    if target.exists():
        return target
    if shutil.which("go") is None:
        raise MissingError(
            "building actionlint needs Go, which is not on PATH. Unpack Go anywhere and add it to "
            "PATH: https://go.dev/doc/install"
        )
    target.parent.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".new-", dir=target.parent.parent) as scratch:
        done = subprocess.run(
            ["go", "install", _MODULE],
            env={**os.environ, "GOBIN": scratch, "GOFLAGS": "-buildvcs=false", "GOWORK": "off"},
            capture_output=True,
            text=True,
            timeout=_BUILD_SECONDS,
            check=False,
        )
        if done.returncode != 0:
            raise ToolError(f"`go install {_MODULE}` failed:\n{done.stderr.strip()}")
        target.parent.mkdir(exist_ok=True)
        (Path(scratch) / "actionlint").rename(target)
    return target


def check(paths: Paths) -> subprocess.CompletedProcess[str]:
    """Return the findings of actionlint; the exit code is 0 without findings.

    The shellcheck of the virtual environment checks the scripts in the workflows.
    """
    shellcheck = paths.venv / "bin" / "shellcheck"
    return subprocess.run(
        [
            *(str(provide(paths)), "-no-color", "-pyflakes", ""),
            *("-shellcheck", str(shellcheck) if shellcheck.exists() else ""),
        ],
        cwd=paths.checkout,
        capture_output=True,
        text=True,
        timeout=_BUILD_SECONDS,
        check=False,
    )


if __name__ == "__main__":
    try:
        found = check(default_paths())
    except ToolError as error:
        sys.exit(str(error))
    print(found.stdout + found.stderr, end="")
    sys.exit(found.returncode)
