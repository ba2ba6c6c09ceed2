"""The values that a stack's file declares, as the rooms of `ops` read them.

Owns where a stack's values are (`stacks/Pulumi.<stack>.yaml`, or the template of a pull request's
stack), and how such a file is written. Does not own the meaning of the keys (`stack_config`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

__all__ = [
    "NAMESPACE",
    "PULL_REQUEST_HOURS",
    "REHEARSAL",
    "ROOT",
    "DeclaredError",
    "declared_values",
    "is_on_this_machine",
    "is_pull_request",
    "moment",
    "stacks_with_files",
    "with_defaults",
    "write_stack_file",
]

ROOT = Path(__file__).resolve().parent.parent
NAMESPACE = "customrag:"
REHEARSAL = "rehearse-"
"""Prefix of the name of a rehearsal's stack."""
PULL_REQUEST_HOURS = 72
"""Time to live of a pull request's stack, from its last `make pr-up`."""
_PULL_REQUEST = re.compile(r"pr-[1-9]\d*")
_TEMPLATE = "pr.template.yaml"


class DeclaredError(Exception):
    """A stack has no file, or the file cannot be read. The message says what to do."""


def is_pull_request(stack: str) -> bool:
    """Whether a stack, or the one that it rehearses, is a pull request's."""
    return _PULL_REQUEST.fullmatch(stack.removeprefix(REHEARSAL)) is not None


def is_on_this_machine(stack: str) -> bool:
    """Whether a stack runs on this machine: the local stack, or a rehearsal."""
    return stack == "local" or stack.startswith(REHEARSAL)


def moment(at: datetime) -> str:
    """Return a time in the format of `expiresAt`: `2026-11-24T12:00:00Z`."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def stacks_with_files(root: Path = ROOT) -> list[str]:
    """Return the stacks that have a file of their own."""
    return sorted(file.name.split(".")[1] for file in (root / "stacks").glob("Pulumi.*.yaml"))


def declared_values(
    stack: str, *, root: Path = ROOT, now: datetime | None = None
) -> dict[str, Any]:
    """Return the values in a stack's file, by key with its namespace.

    A pull request's stack without a file gets the template's values, and its time to live. Secrets
    (`secure:`) are left out, because they are encrypted with the stack's own key.

    Args:
        stack: Such as `dev` or `pr-7`.
        root: The project's folder.
        now: When a pull request's stack begins to live; by default the current time.

    Raises:
        DeclaredError: There is no such file, or it is not a stack file.
    """
    folder = root / "stacks"
    path, template = folder / f"Pulumi.{stack}.yaml", folder / _TEMPLATE
    from_template = is_pull_request(stack) and not path.is_file()
    path = template if from_template else path
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise DeclaredError(
            f"stack {stack!r} has no file {path.relative_to(root)}; there are files for "
            f"{', '.join(stacks_with_files(root)) or 'no stack'}, and each pr-<number> is created "
            f"from {_TEMPLATE}"
        ) from error
    except yaml.YAMLError as error:
        raise DeclaredError(f"{path.relative_to(root)} is not valid YAML: {error}") from error
    config = document.get("config") if isinstance(document, dict) else None
    if not isinstance(config, dict):
        raise DeclaredError(
            f"{path.relative_to(root)} has no mapping `config:`; add it with the stack's values"
        )
    values = {key: value for key, value in config.items() if not _is_secret(value)}
    if from_template:
        began = now or datetime.now(UTC)
        values[f"{NAMESPACE}expiresAt"] = moment(began + timedelta(hours=PULL_REQUEST_HOURS))
    return values


def _is_secret(value: Any) -> bool:
    return isinstance(value, dict) and "secure" in value


def with_defaults(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return `values` and, for the other keys, the defaults of `Pulumi.yaml`."""
    project = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))
    defaults = {
        key: entry["default"] for key, entry in project["config"].items() if "default" in entry
    }
    return {**defaults, **values}


def write_stack_file(path: Path, values: Mapping[str, Any], *, remark: str) -> None:
    """Write a stack's file; keep what it has outside `config:` (its encryption).

    Args:
        path: The file.
        values: By key with its namespace.
        remark: The file's first line, as a comment.
    """
    kept: dict[str, Any] = {}
    if path.is_file():
        document = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        kept = {key: value for key, value in document.items() if key != "config"}
    text = yaml.safe_dump({**kept, "config": dict(values)}, allow_unicode=True, width=100)
    path.write_text(f"# {remark}\n{text}", encoding="utf-8")
