"""The Elasticsearch distribution that local instances run.

Owns: the release, fetching it once per machine into a cache, and finding a Java runtime for it.
Does not own starting it.

The artifact is the vendor's integration-test distribution. The Maven client fetches it with the
user's own settings (mirrors, proxies), so this module names no host. It has the jars of the default
distribution, but only the modules transport-netty4, x-pack-core, x-pack-security and apm: no
painless, ingest processors, language analysers or inference. Search templates are added
(``search_templates``), unless a given zip takes Maven's place.

Usage: ``python -m localcloud.elasticsearch.distribution fetch [--cache DIR]``.

Environment (read here only): ``CUSTOMRAG_ELASTICSEARCH_ZIP``, a zip to use instead of Maven;
``JAVA_HOME``.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from localcloud.core.errors import LocalCloudError
from localcloud.core.home import machine_cache
from localcloud.core.maven import MavenError
from localcloud.elasticsearch.search_templates import add_search_templates

__all__ = [
    "RELEASES",
    "VERSION",
    "DistributionError",
    "Release",
    "fetch",
    "find_java_home",
    "installed",
    "main",
]

VERSION: Final = "8.19.21"
_GROUP: Final = "org.elasticsearch.distribution.integ-test-zip"
_JAVA_MAJOR: Final = 17
_MAVEN_TIMEOUT_SECONDS: Final = 1800
_PROGRESS_SECONDS: Final = 5.0
# Counts up when the additions to the unpacked zip change: each revision has its own folder.
_REVISION: Final = "r2"
_MARKER: Final = ".complete"


class DistributionError(LocalCloudError):
    """The distribution, or the Java runtime that it needs, is not available."""


@dataclass(frozen=True, kw_only=True)
class Release:
    """Facts about one release.

    Attributes:
        sha512: Hexadecimal digest of the zip.
        build_date: Build date in its own log.
        lucene_version: Version of its Lucene jars.
        minimum_wire_version: Oldest release that can join a cluster with it.
        minimum_index_version: Oldest release whose indices it can open.
    """

    sha512: str
    build_date: str
    lucene_version: str
    minimum_wire_version: str
    minimum_index_version: str


# Digest: the artifact from Maven Central, 2026-11. Build date and Lucene: the first log line and
# the jar names of that artifact. Minimum versions: the same for every 8.19 node
# (https://www.elastic.co/docs/deploy-manage/upgrade, read 2026-11).
RELEASES: Final[Mapping[str, Release]] = {
    VERSION: Release(
        sha512=(
            "cf6b0a93860d329937ae7f913ec5073b0c726c77639764b93fc83a304aa1dd9d"
            "4defcfa2849948eea3b0b47c2065f994908603939fc2a4774c9c4d868c5ec1dd"
        ),
        build_date="2026-08-26T22:10:47.574903747Z",
        lucene_version="9.12.2",
        minimum_wire_version="7.17.0",
        minimum_index_version="7.0.0",
    )
}


def installed(cache: Path | None = None) -> Path | None:
    """Return the unpacked distribution in `cache`, or None if it is missing or incomplete."""
    home = (cache or machine_cache()) / f"elasticsearch-{VERSION}-{_REVISION}"
    return home if (home / _MARKER).is_file() else None


def fetch(cache: Path | None = None, report: Callable[[str], None] | None = None) -> Path:
    """Return the distribution in the cache; fetch it if it is missing.

    Args:
        cache: Folder to unpack into; `machine_cache` if None.
        report: Receives each line of progress.

    Returns:
        The home of the unpacked distribution.

    Raises:
        DistributionError: Maven is missing or failed, the digest of the zip is wrong, or the disk
            is full.
    """
    say = report or (lambda line: None)
    cache = cache or machine_cache()
    home = installed(cache)
    if home is not None:
        say(f"elasticsearch {VERSION}: already at {home}")
        return home
    cache.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix=".elasticsearch-", dir=cache) as work:
        archive = _archive(Path(work), say)
        _check(archive)
        say(f"elasticsearch {VERSION}: unpacking")
        unpacked = _unpack(archive, Path(work))
        _complete(unpacked, Path(work), say)
        home = _move_into_place(unpacked, cache / f"elasticsearch-{VERSION}-{_REVISION}")
    say(f"elasticsearch {VERSION}: ready in {time.monotonic() - started:.0f} s at {home}")
    return home


def find_java_home() -> Path:
    """Return the home of Java 17 or newer, from ``JAVA_HOME`` or PATH.

    Raises:
        DistributionError: Java is missing or too old; the message has the command that installs it.
    """
    found: list[str] = []
    for executable in _java_candidates():
        major = _java_major(executable)
        if major is not None and major >= _JAVA_MAJOR:
            return executable.resolve().parent.parent
        found.append(f"{executable} (version {major or 'unknown'})")
    seen = ", ".join(found) or "no Java"
    raise DistributionError(
        f"Elasticsearch {VERSION} needs Java {_JAVA_MAJOR} or newer; found: {seen}. Install it "
        "(Debian, Ubuntu: apt-get install -y openjdk-17-jre-headless) or set JAVA_HOME"
    )


def _java_candidates() -> list[Path]:
    candidates = []
    java_home = os.environ.get("JAVA_HOME")
    if java_home and (Path(java_home) / "bin" / "java").is_file():
        candidates.append(Path(java_home) / "bin" / "java")
    on_path = shutil.which("java")
    if on_path:
        candidates.append(Path(on_path))
    return candidates


def _java_major(executable: Path) -> int | None:
    try:
        answer = subprocess.run(
            [str(executable), "-version"], capture_output=True, text=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r'version "(?:1\.)?(\d+)', answer.stderr + answer.stdout)
    return int(match.group(1)) if match else None


def _archive(work: Path, say: Callable[[str], None]) -> Path:
    given = os.environ.get("CUSTOMRAG_ELASTICSEARCH_ZIP")
    if given:
        if not Path(given).is_file():
            raise DistributionError(
                f"CUSTOMRAG_ELASTICSEARCH_ZIP is {given!r}, which is not a file. Set it to the "
                f"integ-test zip of Elasticsearch {VERSION}, or unset it to fetch with Maven"
            )
        say(f"elasticsearch {VERSION}: using {given}")
        return Path(given)
    return _fetch_by_maven(work, say)


def _fetch_by_maven(work: Path, say: Callable[[str], None]) -> Path:
    maven = shutil.which("mvn")
    if maven is None:
        raise DistributionError(
            "Maven (mvn), which fetches Elasticsearch, is not on PATH. Install it (Debian, Ubuntu: "
            "apt-get install -y maven) or set CUSTOMRAG_ELASTICSEARCH_ZIP to a downloaded zip"
        )
    say(f"elasticsearch {VERSION}: fetching {_GROUP}:elasticsearch with Maven (107 MB)")
    log = work / "maven.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                maven,
                "--batch-mode",
                "--no-transfer-progress",
                "dependency:get",
                "dependency:copy",
                f"-Dartifact={_GROUP}:elasticsearch:{VERSION}:zip",
                "-Dtransitive=false",
                f"-DoutputDirectory={work}",
            ],
            cwd=work,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        _wait(process, say)
    archive = work / f"elasticsearch-{VERSION}.zip"
    if process.returncode != 0 or not archive.is_file():
        tail = "\n".join(log.read_text("utf-8", "replace").splitlines()[-15:])
        raise DistributionError(
            f"Maven could not fetch Elasticsearch {VERSION} (exit code {process.returncode}). "
            "Check the network and ~/.m2/settings.xml, or set CUSTOMRAG_ELASTICSEARCH_ZIP. "
            f"Its last lines:\n{tail}"
        )
    return archive


def _wait(process: subprocess.Popen[bytes], say: Callable[[str], None]) -> None:
    started = time.monotonic()
    try:
        while True:
            elapsed = time.monotonic() - started
            if elapsed > _MAVEN_TIMEOUT_SECONDS:
                raise DistributionError(
                    f"Maven did not fetch Elasticsearch within {_MAVEN_TIMEOUT_SECONDS} s. Try "
                    "again"
                )
            try:
                process.wait(_PROGRESS_SECONDS)
            except subprocess.TimeoutExpired:
                say(f"elasticsearch {VERSION}: fetching, {elapsed + _PROGRESS_SECONDS:.0f} s")
            else:
                return
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _check(archive: Path) -> None:
    with archive.open("rb") as file:
        digest = hashlib.file_digest(file, "sha512").hexdigest()
    if digest != RELEASES[VERSION].sha512:
        raise DistributionError(
            f"{archive} is not the integ-test zip of Elasticsearch {VERSION}: its SHA-512 is "
            f"{digest}, expected {RELEASES[VERSION].sha512}. Delete it and fetch again"
        )


def _unpack(archive: Path, work: Path) -> Path:
    target = work / "unpacked"
    with zipfile.ZipFile(archive) as file:
        file.extractall(target)
        for item in file.infolist():
            mode = (item.external_attr >> 16) & 0o777
            if mode and not item.is_dir():
                # Everyone may read it, because another user may run the engine.
                (target / item.filename).chmod(mode | 0o444 | ((mode & 0o100) and 0o011))
    for folder in [target, *(path for path in target.rglob("*") if path.is_dir())]:
        folder.chmod(0o755)
    return target / f"elasticsearch-{VERSION}"


def _complete(unpacked: Path, work: Path, say: Callable[[str], None]) -> None:
    """Add what the zip lacks. A given zip is for a machine without Maven, and stays as it is."""
    if os.environ.get("CUSTOMRAG_ELASTICSEARCH_ZIP"):
        say(f"elasticsearch {VERSION}: without search templates, which Maven would fetch")
        return
    try:
        add_search_templates(unpacked, VERSION, find_java_home(), work, say)
    except MavenError as error:
        raise DistributionError(str(error)) from error


def _move_into_place(unpacked: Path, home: Path) -> Path:
    (unpacked / _MARKER).touch()
    if home.exists() and not (home / _MARKER).is_file():
        shutil.rmtree(home)
    try:
        unpacked.rename(home)
    except OSError as error:
        # Another fetch was quicker, and its result is identical.
        if not (home / _MARKER).is_file():
            raise DistributionError(f"could not move Elasticsearch to {home}: {error}") from error
    return home


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m localcloud.elasticsearch.distribution")
    commands = parser.add_subparsers(dest="command", required=True)
    fetching = commands.add_parser("fetch", help="fetch the distribution into the cache")
    fetching.add_argument("--cache", type=Path, default=None, help="default: the user's cache")
    options = parser.parse_args(arguments)
    try:
        java_home = find_java_home()
        print(f"java: {java_home}", flush=True)
        fetch(options.cache, lambda line: print(line, flush=True))
    except DistributionError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
