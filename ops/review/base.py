"""The declarations of another commit: its code and its stack files.

Owns finding the commit to compare with, and reading it out of git into a temporary folder. Touches
neither the working tree nor git's own files. Does not own what a program declares
(`guardrails.declare` of the other commit, if it has that module).
"""

from __future__ import annotations

import contextlib
import io
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from guardrails.declare import Declared, declare, stack_config, stack_file
from stack_config.config import ConfigError

__all__ = [
    "SHORT",
    "BaseError",
    "checkout",
    "commit_of",
    "default_base",
    "former",
    "former_config",
    "has_stack",
    "head_of",
]

_SECONDS = 60
SHORT = 10
"""Digits of a commit that are shown."""
_MAIN = ("origin/main", "main")


class BaseError(Exception):
    """The commit to compare with cannot be found. The message says what to give instead."""


def _git(root: Path, *arguments: str) -> bytes:
    done = subprocess.run(
        ["git", *arguments], cwd=root, capture_output=True, timeout=_SECONDS, check=False
    )
    if done.returncode:
        raise BaseError(f"`git {' '.join(arguments)}` failed: {done.stderr.decode().strip()}")
    return done.stdout


def commit_of(root: Path, ref: str) -> str:
    """Return the commit that a ref names.

    Raises:
        BaseError: The ref does not name a commit.
    """
    try:
        return (
            _git(root, "rev-parse", "--verify", "--end-of-options", f"{ref}^{{commit}}")
            .decode()
            .strip()
        )
    except BaseError as error:
        raise BaseError(
            f"BASE={ref} is not a commit in this repository; give a branch, a tag or a commit, and "
            "fetch it first"
        ) from error


def default_base(root: Path) -> str:
    """Return the commit where this branch left main; on main itself, its last commit.

    Raises:
        BaseError: This is not a git repository, or it has no commit.
    """
    for branch in _MAIN:
        with contextlib.suppress(BaseError):
            return _git(root, "merge-base", "HEAD", branch).decode().strip()
    return commit_of(root, "HEAD")


def head_of(root: Path) -> str:
    """Describe this tree for a reviewer: its commit, and whether there are uncommitted changes."""
    try:
        commit, *parents = _git(root, "rev-list", "--parents", "--max-count=1", "HEAD").split()
        changed = _git(root, "status", "--porcelain")
    except BaseError:
        return "this tree"
    # A pull request's workflow checks out its merge with the base, which is not in any branch.
    of = parents[1] if len(parents) == 2 else commit
    words = f"`{of[:SHORT].decode()}`{' merged into its base' if of != commit else ''}"
    return f"{words} with uncommitted changes" if changed else words


@contextlib.contextmanager
def checkout(root: Path, commit: str) -> Iterator[Path]:
    """Provide the tree of a commit in a temporary folder, until the block ends.

    Raises:
        BaseError: Git does not have it.
    """
    archive = _git(root, "archive", "--format=tar", commit)
    with tempfile.TemporaryDirectory(prefix="customrag-base-") as folder:
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            tar.extractall(folder, filter="data")
        yield Path(folder)


def former(stack: str, tree: Path) -> list[Declared] | None:
    """Return what a stack declares in another tree; None if it did not exist there.

    Raises:
        ConfigError: The stack's configuration was not usable there.
        DeclareError: The program failed there.
    """
    return declare(stack, root=tree) if has_stack(stack, tree) else None


def former_config(stack: str, tree: Path) -> dict[str, str]:
    """Return a stack's configuration in another tree; empty if it did not exist there."""
    try:
        return stack_config(stack, tree)
    except ConfigError:
        return {}


def has_stack(stack: str, root: Path) -> bool:
    """Whether a stack has a file, or a template, in a tree."""
    try:
        stack_file(stack, root)
    except ConfigError:
        return False
    return True
