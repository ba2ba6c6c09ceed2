"""Fetching the engine, with a small zip and a script as Maven."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from localcloud.elasticsearch import distribution
from localcloud.elasticsearch.distribution import (
    RELEASES,
    VERSION,
    DistributionError,
    fetch,
    find_java_home,
    installed,
    main,
)

NAME = f"elasticsearch-{VERSION}"
HOME = f"{NAME}-r2"


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / f"{NAME}.zip"
    with zipfile.ZipFile(path, "w") as file:
        program = zipfile.ZipInfo(f"{NAME}/bin/elasticsearch")
        program.external_attr = (stat.S_IFREG | 0o750) << 16
        file.writestr(program, "#!/bin/sh\n")
        file.writestr(f"{NAME}/config/jvm.options", "")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    known = {VERSION: replace(RELEASES[VERSION], sha256=digest)}
    monkeypatch.setattr(distribution, "RELEASES", known)
    monkeypatch.setenv("CUSTOMRAG_ELASTICSEARCH_ZIP", str(path))
    return path


@pytest.fixture
def maven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    monkeypatch.delenv("CUSTOMRAG_ELASTICSEARCH_ZIP", raising=False)
    folder = tmp_path / "bin"
    folder.mkdir()

    def write(script: str) -> None:
        program = folder / "mvn"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin")

    return write


def test_fetch_unpacks_the_given_zip(archive: Path, tmp_path: Path) -> None:
    home = fetch(tmp_path / "cache")

    program = home / "bin" / "elasticsearch"
    assert program.is_file()
    assert stat.S_IMODE(program.stat().st_mode) == 0o755
    assert installed(tmp_path / "cache") == home


def test_second_fetch_needs_only_the_cache(archive: Path, tmp_path: Path) -> None:
    fetch(tmp_path / "cache")
    archive.unlink()

    assert fetch(tmp_path / "cache") == tmp_path / "cache" / HOME


def test_incomplete_distribution_is_replaced(archive: Path, tmp_path: Path) -> None:
    broken = tmp_path / "cache" / HOME
    broken.mkdir(parents=True)
    (broken / "left-over").touch()

    home = fetch(tmp_path / "cache")

    assert not (home / "left-over").exists()
    assert (home / "bin" / "elasticsearch").exists()


def test_zip_with_another_digest_is_refused(archive: Path, tmp_path: Path) -> None:
    archive.write_bytes(archive.read_bytes() + b"x")

    with pytest.raises(DistributionError, match="SHA-256"):
        fetch(tmp_path / "cache")
    assert installed(tmp_path / "cache") is None


def test_missing_zip_is_named_in_the_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUSTOMRAG_ELASTICSEARCH_ZIP", "/nowhere.zip")

    with pytest.raises(DistributionError, match=r"'/nowhere\.zip', which is not a file"):
        fetch(tmp_path / "cache")


def test_maven_fetches_only_the_artifact(
    archive: Path,
    maven: Callable[[str], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    added: list[tuple[object, ...]] = []
    monkeypatch.setattr(distribution, "add_search_templates", lambda *given: added.append(given))
    monkeypatch.setattr(distribution, "find_java_home", lambda: tmp_path)
    maven(
        f'echo "$@" > {tmp_path}/arguments\n'
        # Maven puts the files beside the POM.
        'for a in "$@"; do case $a in */pom.xml) pom=$a;; esac; done\n'
        f'cp "$pom" {tmp_path}/pom.xml; cp {archive} "$(dirname "$pom")"'
    )

    fetch(tmp_path / "cache")

    pom = (tmp_path / "pom.xml").read_text()
    assert re.findall("<artifactItem>(.*?)</artifactItem>", pom) == [
        "<groupId>org.elasticsearch.distribution.integ-test-zip</groupId>"
        f"<artifactId>elasticsearch</artifactId><version>{VERSION}</version><type>zip</type>"
    ]
    assert "http" not in (tmp_path / "arguments").read_text()
    assert [given[1] for given in added] == [VERSION]


def test_maven_failure_is_reported_with_its_last_lines(
    maven: Callable[[str], None], tmp_path: Path
) -> None:
    maven("echo 'no route to anywhere'; exit 3")

    with pytest.raises(DistributionError, match=r"exit code 3(.|\n)*no route to anywhere"):
        fetch(tmp_path / "cache")


def test_missing_maven_error_has_the_install_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CUSTOMRAG_ELASTICSEARCH_ZIP", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(DistributionError, match=r"install -y maven(.|\n)*CUSTOMRAG_ELASTIC"):
        fetch(tmp_path / "cache")


def test_java_home_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_java(tmp_path, 'openjdk version "21.0.1" 2023-10-17')
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))

    assert find_java_home() == tmp_path


def test_old_java_is_refused_with_the_install_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_java(tmp_path, 'java version "1.8.0_392"')
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", "/nowhere")

    code = main(["fetch", "--cache", str(tmp_path / "cache")])

    assert code == 1
    message = capsys.readouterr().err
    assert "(version 8)" in message
    assert "apt-get install -y openjdk-17-jre-headless" in message


def fake_java(home: Path, line: str) -> None:
    (home / "bin").mkdir()
    program = home / "bin" / "java"
    program.write_text(f"#!/bin/sh\necho '{line}' >&2\n")
    program.chmod(0o755)
