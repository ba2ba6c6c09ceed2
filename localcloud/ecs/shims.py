"""Programs that the scripts of a node find on their PATH before those of this machine.

Owns ``systemctl``, which the local cloud answers, and the programs that refuse to change this
machine: packages, accounts, kernel, network, power.
"""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from localcloud.ecs import systemctl_client

REFUSED: Final = (
    *("apt", "apt-get", "dpkg", "yum", "dnf", "rpm", "snap", "service", "chkconfig"),
    *("useradd", "usermod", "userdel", "adduser", "groupadd", "passwd", "chpasswd", "visudo"),
    *("sysctl", "modprobe", "insmod", "umount", "mkfs", "swapon", "swapoff", "fdisk"),
    *("iptables", "ip6tables", "nft", "ufw", "firewall-cmd", "ip", "ifconfig", "route"),
    *("reboot", "shutdown", "halt", "poweroff", "init", "timedatectl", "hostnamectl", "crontab"),
)
"""Programs that a cloud node may run, but that must not run on this machine."""

Answer = tuple[int, str]


def write_shims(folder: Path, spool: Path, own: Mapping[str, str]) -> None:
    """Write the programs.

    Args:
        folder: The folder of the programs; first on the PATH of scripts.
        spool: The folder where ``systemctl`` leaves its requests.
        own: The bodies of further programs by name.
    """
    folder.mkdir(parents=True, exist_ok=True)
    spool.mkdir(parents=True, exist_ok=True)
    client = shlex.join([sys.executable, "-E", str(systemctl_client.__file__), str(spool)])
    _program(folder / "systemctl", f'exec {client} "$@"')
    _program(folder / "sudo", 'exec "$@"')
    for name, body in own.items():
        _program(folder / name, body)
    for name in REFUSED:
        _program(
            folder / name,
            f'echo "{name}: the local cloud does not run it; it would change this machine" >&2\n'
            "exit 126",
        )


def _program(path: Path, body: str) -> None:
    path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    path.chmod(0o755)


def answer_requests(spool: Path, answer: Callable[[Sequence[str]], Answer]) -> None:
    """Answer every waiting ``systemctl``.

    Args:
        spool: The folder of the requests.
        answer: Runs the command with these arguments; returns its exit code and output.
    """
    for path in sorted(spool.glob("*.request")):
        code, text = answer(json.loads(path.read_text(encoding="utf-8")))
        reply = path.with_suffix(".reply")
        temporary = path.with_suffix(".tmp")
        temporary.write_text(json.dumps({"code": code, "text": text}), encoding="utf-8")
        path.unlink()
        temporary.replace(reply)
