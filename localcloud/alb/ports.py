"""Which port of this machine stands for a listener's.

A listener's port is its own here as well, 443 too, as every load balancer has an address of its
own. But where this process may not listen below 1024 (``net.ipv4.ip_unprivileged_port_start``), a
port below it is served 8,000 higher: 443 at 8443.
"""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path
from typing import Final

__all__ = ["may_bind", "served_port"]

_SHIFT: Final = 8000
_FIRST_UNPRIVILEGED: Final = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")


def may_bind(port: int) -> bool:
    """Return whether this process has the privilege to listen on a port; it may be in use."""
    try:
        first = int(_FIRST_UNPRIVILEGED.read_text(encoding="ascii"))
    except (OSError, ValueError):
        first = 1024
    if port >= first or os.geteuid() == 0:
        return True
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            return error.errno != errno.EACCES
    return True


def served_port(port: int) -> int:
    """Return the port at which a listener of ``port`` answers on this machine."""
    return port if may_bind(port) else port + _SHIFT
