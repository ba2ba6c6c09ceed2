"""The code of jobs and nodes: a zip in OSS for each entry point, named after its content.

Owns: packing and uploading. Does not own: where the code runs. Python imports from a zip on
`PYTHONPATH`, so nothing is unpacked. A zip holds only what its entry point imports, so a change to
the chat page does not start a new training run.
"""

from __future__ import annotations

import ast
import hashlib
import io
import os
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pulumi
from pulumi_alicloud import oss

__all__ = ["CodePackage", "CodePackageArgs", "import_closure", "pack"]

# The earliest time that a zip can store; a fixed time gives equal zips on every machine.
_EPOCH = (1980, 1, 1, 0, 0, 0)
_DATA_SUFFIXES = frozenset({".html", ".css", ".js", ".json", ".svg", ".txt", ".md", ".j2"})


def import_closure(root: Path, module: str, packages: Iterable[str]) -> tuple[Path, ...]:
    """Return every file of `packages` that `module` needs, from its imports, without running it.

    Args:
        root: The folder that holds the packages.
        module: The entry point, e.g. `training.train_embedding`. A package includes its
            `__main__`.
        packages: Top-level packages of this project. Other packages come from the machine's
            image.

    Returns:
        Paths below `root`, sorted. They include the packages' data files (pages, templates).

    Raises:
        FileNotFoundError: The module does not exist.
    """
    ours = frozenset(packages)
    found: set[Path] = set()
    waiting = [module, f"{module}.__main__"] if (root / _folder(module)).is_dir() else [module]
    if _source(root, module) is None:
        raise FileNotFoundError(f"module {module!r} does not exist below {root}")
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in seen or name.partition(".")[0] not in ours:
            continue
        seen.add(name)
        parent = name.rpartition(".")[0]
        if parent:
            waiting.append(parent)
        source = _source(root, name)
        if source is None:
            continue
        found.add(source)
        if source.name == "__init__.py":
            found.update(_data_files(source.parent))
        waiting.extend(_imports(source, name))
    return tuple(sorted(path.relative_to(root) for path in found))


def pack(root: Path, files: Iterable[Path]) -> bytes:
    """Return a zip of `files` (below `root`) that depends only on their names and contents."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(files):
            entry = zipfile.ZipInfo(path.as_posix(), date_time=_EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, (root / path).read_bytes())
    return buffer.getvalue()


@dataclass(frozen=True, kw_only=True)
class CodePackageArgs:
    """Arguments of `CodePackage`.

    Attributes:
        bucket_name: Bucket for the zip. A plain name, because the URIs must be known before the
            bucket exists.
        endpoint_host: Host of OSS for the jobs, used in URIs that contain the bucket's host.
        work_dir: Folder in which the zip stays until the provider has read it.
        module: The entry point.
        root: The folder that holds the packages.
        packages: Top-level packages of this project.
    """

    bucket_name: str
    endpoint_host: str
    work_dir: Path
    module: str
    root: Path
    packages: tuple[str, ...] = ("opensearch_node", "rag", "training", "providers")


class CodePackage(pulumi.ComponentResource):
    """The code of one entry point as a private object in OSS.

    Attributes:
        digest: First 12 hexadecimal digits of the zip's SHA-256.
        file_name: `customrag-<digest>.zip`.
        uri: `oss://<bucket>/code/<digest>/<file_name>`. Users of it must depend on this component.
        directory_uri: `oss://<bucket>.<endpoint host>/code/<digest>/`, as DLC mounts it.
    """

    digest: str
    file_name: str
    uri: str
    directory_uri: str

    def __init__(
        self, name: str, args: CodePackageArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("customrag:code:CodePackage", name, None, opts)
        content = pack(args.root, import_closure(args.root, args.module, args.packages))
        self.digest = hashlib.sha256(content).hexdigest()[:12]
        self.file_name = f"customrag-{self.digest}.zip"
        directory = f"code/{self.digest}/"
        self.uri = f"oss://{args.bucket_name}/{directory}{self.file_name}"
        self.directory_uri = f"oss://{args.bucket_name}.{args.endpoint_host}/{directory}"
        oss.BucketObject(
            name,
            bucket=args.bucket_name,
            key=f"{directory}{self.file_name}",
            source=str(_write(args.work_dir / self.file_name, content)),
            content_type="application/zip",
            acl="private",
            opts=pulumi.ResourceOptions(
                parent=self,
                # The key identifies the content; the path differs on each machine.
                ignore_changes=["source"],
            ),
        )
        self.register_outputs({"uri": self.uri})


def _write(path: Path, content: bytes) -> Path:
    """Write the zip to a path where the provider can read it during this update."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}.part")
    partial.write_bytes(content)
    partial.replace(path)
    return path.resolve()


def _folder(module: str) -> Path:
    return Path(*module.split("."))


def _source(root: Path, module: str) -> Path | None:
    folder = root / _folder(module)
    for path in (folder / "__init__.py", folder.with_suffix(".py")):
        if path.is_file():
            return path
    return None


def _data_files(folder: Path) -> Iterator[Path]:
    """Yield the data files of this package, without those of its subpackages."""
    for path in folder.iterdir():
        if path.is_file() and path.suffix in _DATA_SUFFIXES:
            yield path
        elif path.is_dir() and not (path / "__init__.py").exists():
            yield from _data_files(path)


def _imports(source: Path, module: str) -> list[str]:
    package = module if source.name == "__init__.py" else module.rpartition(".")[0]
    names: list[str] = []
    for node in _run_time_nodes(ast.parse(source.read_text(encoding="utf-8"), str(source))):
        if isinstance(node, ast.Import):
            names.extend(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")[: len(package.split(".")) - node.level + 1]
            base = ".".join(parts) if node.level else ""
            target = ".".join(part for part in (base, node.module or "") if part)
            names.append(target)
            names.extend(f"{target}.{alias.name}" for alias in node.names)
    return names


def _run_time_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield every node except those that only a type checker reads (`if TYPE_CHECKING:`)."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            for statement in node.orelse:
                yield statement
                yield from _run_time_nodes(statement)
            continue
        yield node
        yield from _run_time_nodes(node)
