"""The engine's process: its files, its start and its end."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Final

from opensearch_node.configuration import jvm_options, opensearch_yml
from opensearch_node.errors import NodeError
from opensearch_node.package import lay_libtorch
from opensearch_node.secrets import Certificates
from opensearch_node.settings import NodeSettings

__all__ = ["prepare", "start", "stop"]

# A node that stops hands its shards over first.
_STOP_SECONDS: Final = 60.0
_COPIED: Final = ("jvm.options", "log4j2.properties")
# The security plugin reads them once, for a new cluster. Users come through its API.
_NO_USERS: Final = '_meta:\n  type: "internalusers"\n  config_version: 2\n'


def prepare(settings: NodeSettings, package: Path, certificates: Certificates) -> None:
    """Write the engine's files. Its data stays."""
    configuration, state = settings.configuration, settings.opensearch_state
    security = configuration / "opensearch-security"
    for folder in (
        configuration / "jvm.options.d",
        security,
        settings.data,
        state / "logs",
        state / "tmp",
    ):
        folder.mkdir(parents=True, exist_ok=True)
    configuration.chmod(0o700)
    for name in _COPIED:
        shutil.copyfile(package / "config" / name, configuration / name)
    for file in (package / "plugins" / "opensearch-security" / "config").glob("*.yml"):
        shutil.copyfile(file, security / file.name)
    (security / "internal_users.yml").write_text(_NO_USERS, encoding="utf-8")
    (configuration / "opensearch.yml").write_text(opensearch_yml(settings), encoding="utf-8")
    (configuration / "jvm.options.d" / "customrag.options").write_text(
        jvm_options(settings), encoding="utf-8"
    )
    certificates.write(configuration)
    for file in configuration.rglob("*"):
        if file.is_file():
            file.chmod(0o600)
    lay_libtorch(package, settings.data)


def start(
    settings: NodeSettings,
    package: Path,
    prefix: Sequence[str] = (),
    output: IO[bytes] | None = None,
) -> subprocess.Popen[bytes]:
    """Start the engine.

    Args:
        settings: The node's settings.
        package: The folder of the package.
        prefix: Start of the command line, for another account.
        output: Receives what it prints. Default: this program's own output.

    Raises:
        NodeError: The machine has no Java.
    """
    java = shutil.which("java")
    home = os.environ.get("JAVA_HOME") or (java and str(Path(java).resolve().parents[1]))
    if not home:
        raise NodeError(
            "java is not on PATH. OpenSearch 2.19 needs Java 11, 17 or 21; the image or cloud-init "
            "installs it (Debian, Ubuntu: openjdk-17-jre-headless)"
        )
    return subprocess.Popen(
        [*prefix, str(package / "bin" / "opensearch")],
        cwd=settings.opensearch_state,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT if output else None,
        env={
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            "HOME": str(settings.opensearch_state),
            "OPENSEARCH_JAVA_HOME": home,
            "OPENSEARCH_PATH_CONF": str(settings.configuration),
            "OPENSEARCH_TMPDIR": str(settings.opensearch_state / "tmp"),
        },
    )


def stop(process: subprocess.Popen[bytes]) -> None:
    """End the engine, and wait until it has ended."""
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
