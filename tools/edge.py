"""The build of the edge's worker: its npm packages and its bundle.

Owns when the build is needed and when it is repeated. Does not own the worker (`edge/`) nor how it
is bundled (`edge/build.mjs`). Packages come from npm's registry as npm is configured, at the
versions of the lock file, without running their install scripts.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from tools.paths import REHEARSAL, Paths
from tools.progress import StepContext

_NAMESPACE = "customrag:"
_EDGE_ON = re.compile(r"^\s*customrag:edge:\s*[\"']?cloudflare\b", re.MULTILINE)
# In the folder that it describes, so that it is deleted together with it.
_STAMP = ".customrag-made"
_NPM_SECONDS = 600
_BUILD_SECONDS = 600


def is_needed(paths: Paths, stack: str, replaced: Sequence[str] = ()) -> bool:
    """Whether a stack's file, or the template that it will be created from, has an edge.

    Args:
        paths: The checkout.
        stack: The stack.
        replaced: The values that a rehearsal replaces, as KEY=VALUE.
    """
    said = [value for value in replaced if value.removeprefix(_NAMESPACE).startswith("edge=")]
    if said:
        return said[-1].endswith("=cloudflare")
    declared = paths.checkout / "stacks" / f"Pulumi.{stack.removeprefix(REHEARSAL)}.yaml"
    template = paths.stack_template
    for file in (declared, template if stack == paths.local_stack else declared):
        if file.is_file():
            return _EDGE_ON.search(file.read_text(encoding="utf-8")) is not None
    return False


def provide(paths: Paths, context: StepContext) -> str:
    """Install the packages and bundle the worker, unless that was done for the same sources.

    Returns:
        A note, or "" if there was nothing to do.

    Raises:
        StepError: npm failed; the message has the end of its output.
    """
    folder = paths.checkout / "edge"
    done = []
    packages = _digest([folder / "package.json", folder / "package-lock.json"])
    installed = folder / "node_modules" / _STAMP
    if not _says(installed, packages):
        context.run(
            [_npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
            cwd=folder,
            env={**os.environ, "CI": "true"},
            timeout_seconds=_NPM_SECONDS,
        )
        installed.write_text(packages, encoding="utf-8")
        done.append("installed its packages")
    done += _compile_sdk(paths, context)
    sources = [folder / "build.mjs", *sorted((folder / "src").glob("*.ts"))]
    bundle, built = f"{packages} {_digest(sources)}", folder / "dist" / _STAMP
    if not _says(built, bundle) or not (folder / "dist" / "worker.js").is_file():
        context.run([_node(), "build.mjs"], cwd=folder, timeout_seconds=_BUILD_SECONDS)
        built.write_text(bundle, encoding="utf-8")
        done.append("bundled the worker")
    return ", ".join(done)


def _compile_sdk(paths: Paths, context: StepContext) -> list[str]:
    """Compile Cloudflare's SDK on two cores: half a million lines, which the first import needs."""
    (sdk,) = paths.venv.glob("lib/python3*/site-packages/pulumi_cloudflare")
    if (sdk / "__pycache__").is_dir():
        return []
    command: list[str | Path] = [paths.python, "-m", "compileall", "-q", "-j", "2", sdk]
    context.run(command, cwd=paths.checkout, timeout_seconds=_BUILD_SECONDS)
    return ["compiled its SDK"]


def _npm() -> str:
    return shutil.which("npm") or "npm"


def _node() -> str:
    return shutil.which("node") or "node"


def _digest(files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def _says(stamp: Path, text: str) -> bool:
    return stamp.is_file() and stamp.read_text(encoding="utf-8") == text
