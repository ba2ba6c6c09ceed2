"""The Elasticsearch distribution that local instances run.

Owns: which release that is, fetching it once into the cache of the machine, and finding the Java
runtime it needs. It does not start anything.

The artifact is the vendor's integration-test distribution, fetched by the Maven client with the
user's own Maven settings (mirrors, proxies), so no host is named here. Its jars are those of the
default distribution with the modules transport-netty4, x-pack-core, x-pack-security and apm only:
no painless, ingest processors, language analysers or inference.

Usage: ``python -m localcloud.elasticsearch.distribution fetch [--cache DIR]``.

Environment (read here only): ``CUSTOMRAG_ELASTICSEARCH_ZIP``, a zip to use in place of Maven's;
``CUSTOMRAG_CACHE`` and ``XDG_CACHE_HOME``, the cache; ``JAVA_HOME``.
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

__all__ = [
    "RELEASES",
    "VERSION",
    "DistributionError",
    "Release",
    "default_cache",
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
_MARKER: Final = ".complete"


class DistributionError(LocalCloudError):
    """The distribution, or the Java it needs, is not to be had."""


@dataclass(frozen=True, kw_only=True)
class Release:
    """What is known of one release.

    Attributes:
        sha512: Hexadecimal digest of the zip.
        build_date: When it was built, as its own log says.
        lucene_version: The Lucene jars it carries.
        minimum_wire_version: Oldest release it joins a cluster with.
        minimum_index_version: Oldest release whose indices it opens.
    """

    sha512: str
    build_date: str
    lucene_version: str
    minimum_wire_version: str
    minimum_index_version: str


# Digest: of the artifact as fetched from Maven Central, 2026-11. Build date and Lucene: from the
# first log line and the jar names of that artifact. Minimum versions: those of any 8.19 node
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


def default_cache() -> Path:
    """The folder that keeps what is fetched once per machine."""
    own = os.environ.get("CUSTOMRAG_CACHE")
    if own:
        return Path(own)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "customrag"


def installed(cache: Path | None = None) -> Path | None:
    """The unpacked distribution in `cache`, or None when it is not (completely) there."""
    home = (cache or default_cache()) / f"elasticsearch-{VERSION}"
    return home if (home / _MARKER).is_file() else None


def fetch(cache: Path | None = None, report: Callable[[str], None] | None = None) -> Path:
    """Have the distribution in the cache; at once when it is there.

    Args:
        cache: Folder to unpack into; `default_cache` when None.
        report: Called with one line of progress at a time.

    Returns:
        The home of the unpacked distribution.

    Raises:
        DistributionError: Maven is missing or failed, the zip is not the one that is known, or
            there is no room; the message says what to do.
    """
    say = report or (lambda line: None)
    cache = cache or default_cache()
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
        home = _move_into_place(unpacked, cache / f"elasticsearch-{VERSION}")
    say(f"elasticsearch {VERSION}: ready in {time.monotonic() - started:.0f} s at {home}")
    return home


def find_java_home() -> Path:
    """The home of a Java 17 or newer, from ``JAVA_HOME``, else from PATH.

    Raises:
        DistributionError: There is none; the message has the one line that installs it.
    """
    found: list[str] = []
    for executable in _java_candidates():
        major = _java_major(executable)
        if major is not None and major >= _JAVA_MAJOR:
            return executable.resolve().parent.parent
        found.append(f"{executable} (version {major or 'unknown'})")
    seen = ", ".join(found) or "none"
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
                f"CUSTOMRAG_ELASTICSEARCH_ZIP is {given!r}, which is no file; point it at the "
                f"integ-test zip of Elasticsearch {VERSION}, or unset it to fetch by Maven"
            )
        say(f"elasticsearch {VERSION}: using {given}")
        return Path(given)
    return _fetch_by_maven(work, say)


def _fetch_by_maven(work: Path, say: Callable[[str], None]) -> Path:
    maven = shutil.which("mvn")
    if maven is None:
        raise DistributionError(
            "Maven fetches Elasticsearch and is not on PATH. Install it (Debian, Ubuntu: apt-get "
            "install -y maven) or set CUSTOMRAG_ELASTICSEARCH_ZIP to a downloaded zip"
        )
    say(f"elasticsearch {VERSION}: fetching {_GROUP}:elasticsearch by Maven (107 MB)")
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
            f"Maven could not fetch Elasticsearch {VERSION} (exit code {process.returncode}); "
            "check the network and ~/.m2/settings.xml, or set CUSTOMRAG_ELASTICSEARCH_ZIP. "
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
                    f"Maven did not fetch Elasticsearch in {_MAVEN_TIMEOUT_SECONDS} s; try again"
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
            f"{digest}, expected {RELEASES[VERSION].sha512}; delete it and fetch again"
        )


def _unpack(archive: Path, work: Path) -> Path:
    target = work / "unpacked"
    with zipfile.ZipFile(archive) as file:
        file.extractall(target)
        for item in file.infolist():
            mode = (item.external_attr >> 16) & 0o777
            if mode and not item.is_dir():
                # Everyone may read it: the engine may run as another user than the one who fetched.
                (target / item.filename).chmod(mode | 0o444 | ((mode & 0o100) and 0o011))
    for folder in [target, *(path for path in target.rglob("*") if path.is_dir())]:
        folder.chmod(0o755)
    return target / f"elasticsearch-{VERSION}"


def _move_into_place(unpacked: Path, home: Path) -> Path:
    (unpacked / _MARKER).touch()
    if home.exists() and not (home / _MARKER).is_file():
        shutil.rmtree(home)
    try:
        unpacked.rename(home)
    except OSError as error:
        # Another fetch was quicker: its result is as good.
        if not (home / _MARKER).is_file():
            raise DistributionError(f"could not move Elasticsearch to {home}: {error}") from error
    return home


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m localcloud.elasticsearch.distribution")
    commands = parser.add_subparsers(dest="command", required=True)
    fetching = commands.add_parser("fetch", help="have the distribution in the cache")
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
