"""The programs that a machine must have before set-up can install the rest.

Owns the checks, and the installation of system packages for root on a machine with apt. Everything
else that is missing is reported together, with one line that installs it. Does not check what
set-up itself can fetch or build.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.errors import MissingError
from tools.progress import StepContext

JAVA_MAJOR = 17
"""The oldest Java that Elasticsearch 8.19 starts on, and the one that was tested."""
NODE_MAJOR = 18
"""The oldest Node.js that the edge's packages support (`engines` of miniflare 4.20251011)."""
GO_MINOR = 21
"""The oldest Go, 1.x, that fetches the newer toolchain that the CLI's module needs."""
VENV_GIB = 8.0
"""Space for the virtual environment: 6.2 GiB installed (`du`), and its downloads."""
_VERSION_SECONDS = 30


@dataclass(frozen=True, kw_only=True)
class Missing:
    """One missing program.

    Attributes:
        what: Its name.
        why: What needs it.
        apt: Debian and Ubuntu packages that have it; the first that exists is used.
        dnf: The same for Fedora and similar systems.
    """

    what: str
    why: str
    apt: tuple[str, ...] = ()
    dnf: tuple[str, ...] = ()


def version_of(
    command: Sequence[str], pattern: str, environment: Mapping[str, str] | None = None
) -> tuple[int, ...] | None:
    """Return the numbers that a command prints, by the groups of a pattern; None if it fails.

    Args:
        command: A program and its arguments.
        pattern: A regular expression.
        environment: The command's whole environment; by default that of this process.
    """
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=_VERSION_SECONDS,
            check=True,
            env=environment,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(pattern, done.stdout + done.stderr)
    return tuple(int(part) for part in found.groups() if part) if found else None


def java_major(environment: Mapping[str, str] = os.environ) -> int | None:
    """Return the major version of the Java in JAVA_HOME or on PATH, or None."""
    home = environment.get("JAVA_HOME")
    candidates = ([str(Path(home) / "bin" / "java")] if home else []) + ["java"]
    for command in candidates:
        version = version_of([command, "-version"], r'version "(\d+)')
        if version:
            return version[0]
    return None


def node_major() -> int | None:
    """Return the major version of the Node.js on PATH, or None."""
    version = version_of(["node", "--version"], r"v(\d+)\.")
    return version[0] if version else None


def go_version() -> tuple[int, ...] | None:
    """Return the version of the Go on PATH, such as (1, 26), or None."""
    return version_of(["go", "version"], r"go(\d+)\.(\d+)")


def go_is_new_enough() -> bool:
    """Whether the Go on PATH can build the CLI."""
    version = go_version()
    return version is not None and version >= (1, GO_MINOR)


def find_missing(*, venv: Path, needs_maven: bool, needs_node: bool = False) -> list[Missing]:
    """Look for what set-up cannot provide by itself.

    Args:
        venv: The virtual environment; with one there, Python's venv module is not needed.
        needs_maven: The engines must still be fetched.
        needs_node: There is an edge, whose worker is built and run.
    """
    missing = []
    if needs_node and (node_major() or 0) < NODE_MAJOR:
        missing.append(
            Missing(
                what=f"Node.js {NODE_MAJOR} or newer",
                why="the edge's worker (not needed with customrag:edge: none)",
                apt=("nodejs",),
                dnf=("nodejs",),
            )
        )
    if needs_node and not shutil.which("npm"):
        missing.append(
            Missing(what="npm", why="the edge's packages", apt=("npm",), dnf=("nodejs-npm",))
        )
    if not venv.exists() and not (
        importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip")
    ):
        missing.append(
            Missing(
                what="Python's venv and ensurepip modules",
                why="the virtual environment",
                apt=("python3-venv",),
                dnf=("python3-pip",),
            )
        )
    if (java_major() or 0) < JAVA_MAJOR:
        missing.append(
            Missing(
                what=f"Java {JAVA_MAJOR} or newer",
                why="Elasticsearch",
                apt=("openjdk-17-jre-headless", "openjdk-21-jre-headless", "default-jre-headless"),
                dnf=("java-17-openjdk-headless", "java-21-openjdk-headless"),
            )
        )
    if needs_maven and not shutil.which("mvn"):
        missing.append(
            Missing(what="Maven", why="fetching Elasticsearch", apt=("maven",), dnf=("maven",))
        )
    return missing


def check_machine(*, venv: Path, program: str = platform.system()) -> None:
    """Refuse a machine that cannot run the local cloud.

    Raises:
        MissingError: Not Linux, or too little room for the virtual environment.
    """
    if program != "Linux":
        raise MissingError(
            f"this machine runs {program}. The local cloud gives each service an address of "
            "127.0.0.0/8, and only Linux routes all of them to itself. Use Linux, or a Linux "
            "container"
        )
    if not venv.exists():
        free_gib = shutil.disk_usage(venv.parent).free / 2**30
        if free_gib < VENV_GIB:
            raise MissingError(
                f"{venv.parent} has {free_gib:.1f} GiB free, and the virtual environment "
                f"needs {VENV_GIB:.0f} GiB (most of it torch). Free space, or use a larger disk"
            )


def _apt_has(package: str) -> bool:
    done = subprocess.run(
        ["apt-cache", "show", "--no-all-versions", package],
        capture_output=True,
        check=False,
        timeout=_VERSION_SECONDS,
    )
    return done.returncode == 0


def apt_packages(missing: Sequence[Missing]) -> list[str]:
    """Return the packages to install: of each choice the first that apt knows, or the first."""
    return [next(filter(_apt_has, item.apt), item.apt[0]) for item in missing if item.apt]


def install_line(missing: Sequence[Missing]) -> str:
    """Return the one line that installs the missing programs."""
    if shutil.which("apt-get"):
        sudo = "" if os.geteuid() == 0 else "sudo "
        packages = " ".join(item.apt[0] for item in missing)
        return (
            f"{sudo}apt-get update && {sudo}apt-get install -y --no-install-recommends {packages}"
        )
    if shutil.which("dnf"):
        sudo = "" if os.geteuid() == 0 else "sudo "
        return f"{sudo}dnf install -y {' '.join(item.dnf[0] for item in missing)}"
    return "install with your system's packages: " + ", ".join(item.what for item in missing)


def can_install() -> bool:
    """Whether system packages can be installed without asking: root, with apt."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(missing: Sequence[Missing], context: StepContext) -> str:
    """Install the missing programs with apt and return a note.

    Raises:
        StepError: apt failed.
    """
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    context.run(["apt-get", "update"], env=environment)
    packages = apt_packages(missing)
    context.run(["apt-get", "install", "-y", "--no-install-recommends", *packages], env=environment)
    return "installed " + ", ".join(packages)


def report(missing: Sequence[Missing]) -> MissingError:
    """Return the error that lists the missing programs and the line that installs them."""
    lines = ["these programs are missing on this machine:"]
    lines += [f"  - {item.what}, for {item.why}" for item in missing]
    lines += ["install them, then run the same command again:", f"  {install_line(missing)}"]
    return MissingError("\n".join(lines))
