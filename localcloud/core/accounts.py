"""The operating-system account that runs an engine.

Owns: how root starts a program that refuses to run as root, and the folder of that program's files.
Does not own starting the engine.

The first way that works is used:

1. An ordinary user starts the engine directly.
2. Root with user namespaces: ``unshare --user`` maps root to another id inside the namespace.
   Outside, root still owns every file, so files keep their place and owner.
3. Root without user namespaces (containers often forbid them): ``setpriv`` switches to an
   unprivileged account. It cannot enter a private home, so the engine's files go below
   ``/var/tmp``, and a copy of the distribution, too, if it is in a private home.

``python -m localcloud.core.accounts FOLDER`` exits with 0 if one of the first two ways works for
the files of a folder. A node's service has only these.

Source: unshare(1) and setpriv(1) of util-linux 2.38 (read 2026-11).
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from localcloud.core.errors import LocalCloudError

__all__ = [
    "Account",
    "AccountError",
    "give_away",
    "plan_account",
    "readable_by_others",
    "tidy",
    "unprivileged_prefix",
]

_SHARED_ROOT: Final = Path("/var/tmp/customrag-engines")  # noqa: S108 - see the module docstring
_UNPRIVILEGED: Final = "nobody"  # prose: vendor
_PROBE_TIMEOUT_SECONDS: Final = 60
_NAMESPACE: Final = ("unshare", "--user", "--map-user=1000", "--map-group=1000")


class AccountError(LocalCloudError):
    """This machine cannot run an engine as an unprivileged user."""


@dataclass(frozen=True, kw_only=True)
class Account:
    """How an instance's engine starts, and the folders that it uses.

    Attributes:
        prefix: Start of the command line; empty for an ordinary user.
        folder: Configuration and data of the instance.
        distribution: Home of the distribution, readable by the account.
        user_id: Required owner of the folder; None leaves the owner unchanged.
    """

    prefix: tuple[str, ...]
    folder: Path
    distribution: Path
    user_id: int | None = None


def plan_account(folder: Path, distribution: Path, *, namespaces: bool = True) -> Account:
    """Choose the account for an instance whose files are in `folder`.

    Args:
        folder: Existing folder of the instance.
        distribution: Home of the unpacked distribution.
        namespaces: False skips the second way (for tests).

    Raises:
        AccountError: The user is root, and neither ``unshare`` nor ``setpriv`` works.
    """
    if os.geteuid() != 0:
        return Account(prefix=(), folder=folder, distribution=distribution)
    if namespaces and _namespace_works(folder, distribution):
        return Account(prefix=_NAMESPACE, folder=folder, distribution=distribution)
    return _unprivileged(folder, distribution)


def unprivileged_prefix(folder: Path) -> tuple[str, ...]:
    """Return the start of the command line for a service that may write in `folder` only as a user.

    It is empty for an ordinary user, and for root on a machine without user namespaces: there, the
    service runs as root.
    """
    if os.geteuid() != 0 or not _namespace_works(folder, folder):
        return ()
    return _NAMESPACE


def give_away(account: Account) -> None:
    """Make the account the owner of the instance's folder, which only the third way needs."""
    if account.user_id is None:
        return
    for path in (account.folder, *account.folder.rglob("*")):
        os.chown(path, account.user_id, account.user_id, follow_symlinks=False)


def readable_by_others(path: Path) -> bool:
    """Return whether every user may enter the folder and its parents."""
    return all(
        folder.stat().st_mode & stat.S_IXOTH for folder in (path.resolve(), *path.resolve().parents)
    )


def tidy() -> None:
    """Remove the third way's folder below ``/var/tmp`` if no instance is left in it."""
    with contextlib.suppress(OSError):
        _SHARED_ROOT.rmdir()


def _namespace_works(folder: Path, distribution: Path) -> bool:
    check = 'test "$(id -u)" = 1000 && test -w "$1" && test -r "$2"'
    try:
        answer = subprocess.run(
            [*_NAMESPACE, "sh", "-c", check, "sh", str(folder), str(distribution)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PROBE_TIMEOUT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0


def _unprivileged(folder: Path, distribution: Path) -> Account:
    if shutil.which("setpriv") is None:
        raise AccountError(
            "the engine refuses to run as root, this machine forbids user namespaces, and "
            "setpriv is not on PATH. Install util-linux, or run as an ordinary user"
        )
    try:
        user_id = pwd.getpwnam(_UNPRIVILEGED).pw_uid
    except KeyError:
        raise AccountError(
            "the engine refuses to run as root, this machine forbids user namespaces, and the "
            f"account {_UNPRIVILEGED!r} does not exist. Run as an ordinary user"
        ) from None
    if not readable_by_others(folder.parent):
        folder = _SHARED_ROOT / folder.name
        _SHARED_ROOT.mkdir(mode=0o755, exist_ok=True)
        if _SHARED_ROOT.stat().st_uid != 0:
            raise AccountError(f"{_SHARED_ROOT} belongs to another user. Remove it")
        folder.mkdir(mode=0o700, exist_ok=True)
    if not readable_by_others(distribution):
        distribution = _copied(distribution)
    prefix = (
        "setpriv",
        f"--reuid={user_id}",
        f"--regid={user_id}",
        "--clear-groups",
        "--no-new-privs",
    )
    return Account(prefix=prefix, folder=folder, distribution=distribution, user_id=user_id)


def _copied(distribution: Path) -> Path:
    target = _SHARED_ROOT / distribution.name
    if not target.exists():
        _SHARED_ROOT.mkdir(mode=0o755, exist_ok=True)
        temporary = target.with_name(f".{target.name}.{os.getpid()}")
        shutil.copytree(distribution, temporary)
        try:
            temporary.rename(target)
        except OSError:
            # Another start was quicker, and its copy is identical.
            shutil.rmtree(temporary)
    return target


def main(arguments: list[str] | None = None) -> int:
    """Return 0 if a service with files in a folder can run as an ordinary user, else 1."""
    (folder,) = sys.argv[1:] if arguments is None else arguments
    return 0 if os.geteuid() != 0 or unprivileged_prefix(Path(folder)) else 1


if __name__ == "__main__":
    sys.exit(main())
