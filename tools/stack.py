"""The own files of a stack of this machine, and what a killed engine leaves behind in them.

Owns the passphrase, the stack's making, its configuration file, the stale lock and the pending
operations. Does not run updates.

File backend, as found in CLI 3.259.0: locks are JSON files with the engine's process id; what was
cut off stays in the checkpoint as a pending operation, which `up` warns of at length and then does
again (our providers take over what is there).
"""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tools.errors import LockedError, StackError
from tools.paths import Paths

_SALT = re.compile(r"^encryptionsalt:.*\n?", re.MULTILINE)
_DONE_AGAIN = ("creating", "updating", "deleting", "reading")
"""Pending operations after which the checkpoint still says what was before them."""
_COMMAND_SECONDS = 120
_SIGN_IN = (
    "Nobody is signed in to where the stacks' state is: `make sign-in`, or `pulumi login`; see "
    "docs/explanation/state-and-identity.md"
)


def project_name(paths: Paths) -> str:
    """The project's name, as Pulumi.yaml says it.

    Raises:
        StackError: There is no such line.
    """
    found = re.search(r"^name:\s*(\S+)", paths.program_file.read_text(), re.MULTILINE)
    if not found:
        raise StackError(f"{paths.program_file} has no `name:`")
    return found.group(1).strip("'\"")


def checkpoint(paths: Paths) -> Path:
    """The file that holds the stack's state."""
    return paths.state / ".pulumi" / "stacks" / project_name(paths) / f"{paths.local_stack}.json"


def run_pulumi(
    pulumi: Path, arguments: list[str], *, paths: Paths, environment: Mapping[str, str]
) -> str:
    """Run a quick `pulumi` command and return its output.

    Raises:
        StackError: It failed; the message has its output.
    """
    done = subprocess.run(
        [str(pulumi), *arguments],
        cwd=paths.checkout,
        env=dict(environment),
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=_COMMAND_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        command = " ".join(arguments[:2])
        said = done.stderr.strip() or done.stdout.strip()
        if "PULUMI_ACCESS_TOKEN must be set" in said:
            said += f"\n{_SIGN_IN}"
        raise StackError(f"`pulumi {command}` failed:\n{said}")
    return done.stdout


def make_folders(paths: Paths) -> None:
    """Make the stack's folders, for this user only."""
    for folder in (paths.private, paths.home, paths.state, paths.pulumi_home):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)


def provide_passphrase(paths: Paths) -> None:
    """Make the passphrase, unless it is there.

    Raises:
        StackError: There is a state but no passphrase to read it with.
    """
    if paths.passphrase.is_file() and paths.passphrase.stat().st_size:
        return
    if checkpoint(paths).exists():
        raise StackError(
            f"{paths.passphrase} is gone, and nothing else opens the secrets in {paths.state}: "
            "put it back, or `make down` and start anew"
        )
    paths.passphrase.unlink(missing_ok=True)
    descriptor = os.open(paths.passphrase, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(32) + "\n")


def provide_stack(paths: Paths, pulumi: Path, environment: Mapping[str, str]) -> str:
    """Make the stack and its configuration file, unless they are there.

    Returns:
        What was done, or "".

    Raises:
        StackError: Pulumi refused.
    """
    provide_passphrase(paths)
    if not paths.stack_file.exists():
        # That of a rehearsal is written before, from what the rehearsed stack declares.
        paths.stack_file.write_text(paths.stack_template.read_text())
    if checkpoint(paths).exists():
        return ""
    # A salt that is there belongs to a stack that is gone, and to its passphrase.
    text = paths.stack_file.read_text()
    if _SALT.search(text):
        paths.stack_file.write_text(_SALT.sub("", text))
    run_pulumi(pulumi, ["stack", "init", paths.local_stack], paths=paths, environment=environment)
    return "made"


def set_corpus(
    paths: Paths, corpus: Path, pulumi: Path, environment: Mapping[str, str], stack: str
) -> None:
    """Make a folder of the user's the stack's corpus, from now on.

    Raises:
        StackError: The folder has no `docs`, or Pulumi refused.
    """
    folder = corpus.expanduser().resolve()
    if not (folder / "docs").is_dir():
        raise StackError(
            f"CORPUS={corpus}: {folder} has no folder `docs`; a corpus is a folder with the "
            "documents in docs/ and, if there are any, questions in questions.jsonl"
        )
    key = f"{project_name(paths)}:corpusDir"
    arguments = ["config", "get", key, "--stack", stack]
    try:
        now = run_pulumi(pulumi, arguments, paths=paths, environment=environment).strip()
    except StackError:
        now = ""
    if now != str(folder):
        arguments = ["config", "set", key, str(folder), "--stack", stack]
        run_pulumi(pulumi, arguments, paths=paths, environment=environment)


def has_resources(paths: Paths) -> bool:
    """Whether the stack's checkpoint holds resources or unfinished work."""
    file = checkpoint(paths)
    if not file.is_file():
        return False
    try:
        latest = json.loads(file.read_text())["checkpoint"].get("latest") or {}
    except (ValueError, KeyError, AttributeError):
        return True
    return bool(latest.get("resources") or latest.get("pending_operations"))


def _engine_runs(pid: int) -> bool:
    try:
        name = Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return False
    return name.startswith("pulumi")


def clear_stale_lock(paths: Paths, pulumi: Path, environment: Mapping[str, str]) -> str:
    """Remove the lock of an engine that was killed.

    Returns:
        What was done, or "".

    Raises:
        LockedError: The engine that holds the lock is alive.
    """
    folder = paths.state / ".pulumi" / "locks"
    locks = list(folder.rglob("*.json")) if folder.is_dir() else []
    if not locks:
        return ""
    for lock in locks:
        try:
            pid = int(json.loads(lock.read_text())["pid"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if _engine_runs(pid):
            raise LockedError(
                f"another pulumi (process {pid}) is at work on this stack: wait for its end, or "
                f"stop it with `kill -INT {pid}`"
            )
    run_pulumi(
        pulumi,
        ["cancel", "--yes", "--stack", paths.local_stack],
        paths=paths,
        environment=environment,
    )
    return "the last run was killed: its lock is removed"


def drop_pending_operations(
    paths: Paths, pulumi: Path, environment: Mapping[str, str]
) -> list[str]:
    """Forget what a killed engine left pending; the next update finds it undone, and does it.

    Returns:
        The names of the resources.

    Raises:
        StackError: Pulumi refused.
    """
    file = checkpoint(paths)
    if not file.exists() or '"pending_operations"' not in file.read_text():
        return []
    exported = json.loads(
        run_pulumi(
            pulumi,
            ["stack", "export", "--stack", paths.local_stack],
            paths=paths,
            environment=environment,
        )
    )
    operations = exported["deployment"].get("pending_operations", [])
    kept = [operation for operation in operations if operation["type"] not in _DONE_AGAIN]
    if len(kept) == len(operations):
        return []
    exported["deployment"]["pending_operations"] = kept
    repaired = paths.home / "work" / "repaired-state.json"
    repaired.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(repaired, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as out:
        json.dump(exported, out)
    run_pulumi(
        pulumi,
        ["stack", "import", "--stack", paths.local_stack, "--file", str(repaired)],
        paths=paths,
        environment=environment,
    )
    repaired.unlink()
    dropped = (operation for operation in operations if operation not in kept)
    return [operation["resource"]["urn"].rpartition("::")[2] for operation in dropped]
