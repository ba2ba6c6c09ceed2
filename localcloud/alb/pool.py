"""The servers of one load balancer: their health, and the choice of the next one.

Owns health checks, the choice by weight, and the number of open requests per server. It does not
own the list of servers, which comes from the store.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp

# CreateServerGroup: the defaults of HealthCheckConfig,
# https://api.aliyun.com/document/Alb/2020-06-16/CreateServerGroup (2026-11).
_DEFAULTS: Final = {
    "healthCheckPath": "/",
    "healthCheckMethod": "HEAD",
    "healthCheckInterval": 2,
    "healthCheckTimeout": 5,
    "healthyThreshold": 3,
    "unhealthyThreshold": 3,
    "healthCheckCodes": ["http_2xx"],
}


@dataclass(frozen=True)
class HealthCheck:
    """The health check of a server group."""

    enabled: bool
    path: str = "/"
    method: str = "HEAD"
    port: int = 0
    interval_seconds: float = 2
    timeout_seconds: float = 5
    healthy_threshold: int = 3
    unhealthy_threshold: int = 3
    codes: tuple[str, ...] = ("http_2xx",)

    @classmethod
    def of(cls, group: Mapping[str, Any]) -> HealthCheck:
        """Return the health check that a server group declares."""
        given = {
            key: value for key, value in group["healthCheckConfig"].items() if value is not None
        }
        config: dict[str, Any] = {**_DEFAULTS, **given}
        return cls(
            enabled=bool(config["healthCheckEnabled"]),
            path=str(config["healthCheckPath"]),
            method=str(config["healthCheckMethod"]),
            port=int(config.get("healthCheckConnectPort") or 0),
            interval_seconds=float(config["healthCheckInterval"]),
            timeout_seconds=float(config["healthCheckTimeout"]),
            healthy_threshold=int(config["healthyThreshold"]),
            unhealthy_threshold=int(config["unhealthyThreshold"]),
            codes=tuple(config["healthCheckCodes"]),
        )

    def passed_by(self, status: int) -> bool:
        """Return whether an answer with this status passes the check."""
        return f"http_{status // 100}xx" in self.codes


@dataclass
class Server:
    """One server of one group."""

    key: str
    server_group_id: str
    address: str
    port: int
    weight: int
    status: str
    check: HealthCheck
    health: str = "Initial"
    turns: int = 0
    _in_a_row: int = field(default=0, repr=False)
    _last: str = field(default="", repr=False)

    def record_check(self, passed: bool) -> None:
        """Record the result of one health check."""
        wanted = "Normal" if passed else "Abnormal"
        if self.health == wanted:
            self._in_a_row = 0
            self._last = wanted
            return
        # Count contradicting results in a row; a confirming one resets the count.
        self._in_a_row = self._in_a_row + 1 if self._last == wanted else 1
        self._last = wanted
        needed = self.check.healthy_threshold if passed else self.check.unhealthy_threshold
        if self._in_a_row >= needed:
            self.health, self._in_a_row = wanted, 0


class Pool:
    """The servers of every group that one load balancer forwards to.

    Args:
        session: The HTTP client for the health checks.
    """

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._servers: dict[str, Server] = {}
        self._checks: dict[str, asyncio.Task[None]] = {}
        self._in_flight: Counter[str] = Counter()

    def set(self, servers: Mapping[str, Server]) -> None:
        """Replace the list of servers; a server that stays keeps its health."""
        for key in self._servers.keys() - servers.keys():
            self._forget(key)
        for key, server in servers.items():
            known = self._servers.get(key)
            if known is not None and (known.address, known.check) == (server.address, server.check):
                known.weight, known.status = server.weight, server.status
                continue
            self._forget(key)
            self._servers[key] = server
            if server.check.enabled:
                self._checks[key] = asyncio.create_task(self._watch(server))
            else:
                server.health = "Normal"

    def _forget(self, key: str) -> None:
        self._servers.pop(key, None)
        task = self._checks.pop(key, None)
        if task is not None:
            task.cancel()

    async def close(self) -> None:
        """End every health check."""
        tasks = list(self._checks.values())
        self.set({})
        await asyncio.gather(*tasks, return_exceptions=True)

    def choose(
        self, groups: Collection[tuple[str, int]], but: Collection[str] = ()
    ) -> Server | None:
        """Return the next server by smooth weighted round robin; None if no server is healthy.

        Args:
            groups: Server groups with their weights.
            but: Keys of servers to exclude.
        """
        shares = dict(groups)
        found = [
            (server, server.weight * shares[server.server_group_id])
            for server in self._servers.values()
            if server.server_group_id in shares
            and server.key not in but
            and server.status == "Available"
            and server.health == "Normal"
        ]
        found = [(server, share) for server, share in found if share > 0]
        if not found:
            return None
        for server, share in found:
            server.turns += share
        chosen = max(found, key=lambda entry: entry[0].turns)[0]
        chosen.turns -= sum(share for _, share in found)
        return chosen

    @contextlib.contextmanager
    def busy(self, key: str) -> Iterator[None]:
        """Count one open request of a server."""
        self._in_flight[key] += 1
        try:
            yield
        finally:
            self._in_flight[key] -= 1

    def report(self) -> dict[str, dict[str, Any]]:
        """Return the state of every server, with the open requests of ``Removing`` ones."""
        return {
            server.key: {
                "health": server.health,
                "status": server.status,
                "in_flight": self._in_flight[server.key] if server.status == "Removing" else 0,
            }
            for server in self._servers.values()
        }

    async def _watch(self, server: Server) -> None:
        while True:
            server.record_check(await self._passes(server))
            await asyncio.sleep(server.check.interval_seconds)

    async def _passes(self, server: Server) -> bool:
        check = server.check
        url = f"http://{server.address}:{check.port or server.port}{check.path}"
        try:
            async with self._session.request(
                check.method,
                url,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=check.timeout_seconds),
            ) as answer:
                return check.passed_by(answer.status)
        except (aiohttp.ClientError, TimeoutError, OSError):
            return False
