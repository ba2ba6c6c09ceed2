"""The process of one load balancer, which opens and closes listeners to match the store.

Owns listening, certificates, and the reports on servers that the control plane waits for
(``localcloud.alb.state``). It reads its configuration from the stack's store, so a killed proxy
restarts correctly, and a change needs no restart and loses no connection. Supports HTTP/1.1 only:
``http2Enabled`` and ``gzipEnabled`` have no effect.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import os
import ssl
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp
from aiohttp import web

from localcloud.alb import state
from localcloud.alb.forwarding import Forwarder, ListenerState
from localcloud.alb.pool import HealthCheck, Pool, Server
from localcloud.alb.ports import served_port
from localcloud.core.home import log_dir
from localcloud.core.store import Store

_LOG: Final = logging.getLogger(__name__)
_POLL_SECONDS: Final = 0.1
_SHUTDOWN_SECONDS: Final = 2.0
# CreateListener: IdleTimeout is 1 to 60 seconds, 15 by default.
_IDLE_SECONDS: Final = 15
_CERTIFICATES: Final = "cas.certificates"
# https://www.alibabacloud.com/help/en/slb/application-load-balancer/user-guide/tls-security-policies
# (read 2026-11-21). The local cloud does not serve TLS 1.0 and 1.1.
_MAX_TLS_VERSIONS: Final = {
    "tls_cipher_policy_1_2": ssl.TLSVersion.TLSv1_2,
    "tls_cipher_policy_1_2_strict": ssl.TLSVersion.TLSv1_2,
    "tls_cipher_policy_1_2_strict_with_1_3": ssl.TLSVersion.TLSv1_3,
}


@dataclass
class _Site:
    """An open listener."""

    state: ListenerState
    runner: web.ServerRunner
    context: ssl.SSLContext | None
    certificate: str


class Proxy:
    """Serves one load balancer.

    Args:
        store: The stack's store.
        home: The stack's home folder.
        load_balancer_id: The load balancer to serve.
    """

    def __init__(self, store: Store, home: Path, load_balancer_id: str) -> None:
        self._store = store
        self._home = home
        self._id = load_balancer_id
        self._sites: dict[str, _Site] = {}
        self._reported: dict[str, dict[str, Any]] = {}
        self._version = -1

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until ``stop`` is set or the load balancer is deleted."""
        connector = aiohttp.TCPConnector(limit=0, force_close=True)
        async with aiohttp.ClientSession(
            connector=connector, auto_decompress=False, trust_env=False
        ) as session:
            pool = Pool(session)
            forwarder = Forwarder(pool, session)
            try:
                while not stop.is_set() and await self._follow(pool, forwarder):
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(stop.wait(), _POLL_SECONDS)
            finally:
                for listener_id in list(self._sites):
                    await self._close(listener_id)
                await pool.close()

    async def _follow(self, pool: Pool, forwarder: Forwarder) -> bool:
        """Apply the configuration in the store; False if the load balancer no longer exists."""
        version = int(self._store.rows("PRAGMA data_version", ())[0][0])
        if version != self._version:
            self._version = version
            record = self._store.table(state.LOAD_BALANCERS).get(self._id)
            if record is None:
                return False
            forwarder.access_log = self._access_log(record)
            pool.set(self._servers())
            await self._listen(forwarder)
        self._report(pool)
        return True

    def _access_log(self, record: Mapping[str, Any]) -> Path | None:
        if not record.get("accessLogConfig"):
            return None
        folder = log_dir(self._home) / "alb"
        folder.mkdir(exist_ok=True)
        return folder / f"{self._id}-access.log"

    def _servers(self) -> dict[str, Server]:
        groups = dict(self._store.table(state.SERVER_GROUPS).items())
        mine = {
            group for group in groups if self._id in state.load_balancers_of(self._store, group)
        }
        return {
            key: Server(
                key=key,
                server_group_id=server["server_group_id"],
                address=server["address"],
                port=int(server["port"]),
                weight=int(server["weight"]),
                status=server["status"],
                check=HealthCheck.of(groups[server["server_group_id"]]),
            )
            for key, server in self._store.table(state.SERVERS).items()
            if server["server_group_id"] in mine
        }

    async def _listen(self, forwarder: Forwarder) -> None:
        wanted = {
            listener_id: listener
            for listener_id, listener in self._store.table(state.LISTENERS).items()
            if listener["loadBalancerId"] == self._id
            and listener.get("status", "Running") == "Running"
        }
        for listener_id in self._sites.keys() - wanted.keys():
            await self._close(listener_id)
        for listener_id, listener in wanted.items():
            try:
                if listener_id not in self._sites:
                    await self._open(listener_id, listener, forwarder)
                self._sites[listener_id].state.record = listener
                self._fill(self._sites[listener_id])
            except OSError as error:
                # The previous process may hold the port for a moment; other listeners go on.
                _LOG.warning("listener %s: %s", listener_id, error)
                self._version = -1

    def _fill(self, site: _Site) -> None:
        listener_id = site.state.listener_id
        site.state.rules = [
            rule
            for rule in self._store.table(state.RULES).values()
            if rule["listenerId"] == listener_id
        ]
        site.state.acls = [
            (entry["aclType"], self._blocks(entry["aclId"]))
            for entry in self._store.table(state.LISTENER_ACLS).values()
            if entry["listenerId"] == listener_id
        ]
        if site.context is not None:
            self._load_certificate(site)

    def _blocks(self, acl_id: str) -> list[str]:
        attached = self._store.table(state.ACL_ENTRIES).get(acl_id) or {"entries": []}
        return [entry["entry"] for entry in attached["entries"]]

    async def _open(
        self, listener_id: str, listener: Mapping[str, Any], forwarder: Forwarder
    ) -> None:
        listener_state = ListenerState(listener_id=listener_id, record=listener)
        context = None
        if listener["listenerProtocol"] == "HTTPS":
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            context.maximum_version = _MAX_TLS_VERSIONS[listener["securityPolicyId"]]
        server = web.Server(
            functools.partial(forwarder.handle, listener_state),
            handler_cancellation=True,
            access_log=None,
            auto_decompress=False,
            keepalive_timeout=float(listener.get("idleTimeout") or _IDLE_SECONDS),
        )
        runner = web.ServerRunner(server, shutdown_timeout=_SHUTDOWN_SECONDS)
        await runner.setup()
        site = _Site(listener_state, runner, context, "")
        try:
            if context is not None:
                self._load_certificate(site)
            port = served_port(int(listener["listenerPort"]))
            address = self._address()
            await web.TCPSite(runner, address, port, ssl_context=context).start()
        except BaseException:
            await runner.cleanup()
            raise
        self._sites[listener_id] = site
        _LOG.info("%s listens on %s:%s", listener_id, address, port)

    def _address(self) -> str:
        entry = self._store.table("addresses").get(f"alb/{self._id}")
        if entry is None:
            raise OSError(f"{self._id} has no address")
        return str(entry["address"])

    def _load_certificate(self, site: _Site) -> None:
        """Load the listener's certificate for new handshakes; open connections stay."""
        identifier = (site.state.record.get("certificates") or {}).get("certificateId", "")
        if identifier == site.certificate or site.context is None:
            return
        for record in self._store.table(_CERTIFICATES).values():
            if record["identifier"] == identifier:
                descriptor, name = tempfile.mkstemp(suffix=".pem")
                try:
                    with os.fdopen(descriptor, "w", encoding="ascii") as file:
                        file.write(f"{record['key'].strip()}\n{record['certificate'].strip()}\n")
                    site.context.load_cert_chain(name)
                finally:
                    Path(name).unlink()
                site.certificate = identifier
                return
        raise OSError(f"the certificate {identifier!r} of {site.state.listener_id} does not exist")

    async def _close(self, listener_id: str) -> None:
        site = self._sites.pop(listener_id)
        await site.runner.cleanup()

    def _report(self, pool: Pool) -> None:
        report = pool.report()
        table = self._store.table(state.HEALTH)
        for key, entry in report.items():
            if self._reported.get(key) != entry:
                table.put(f"{self._id}/{key}", entry)
        for key in self._reported.keys() - report.keys():
            table.delete(f"{self._id}/{key}")
        self._reported = report
