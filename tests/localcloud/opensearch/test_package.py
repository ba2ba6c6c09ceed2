"""The OpenSearch package, built from small files in place of the vendor's artifacts.

The last test is the way of the package to a node in the cloud: archive, OSS, node.
"""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

import opensearch_node.package
from localcloud.core.maven import Artifact, MavenError
from localcloud.opensearch import package
from localcloud.opensearch.artifacts import ENGINE, LIBTORCH, LIBTORCH_JNI, PLUGINS, VERSION
from opensearch_node.errors import NodeError
from opensearch_node.package import provide_package
from opensearch_node.settings import NodeSettings

LAUNCHER = f"opensearch-{VERSION}/bin/opensearch"


def zipped(files: Mapping[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, text in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = (0o750 if name.endswith("bin/opensearch") else 0o640) << 16
            file.writestr(entry, text)
    return buffer.getvalue()


def content_of(artifact: Artifact) -> bytes:
    if artifact is ENGINE:
        return zipped({LAUNCHER: "#!/bin/sh\n"})
    if artifact in PLUGINS:
        name = f"{artifact.name}-folder"
        return zipped(
            {
                "plugin-descriptor.properties": f"version=1\nname={name}\r\n",
                "plugin.jar": "",
                "onnxruntime_gpu-1.16.3.jar": "",
            }
        )
    if artifact is LIBTORCH:
        return zipped({"pytorch/cpu/linux-x86_64/libtorch.so": "torch", "META-INF/x": ""})
    if artifact is LIBTORCH_JNI:
        return zipped({"jnilib/linux-x86_64/cpu/libdjl_torch.so": "jni", "jnilib/cu124/x": ""})
    return b"jar"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    def fetch_artifacts(
        artifacts: Sequence[Artifact], folder: Path, purpose: str, say: Callable[[str], None]
    ) -> dict[Artifact, Path]:
        files = {artifact: folder / artifact.file_name for artifact in artifacts}
        for artifact, path in files.items():
            path.write_bytes(content_of(artifact))
        return files

    monkeypatch.setattr(package, "fetch_artifacts", fetch_artifacts)
    return tmp_path / "cache"


def test_package_has_engine_plugins_modules_and_libtorch(cache: Path) -> None:
    home = package.fetch(cache)
    assert (home / "bin" / "opensearch").stat().st_mode & 0o777 == 0o755
    for plugin in PLUGINS:
        folder = home / "plugins" / f"{plugin.name}-folder"
        assert (folder / "plugin.jar").is_file()
        assert not (folder / "onnxruntime_gpu-1.16.3.jar").exists()
    assert {path.name: path.read_text() for path in (home / "libtorch").iterdir()} == {
        "libtorch.so": "torch",
        "0.31.1-libdjl_torch.so": "jni",
    }
    painless = home / "modules" / "lang-painless"
    assert "name=lang-painless\n" in (painless / "plugin-descriptor.properties").read_text()
    assert 'permission java.lang.RuntimePermission "createClassLoader";' in (
        (painless / "plugin-security.policy").read_text()
    )
    assert package.installed(cache) == home
    assert package.fetch(cache) == home


def test_failed_fetch_leaves_no_package(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_given: object) -> None:
        raise MavenError("no route to anywhere")

    monkeypatch.setattr(package, "fetch_artifacts", fail)
    with pytest.raises(MavenError, match="no route"):
        package.fetch(cache)
    assert package.installed(cache) is None
    assert list(cache.iterdir()) == []


def test_same_package_has_the_same_archive(cache: Path, tmp_path: Path) -> None:
    first = package.archive(tmp_path / "a", cache)
    for path in package.fetch(cache).rglob("*"):
        path.touch()
    second = package.archive(tmp_path / "b", cache)
    assert (first.name, first.read_bytes()) == (second.name, second.read_bytes())


@pytest.fixture
def node(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> NodeSettings:
    """Return the settings of a node that fetches the archive; OSS is a folder."""
    archive = package.archive(tmp_path / "oss", cache)

    class Oss:
        def __init__(self, *_given: object) -> None: ...

        def download(self, uri: str, path: Path) -> None:
            path.write_bytes((tmp_path / "oss" / uri.rpartition("/")[2]).read_bytes())

    monkeypatch.setattr(opensearch_node.package, "OssClient", Oss)
    monkeypatch.setattr(opensearch_node.package, "credentials_provider", lambda: None)
    values: dict[str, Any] = {
        "region_id": "cn-hangzhou",
        "kms_endpoint": "",
        "opensearch_state": tmp_path / "state",
        "opensearch_package_uri": f"oss://packages/{archive.name}",
        "opensearch_cluster_name": "search",
        "opensearch_node_name": "data-1",
        "opensearch_address": "10.0.0.1",
        "opensearch_cluster_managers": "data-1=10.0.0.1",
        "opensearch_certificates": "",
        "opensearch_users": "",
        "opensearch_index_prefix": "knowledge",
    }
    return NodeSettings(**values)


def test_node_fetches_the_archive_once(node: NodeSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    home = provide_package(node)
    assert (home / "bin" / "opensearch").stat().st_mode & 0o111
    assert (home / "libtorch" / "libtorch.so").read_text() == "torch"
    monkeypatch.delattr(opensearch_node.package, "OssClient")
    assert provide_package(node) == home


def test_interrupted_fetch_is_repeated(node: NodeSettings) -> None:
    leftover = node.opensearch_state / "package" / ".part" / "half"
    leftover.mkdir(parents=True)
    home = provide_package(node)
    assert [path.name for path in home.parent.iterdir()] == [home.name]


def test_archive_with_another_digest_is_refused(node: NodeSettings, tmp_path: Path) -> None:
    name = node.opensearch_package_uri.rpartition("/")[2]
    with tarfile.open(tmp_path / "oss" / name, "w:gz"):
        pass
    with pytest.raises(NodeError, match=r"has the SHA-256 [0-9a-f]{64}\. Upload the package"):
        provide_package(node)
