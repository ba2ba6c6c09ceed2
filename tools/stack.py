"""The files of a stack on this machine: folders, passphrase, configuration, state.

Owns their creation, as a part of set-up. Does not start the engine (`ops.engine`).
"""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

from tools import engines
from tools.errors import StackError
from tools.paths import Paths
from tools.progress import StepContext

_SALT = re.compile(r"^encryptionsalt:.*\n?", re.MULTILINE)


def project_name(paths: Paths) -> str:
    """Return the project's name, from Pulumi.yaml.

    Raises:
        StackError: There is no such line.
    """
    found = re.search(r"^name:\s*(\S+)", paths.program_file.read_text(), re.MULTILINE)
    if not found:
        raise StackError(f"{paths.program_file} has no line `name:`; add the project's name")
    return found.group(1).strip("'\"")


def checkpoint(paths: Paths) -> Path:
    """Return the file that holds the stack's state."""
    return paths.state / ".pulumi" / "stacks" / project_name(paths) / f"{paths.local_stack}.json"


def make_folders(paths: Paths) -> None:
    """Create the stack's folders, for this user only."""
    for folder in (paths.private, paths.home, paths.state, paths.pulumi_home):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)


def provide_passphrase(paths: Paths) -> None:
    """Create the passphrase, unless it exists.

    Raises:
        StackError: There is a state but no passphrase to read it with.
    """
    if paths.passphrase.is_file() and paths.passphrase.stat().st_size:
        return
    if checkpoint(paths).exists():
        raise StackError(
            f"the file {paths.passphrase} is missing or empty, and nothing else decrypts the "
            f"secrets in {paths.state}. Restore the file, or run `make down` and start again."
        )
    paths.passphrase.unlink(missing_ok=True)
    descriptor = os.open(paths.passphrase, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(32) + "\n")


def provide_file(paths: Paths) -> str:
    """Create the local stack's configuration file from the template, unless it exists.

    Returns:
        What to tell the user about it, or "".
    """
    if paths.stack_file.exists():
        # That of a rehearsal is written before, from the declared values of the rehearsed stack.
        return ""
    text, told = engines.left_out(paths, paths.stack_template.read_text(encoding="utf-8"))
    paths.stack_file.write_text(text, encoding="utf-8")
    return told


def provide_stack(
    paths: Paths,
    context: StepContext,
    pulumi: Path,
    environment: Mapping[str, str],
    *,
    tell: Callable[[str], None],
) -> str:
    """Create the stack and its configuration file, unless they exist.

    Args:
        paths: The paths of the stack.
        context: Its log.
        pulumi: The CLI.
        environment: The whole environment for it.
        tell: Shows the user what the configuration leaves out.

    Returns:
        A note, or "" if the stack existed.

    Raises:
        StackError: There is a state but no passphrase to read it with, or this machine cannot run
            one of the search engines.
        StepError: Pulumi refused.
    """
    provide_passphrase(paths)
    if told := provide_file(paths):
        tell(told)
    engines.refuse(paths)
    if checkpoint(paths).exists():
        return ""
    # A salt in the file belongs to a stack that no longer exists, and to its passphrase.
    text = paths.stack_file.read_text()
    if _SALT.search(text):
        paths.stack_file.write_text(_SALT.sub("", text))
    command: list[str | Path] = [pulumi, "stack", "init", paths.local_stack, "--non-interactive"]
    context.run(command, cwd=paths.checkout, env=environment, timeout_seconds=120)
    return "created"


def has_resources(paths: Paths) -> bool:
    """Whether the stack's state holds resources or unfinished work."""
    file = checkpoint(paths)
    if not file.is_file():
        return False
    try:
        latest = json.loads(file.read_text())["checkpoint"].get("latest") or {}
    except (ValueError, KeyError, AttributeError):
        return True
    return bool(latest.get("resources") or latest.get("pending_operations"))
