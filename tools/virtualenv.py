"""The checkout's virtual environment.

Owns its creation and the installation of exactly the packages of requirements.lock, by uv, which
pip installs first. The first lines of the lock have the command that writes it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tools.paths import Paths
from tools.progress import StepContext

UV = "uv==0.13.8"
_STAMP = ".customrag-installed"
_PIP_SECONDS = 60
_UV_OF_PIP = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "cert": "SSL_CERT_FILE",
}


def stamp_text(lock_file: Path) -> str:
    """Return the identity of an installation: the lock's digest and the Python version."""
    digest = hashlib.sha256(lock_file.read_bytes()).hexdigest()
    return f"{digest} python {sys.version_info.major}.{sys.version_info.minor}\n"


def is_installed(paths: Paths) -> bool:
    """Whether the environment has the packages of the lock, by its stamp."""
    stamp = paths.venv / _STAMP
    return (
        paths.python.exists()
        and stamp.is_file()
        and stamp.read_text() == stamp_text(paths.lock_file)
    )


def provide(paths: Paths, context: StepContext) -> str:
    """Create the environment and install into it; return a note, or "" if it was there.

    Raises:
        StepError: A command failed.
    """
    if is_installed(paths):
        return ""
    stamp = paths.venv / _STAMP
    stamp.unlink(missing_ok=True)
    if not _is_ours(paths):
        shutil.rmtree(paths.venv, ignore_errors=True)
        context.run([sys.executable, "-m", "venv", paths.venv])
    uv = paths.venv / "bin" / "uv"
    if not uv.exists():
        context.run([paths.python, "-m", "pip", "install", "--quiet", UV])
    context.run(
        [
            uv,
            "pip",
            "install",
            "--python",
            paths.python,
            "--no-deps",
            "--require-hashes",
            "--requirement",
            paths.lock_file,
        ],
        env={**os.environ, **_uv_settings(paths.python), "UV_NO_PROGRESS": "1"},
    )
    stamp.write_text(stamp_text(paths.lock_file))
    return "installed the packages of requirements.lock"


def _is_ours(paths: Paths) -> bool:
    """Whether the environment has this Python version and pip."""
    if not paths.python.exists():
        return False
    done = subprocess.run(
        [str(paths.python), "-c", "import sys, pip; print(sys.version_info[:2])"],
        capture_output=True,
        text=True,
        check=False,
        timeout=_PIP_SECONDS,
    )
    return done.returncode == 0 and done.stdout.strip() == str(sys.version_info[:2])


def _uv_settings(python: Path) -> dict[str, str]:
    """Return the user's pip settings (mirror, certificate, folders) for uv, which ignores them."""
    done = subprocess.run(
        [str(python), "-m", "pip", "config", "list"],
        capture_output=True,
        text=True,
        check=False,
        timeout=_PIP_SECONDS,
    )
    settings = {}
    for line in done.stdout.splitlines():
        key, _, value = line.partition("=")
        name = _UV_OF_PIP.get(key.removeprefix("global."))
        if name:
            settings[name] = value.strip("'\"").replace("\\n", " ").strip()
    for key, name in _UV_OF_PIP.items():
        variable = f"PIP_{key.upper().replace('-', '_')}"
        if os.environ.get(variable):
            settings[name] = os.environ[variable]
    return {name: value for name, value in settings.items() if name not in os.environ}
