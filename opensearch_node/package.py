"""The OpenSearch package on the node: from the image, or fetched from OSS.

Owns: finding or fetching it, and laying libtorch where ml-commons looks for it. Without that,
ml-commons would fetch libtorch from the Internet at the first deployment of a model.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import tarfile
from pathlib import Path
from typing import Final

from opensearch_node.configuration import LIBTORCH_FOLDER
from opensearch_node.errors import NodeError
from opensearch_node.settings import NodeSettings
from providers.clients.credentials import credentials_provider
from providers.clients.oss import OssClient

__all__ = ["lay_libtorch", "provide_package"]

_DIGEST: Final = re.compile(r"-([0-9a-f]{64})\.tar\.gz$")


def provide_package(settings: NodeSettings) -> Path:
    """Return the folder of the package; fetch it first if the image does not have it.

    Raises:
        NodeError: Neither the image nor OSS has a usable package.
        providers.clients.errors.ClientError: OSS did not give the archive.
    """
    uri = settings.opensearch_package_uri
    if not uri:
        launcher = settings.opensearch_home / "bin" / "opensearch"
        if not launcher.is_file():
            raise NodeError(
                f"{launcher} does not exist. Choose an image with OpenSearch, or set "
                "customrag:opensearchPackage to the URI of a package in OSS"
            )
        return settings.opensearch_home
    found = _DIGEST.search(uri)
    if found is None:
        raise NodeError(
            f"CUSTOMRAG_OPENSEARCH_PACKAGE_URI is {uri!r}. It must end in -<SHA-256>.tar.gz"
        )
    home = settings.opensearch_state / "package" / found.group(1)[:16]
    if not home.is_dir():
        _fetch(settings, uri, found.group(1), home)
    return home


def _fetch(settings: NodeSettings, uri: str, digest: str, home: Path) -> None:
    """Fetch and unpack the archive; `home` is either complete or absent."""
    home.parent.mkdir(parents=True, exist_ok=True)
    for leftover in home.parent.glob(".part*"):
        _remove(leftover)
    archive, unpacked = home.parent / ".part.tar.gz", home.parent / ".part"
    print(f"opensearch: fetching {uri}", flush=True)
    client = OssClient(settings.oss_endpoint, settings.region_id, credentials_provider())
    client.download(uri, archive)
    with archive.open("rb") as file:
        actual = hashlib.file_digest(file, "sha256").hexdigest()
    if actual != digest:
        raise NodeError(f"{uri} has the SHA-256 {actual}. Upload the package again")
    with tarfile.open(archive) as tar:
        tar.extractall(unpacked, filter="data")
    unpacked.rename(home)
    archive.unlink()


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def lay_libtorch(package: Path, data: Path) -> None:
    """Link the package's libtorch into the data folder, where ml-commons looks for it."""
    folder = data / LIBTORCH_FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for source in (package / "libtorch").iterdir():
        link = folder / source.name
        if link.is_symlink() and link.readlink() == source:
            continue
        link.unlink(missing_ok=True)
        link.symlink_to(source)
