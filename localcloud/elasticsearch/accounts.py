"""Which operating-system account an engine runs as.

Owns: how to start a program that refuses root when we are root, and where its files must then
lie. It does not start anything but short probes.

Three ways, the first that works:

1. An ordinary user: directly.
2. Root, with user namespaces: ``unshare --user`` maps root to another id inside, while every
   file stays root's outside, so nothing moves and nothing changes hands.
3. Root without user namespaces (containers often forbid them): ``setpriv`` drops to the account
   ``nobody``. That account cannot enter a private home, so the engine's files, and a copy of the
   distribution where that lies in a private home too, go below ``/var/tmp``.

Source: unshare(1) and setpriv(1) of util-linux 2.38 (read 2026-11).
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from localcloud.elasticsearch.distribution import DistributionError

__all__ = ["Account", "give_away", "plan_account", "readable_by_others", "tidy"]

_SHARED_ROOT: Final = Path("/var/tmp/customrag-elasticsearch")  # noqa: S108 - see the module docstring
_PROBE_TIMEOUT_SECONDS: Final = 20
_NAMESPACE: Final = ("unshare", "--user", "--map-user=1000", "--map-group=1000")


@dataclass(frozen=True, kw_only=True)
class Account:
    """How an instance's engine is started, and where its files lie.

    Attributes:
        prefix: What the command line starts with; empty for an ordinary user.
        folder: Where the instance keeps configuration and data.
        distribution: Home of the distribution, readable by the account.
        user_id: Owner that the folder must have; None: as it is.
    """

    prefix: tuple[str, ...]
    folder: Path
    distribution: Path
    user_id: int | None = None


def plan_account(folder: Path, distribution: Path, *, namespaces: bool = True) -> Account:
    """Choose the account for an instance whose files would lie in `folder`.

    Args:
        folder: Existing folder of the instance.
        distribution: Home of the unpacked distribution.
        namespaces: False skips the second way, as on a machine that forbids user namespaces.

    Raises:
        DistributionError: We are root and neither ``unshare`` nor ``setpriv`` can help.
    """
    if os.geteuid() != 0:
        return Account(prefix=(), folder=folder, distribution=distribution)
    if namespaces and _namespace_works(folder, distribution):
        return Account(prefix=_NAMESPACE, folder=folder, distribution=distribution)
    return _unprivileged(folder, distribution)


def give_away(account: Account) -> None:
    """Make the account the owner of the instance's folder; nothing to do for the first two ways."""
    if account.user_id is None:
        return
    for path in (account.folder, *account.folder.rglob("*")):
        os.chown(path, account.user_id, account.user_id, follow_symlinks=False)


def readable_by_others(path: Path) -> bool:
    """Whether every user may enter that folder and all above it."""
    return all(
        folder.stat().st_mode & stat.S_IXOTH for folder in (path.resolve(), *path.resolve().parents)
    )


def tidy() -> None:
    """Remove what the third way shares below ``/var/tmp``, once no instance is left there."""
    with contextlib.suppress(OSError):
        _SHARED_ROOT.rmdir()


def _namespace_works(folder: Path, distribution: Path) -> bool:
    launcher = distribution / "bin" / "elasticsearch"
    check = 'test "$(id -u)" = 1000 && test -w "$1" && test -r "$2"'
    try:
        answer = subprocess.run(
            [*_NAMESPACE, "sh", "-c", check, "sh", str(folder), str(launcher)],
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
        raise DistributionError(
            "Elasticsearch refuses to run as root, user namespaces are forbidden here and setpriv "
            "is not on PATH; install util-linux, or run as an ordinary user"
        )
    try:
        user_id = pwd.getpwnam("nobody").pw_uid
    except KeyError:
        raise DistributionError(
            "Elasticsearch refuses to run as root, user namespaces are forbidden here and there "
            "is no user 'nobody' to run it as; run as an ordinary user"
        ) from None
    if not readable_by_others(folder.parent):
        folder = _SHARED_ROOT / folder.name
        _SHARED_ROOT.mkdir(mode=0o755, exist_ok=True)
        if _SHARED_ROOT.stat().st_uid != 0:
            raise DistributionError(f"{_SHARED_ROOT} belongs to another user; remove it")
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
            # Another start was quicker: its copy is the same.
            shutil.rmtree(temporary)
    return target
