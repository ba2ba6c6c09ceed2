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
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from localcloud.core.errors import LocalCloudError
from localcloud.core.home import machine_cache
from localcloud.core.maven import Artifact, MavenError, fetch_artifacts
from localcloud.core.unpacking import is_complete, move_into_place, open_folders, unzip
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
# Counts up when the additions to the unpacked zip change: each revision has its own folder.
_REVISION: Final = "r2"


class DistributionError(LocalCloudError):
    """The distribution, or the Java runtime that it needs, is not available."""


@dataclass(frozen=True, kw_only=True)
class Release:
    """Facts about one release.

    Attributes:
        sha256: Hexadecimal digest of the zip.
        build_date: Build date in its own log.
        lucene_version: Version of its Lucene jars.
        minimum_wire_version: Oldest release that can join a cluster with it.
        minimum_index_version: Oldest release whose indices it can open.
    """

    sha256: str
    build_date: str
    lucene_version: str
    minimum_wire_version: str
    minimum_index_version: str


# Digest: the artifact from Maven Central, 2026-11. Build date and Lucene: the first log line and
# the jar names of that artifact. Minimum versions: the same for every 8.19 node
# (https://www.elastic.co/docs/deploy-manage/upgrade, read 2026-11).
RELEASES: Final[Mapping[str, Release]] = {
    VERSION: Release(
        sha256="215d5f3dbf0609a149f6218a9e47b6ae2df34ebbff3c5754e35f15a5e5393c8a",
        build_date="2026-08-26T22:10:47.574903747Z",
        lucene_version="9.12.2",
        minimum_wire_version="7.17.0",
        minimum_index_version="7.0.0",
    )
}


def installed(cache: Path | None = None) -> Path | None:
    """Return the unpacked distribution in `cache`, or None if it is missing or incomplete."""
    home = (cache or machine_cache()) / f"elasticsearch-{VERSION}-{_REVISION}"
    return home if is_complete(home) else None


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
        unzip(archive, Path(work) / "unpacked")
        unpacked = Path(work) / "unpacked" / f"elasticsearch-{VERSION}"
        _complete(unpacked, Path(work), say)
        open_folders(unpacked)
        home = move_into_place(unpacked, cache / f"elasticsearch-{VERSION}-{_REVISION}")
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
    say(f"elasticsearch {VERSION}: fetching with Maven (107 MB)")
    artifact = Artifact(
        group=_GROUP,
        name="elasticsearch",
        version=VERSION,
        extension="zip",
        sha256=RELEASES[VERSION].sha256,
    )
    try:
        return fetch_artifacts([artifact], work, f"elasticsearch {VERSION}", say)[artifact]
    except MavenError as error:
        raise DistributionError(
            f"{error}\nOr set CUSTOMRAG_ELASTICSEARCH_ZIP to a downloaded zip"
        ) from error


def _check(archive: Path) -> None:
    with archive.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != RELEASES[VERSION].sha256:
        raise DistributionError(
            f"{archive} is not the integ-test zip of Elasticsearch {VERSION}: its SHA-256 is "
            f"{digest}, expected {RELEASES[VERSION].sha256}. Delete it and fetch again"
        )


def _complete(unpacked: Path, work: Path, say: Callable[[str], None]) -> None:
    """Add what the zip lacks. A given zip is for a machine without Maven, and stays as it is."""
    if os.environ.get("CUSTOMRAG_ELASTICSEARCH_ZIP"):
        say(f"elasticsearch {VERSION}: without search templates, which Maven would fetch")
        return
    try:
        add_search_templates(unpacked, VERSION, find_java_home(), work, say)
    except MavenError as error:
        raise DistributionError(str(error)) from error


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
