"""The mapping of listener ports to ports of this machine.

Every load balancer has its own address, so a listener keeps its port, even 443. If this process may
not listen on a low port (``net.ipv4.ip_unprivileged_port_start``), the port is served 8,000 higher:
443 at 8443.
"""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path
from typing import Final

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
    """Return the port of this machine at which a listener on ``port`` answers."""
    return port if may_bind(port) else port + _SHIFT
