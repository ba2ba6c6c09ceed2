"""Programs that a node's scripts find before the machine's own.

Owns ``systemctl`` (answered by the local cloud) and the refusal of what would change this machine:
packages, accounts, kernel, network, power. They lie in a folder that is first on the script's PATH.
"""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from localcloud.ecs import systemctl_client

REFUSED: Final = (
    *("apt", "apt-get", "dpkg", "yum", "dnf", "rpm", "snap", "service", "chkconfig"),
    *("useradd", "usermod", "userdel", "adduser", "groupadd", "passwd", "chpasswd", "visudo"),
    *("sysctl", "modprobe", "insmod", "mount", "umount", "mkfs", "swapon", "swapoff", "fdisk"),
    *("iptables", "ip6tables", "nft", "ufw", "firewall-cmd", "ip", "ifconfig", "route"),
    *("reboot", "shutdown", "halt", "poweroff", "init", "timedatectl", "hostnamectl", "crontab"),
)
"""Programs that a node may run and this machine must not."""

Answer = tuple[int, str]


def write_shims(folder: Path, spool: Path) -> None:
    """Make the programs.

    Args:
        folder: Where; first on the script's PATH.
        spool: Where requests to ``systemctl`` are left.
    """
    folder.mkdir(parents=True, exist_ok=True)
    spool.mkdir(parents=True, exist_ok=True)
    client = shlex.join([sys.executable, "-E", str(systemctl_client.__file__), str(spool)])
    _program(folder / "systemctl", f'exec {client} "$@"')
    _program(folder / "sudo", 'exec "$@"')
    for name in REFUSED:
        _program(
            folder / name,
            f'echo "{name}: would change this machine; the local cloud does not run it" >&2\n'
            "exit 126",
        )


def _program(path: Path, body: str) -> None:
    path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    path.chmod(0o755)


def answer_requests(spool: Path, answer: Callable[[Sequence[str]], Answer]) -> None:
    """Answer every ``systemctl`` that waits.

    Args:
        spool: Where requests lie.
        answer: Carries out the arguments of one; its exit code and output.
    """
    for path in sorted(spool.glob("*.request")):
        code, text = answer(json.loads(path.read_text(encoding="utf-8")))
        reply = path.with_suffix(".reply")
        temporary = path.with_suffix(".tmp")
        temporary.write_text(json.dumps({"code": code, "text": text}), encoding="utf-8")
        path.unlink()
        temporary.replace(reply)
