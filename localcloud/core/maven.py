"""Fetches artifacts from a Maven repository, with the user's own Maven and settings.

Owns the call of Maven, its progress, and the check of each file's digest. It names no host: Maven
takes mirrors and proxies from the user's ``settings.xml``.

https://maven.apache.org/plugins/maven-dependency-plugin/copy-mojo.html (read 2026-11).
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

from localcloud.core.errors import LocalCloudError

__all__ = ["Artifact", "MavenError", "fetch_artifacts"]

_TIMEOUT_SECONDS: Final = 1800
_PROGRESS_SECONDS: Final = 5.0
# A current one: the version that an old Maven picks by itself cannot copy with a classifier.
_PLUGIN: Final = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1"


class MavenError(LocalCloudError):
    """An artifact could not be fetched. The message says what to do."""


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """A file in a Maven repository.

    Attributes:
        group: Its group, for example ``org.opensearch.plugin``.
        name: Its artifact id.
        version: Its version.
        sha256: Hexadecimal digest of the file.
        extension: ``jar`` or ``zip``.
        classifier: Its classifier; empty for none.
    """

    group: str
    name: str
    version: str
    sha256: str
    extension: str = "jar"
    classifier: str = ""

    @property
    def file_name(self) -> str:
        """Name of the file."""
        classifier = f"-{self.classifier}" if self.classifier else ""
        return f"{self.name}-{self.version}{classifier}.{self.extension}"

    @property
    def pom_item(self) -> str:
        """The artifact as an item of the plugin ``maven-dependency-plugin``."""
        parts = {
            "groupId": self.group,
            "artifactId": self.name,
            "version": self.version,
            "type": self.extension,
            "classifier": self.classifier,
        }
        inner = "".join(f"<{key}>{escape(text)}</{key}>" for key, text in parts.items() if text)
        return f"<artifactItem>{inner}</artifactItem>"


def fetch_artifacts(
    artifacts: Sequence[Artifact], folder: Path, purpose: str, say: Callable[[str], None]
) -> dict[Artifact, Path]:
    """Fetch `artifacts` into `folder`, in one run of Maven, and check their digests.

    Args:
        artifacts: What to fetch.
        folder: An existing folder, for the files and Maven's log.
        purpose: What they are, for messages, for example ``opensearch 2.19.1``.
        say: Receives each line of progress.

    Returns:
        The file of each artifact.

    Raises:
        MavenError: Maven is missing or failed, or a digest is wrong.
    """
    maven = shutil.which("mvn")
    if maven is None:
        raise MavenError(
            f"Maven (mvn), which fetches {purpose}, is not on PATH. Install it (Debian, Ubuntu: "
            "apt-get install -y maven)"
        )
    pom = folder / "pom.xml"
    pom.write_text(_pom(artifacts, folder), encoding="utf-8")
    log = folder / "maven.log"
    command = [maven, "--batch-mode", "--no-transfer-progress", "--file", str(pom)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, f"{_PLUGIN}:copy"],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        _wait(process, purpose, say)
    files = {artifact: folder / artifact.file_name for artifact in artifacts}
    missing = [path.name for path in files.values() if not path.is_file()]
    if process.returncode != 0 or missing:
        tail = "\n".join(log.read_text("utf-8", "replace").splitlines()[-15:])
        raise MavenError(
            f"Maven could not fetch {purpose} (exit code {process.returncode}; missing: "
            f"{', '.join(missing) or 'nothing'}). Check the network and ~/.m2/settings.xml. "
            f"Its last lines:\n{tail}"
        )
    for artifact, path in files.items():
        _check(artifact, path)
    return files


def _pom(artifacts: Sequence[Artifact], folder: Path) -> str:
    items = "".join(artifact.pom_item for artifact in artifacts)
    group, name, version = _PLUGIN.split(":")
    return (
        '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
        "<groupId>customrag</groupId><artifactId>fetch</artifactId><version>1</version>"
        "<packaging>pom</packaging><build><plugins><plugin>"
        f"<groupId>{group}</groupId><artifactId>{name}</artifactId><version>{version}</version>"
        f"<configuration><outputDirectory>{escape(str(folder))}</outputDirectory>"
        f"<artifactItems>{items}</artifactItems></configuration>"
        "</plugin></plugins></build></project>"
    )


def _wait(process: subprocess.Popen[bytes], purpose: str, say: Callable[[str], None]) -> None:
    started = time.monotonic()
    try:
        while True:
            elapsed = time.monotonic() - started
            if elapsed > _TIMEOUT_SECONDS:
                raise MavenError(
                    f"Maven did not fetch {purpose} within {_TIMEOUT_SECONDS} s. Try again"
                )
            try:
                process.wait(_PROGRESS_SECONDS)
            except subprocess.TimeoutExpired:
                say(f"{purpose}: fetching, {elapsed + _PROGRESS_SECONDS:.0f} s")
            else:
                return
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _check(artifact: Artifact, path: Path) -> None:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != artifact.sha256:
        raise MavenError(
            f"{path.name} is not the expected file: its SHA-256 is {digest}, expected "
            f"{artifact.sha256}. Delete it from the local Maven repository and fetch again"
        )
