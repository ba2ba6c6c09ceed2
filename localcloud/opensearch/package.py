"""The OpenSearch package: the engine, its plugins and libtorch, in one folder or one archive.

Owns building it from the vendor's artifacts (`artifacts`), once per machine. The image of local
nodes has the folder; a cloud stack's nodes fetch the archive from OSS. So both run the same files.
Does not own configuring or starting the engine (`opensearch_node`).

Usage: ``python -m localcloud.opensearch.package fetch [--cache DIR]``, or
``… archive --output DIR`` for a cloud stack, which prints the archive's path.

Layout: OpenSearch's own (``bin``, ``lib``, ``plugins``, …), and ``libtorch/`` with the libraries
that `opensearch_node` puts where ml-commons looks for them.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import shutil
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from localcloud.core.errors import LocalCloudError
from localcloud.core.home import machine_cache
from localcloud.core.maven import Artifact, fetch_artifacts
from localcloud.core.unpacking import is_complete, move_into_place, open_folders, unzip
from localcloud.opensearch.artifacts import (
    ENGINE,
    LIBTORCH,
    LIBTORCH_JNI,
    MODULES,
    PLUGINS,
    VERSION,
    Module,
)

__all__ = ["archive", "fetch", "image_paths", "installed", "main", "package_name"]

# CUDA libraries of ONNX, 300 MB. Our models are TorchScript.
_LEFT_OUT: Final = "onnxruntime_gpu-"
# Where DJL 0.31.1 looks for its JNI library.
_JNI_NAME: Final = "0.31.1-libdjl_torch.so"
_JNI_MEMBER: Final = "jnilib/linux-x86_64/cpu/libdjl_torch.so"
_LIBTORCH_MEMBERS: Final = "pytorch/cpu/linux-x86_64/"


def package_name() -> str:
    """Return the folder's name, which changes with any artifact."""
    named = sorted(f"{item.file_name} {item.sha256}" for item in _all_artifacts())
    digest = hashlib.sha256("\n".join(named).encode()).hexdigest()
    return f"opensearch-{VERSION}-{digest[:12]}"


def installed(cache: Path | None = None) -> Path | None:
    """Return the package in `cache`, or None if it is missing or incomplete."""
    home = (cache or machine_cache()) / package_name()
    return home if is_complete(home) else None


def image_paths() -> dict[str, Path]:
    """Return the folder of a node's image that has the package, and where it really is."""
    package = installed()
    return {} if package is None else {"/usr/share/opensearch": package}


def fetch(cache: Path | None = None, report: Callable[[str], None] | None = None) -> Path:
    """Return the package in the cache; build it if it is missing.

    Args:
        cache: Folder to build it in; `machine_cache` if None.
        report: Receives each line of progress.

    Raises:
        localcloud.core.maven.MavenError: An artifact could not be fetched.
    """
    say = report or (lambda line: None)
    cache = cache or machine_cache()
    home = installed(cache)
    if home is not None:
        say(f"opensearch {VERSION}: already at {home}")
        return home
    cache.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix=".opensearch-", dir=cache) as work:
        say(f"opensearch {VERSION}: fetching with Maven (590 MB)")
        files = fetch_artifacts(_all_artifacts(), Path(work), f"opensearch {VERSION}", say)
        say(f"opensearch {VERSION}: unpacking")
        built = _build(files, Path(work) / "package")
        home = move_into_place(built, cache / package_name())
    say(f"opensearch {VERSION}: ready in {time.monotonic() - started:.0f} s at {home}")
    return home


def archive(output: Path, cache: Path | None = None) -> Path:
    """Write the package as an archive for nodes in the cloud.

    Args:
        output: The folder for it.
        cache: As for `fetch`.

    Returns:
        The archive, whose name ends in its SHA-256, by which a node checks it. The same package
        always gives the same bytes.
    """
    home = fetch(cache)
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=output, prefix=".opensearch-", delete=False) as file:
        temporary = Path(file.name)
        try:
            with (
                gzip.GzipFile(fileobj=file, mode="wb", filename="", mtime=0) as packed,
                tarfile.open(fileobj=packed, mode="w") as tar,
            ):
                for path in sorted(home.rglob("*")):
                    tar.add(path, path.relative_to(home), recursive=False, filter=_plain)
            file.close()
            with temporary.open("rb") as written:
                digest = hashlib.file_digest(written, "sha256").hexdigest()
            target = output / f"{package_name()}-{digest}.tar.gz"
            temporary.chmod(0o644)
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
    return target


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.mtime, member.uid, member.gid, member.uname, member.gname = 0, 0, 0, "", ""
    return member


def _all_artifacts() -> tuple[Artifact, ...]:
    jars = (jar for module in MODULES for jar in module.jars)
    return (ENGINE, *PLUGINS, *jars, LIBTORCH, LIBTORCH_JNI)


def _build(files: dict[Artifact, Path], work: Path) -> Path:
    unzip(files[ENGINE], work)
    home = work / f"opensearch-{VERSION}"
    for plugin in PLUGINS:
        unzip(files[plugin], home / "plugins" / _plugin_folder(files[plugin]))
    for path in home.glob(f"plugins/*/{_LEFT_OUT}*.jar"):
        path.unlink()
    for module in MODULES:
        _make_module(module, files, home / "modules" / module.name)
    libtorch = home / "libtorch"
    libtorch.mkdir()
    with zipfile.ZipFile(files[LIBTORCH]) as jar:
        for name in jar.namelist():
            if name.startswith(_LIBTORCH_MEMBERS) and not name.endswith("/"):
                _extract(jar, name, libtorch / name.removeprefix(_LIBTORCH_MEMBERS))
    with zipfile.ZipFile(files[LIBTORCH_JNI]) as jar:
        _extract(jar, _JNI_MEMBER, libtorch / _JNI_NAME)
    open_folders(home)
    return home


def _make_module(module: Module, files: dict[Artifact, Path], folder: Path) -> None:
    folder.mkdir(parents=True)
    for jar in module.jars:
        shutil.copyfile(files[jar], folder / jar.file_name)
    (folder / "plugin-descriptor.properties").write_text(module.descriptor, encoding="utf-8")
    (folder / "plugin-security.policy").write_text(module.policy, encoding="utf-8")


def _plugin_folder(archive_file: Path) -> str:
    """Return the name of a plugin's folder: the one in its descriptor."""
    with zipfile.ZipFile(archive_file) as file:
        text = file.read("plugin-descriptor.properties").decode("utf-8")
    names = [line.removeprefix("name=") for line in text.splitlines() if line.startswith("name=")]
    return names[0].strip()


def _extract(jar: zipfile.ZipFile, name: str, target: Path) -> None:
    with jar.open(name) as source, target.open("wb") as copy:
        shutil.copyfileobj(source, copy, 2**20)
    target.chmod(0o755)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m localcloud.opensearch.package")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (
        ("fetch", "build the package in the cache"),
        ("archive", "write the archive that a cloud stack's nodes fetch, and print its path"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("--cache", type=Path, default=None, help="default: the user's cache")
        if name == "archive":
            command.add_argument("--output", type=Path, required=True, help="folder for it")
    options = parser.parse_args(arguments)
    try:
        if options.command == "fetch":
            fetch(options.cache, lambda line: print(line, flush=True))
        else:
            print(archive(options.output, options.cache), flush=True)
    except LocalCloudError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
