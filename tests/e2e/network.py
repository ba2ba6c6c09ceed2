"""The addresses on which the processes of a checkout listen and to which they connect."""

from __future__ import annotations

import ipaddress
import threading

import psutil

from tests.e2e.checkout import Checkout, names_folder

_LOOK_SECONDS = 0.5


def listening(prefix: str) -> list[str]:
    """Return the addresses below `prefix` (such as ``127.83``) with a listener."""
    return sorted(
        f"{connection.laddr.ip}:{connection.laddr.port}"
        for connection in psutil.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
        and connection.laddr
        and connection.laddr.ip.startswith(f"{prefix}.")
    )


def is_this_machine(address: str) -> bool:
    """Return whether an address is a loopback one, also as an IPv4 address in IPv6 form."""
    parsed = ipaddress.ip_address(address)
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        return parsed.ipv4_mapped.is_loopback
    return parsed.is_loopback


class ConnectionWatch:
    """Watches the connections of a checkout's processes.

    Attributes:
        strangers: Remote addresses outside 127.0.0.0/8, with the process; expected to be empty.
    """

    def __init__(self, checkout: Checkout) -> None:
        self.strangers: list[str] = []
        self._checkout = checkout
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watch connections")

    def __enter__(self) -> ConnectionWatch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._closed.wait(_LOOK_SECONDS):
            for connection in psutil.net_connections("inet"):
                remote = connection.raddr
                if not remote or is_this_machine(remote.ip) or connection.pid is None:
                    continue
                if self._is_ours(connection.pid):
                    self.strangers.append(f"{remote.ip}:{remote.port} {connection.pid}")

    def _is_ours(self, pid: int) -> bool:
        try:
            return names_folder(psutil.Process(pid), str(self._checkout.folder))
        except psutil.NoSuchProcess:
            return False
