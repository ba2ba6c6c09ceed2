"""The tables of load balancers: the control plane writes them, the proxies read them.

Owns the tables, the servers of server groups, and the protocol for draining. The control plane
marks a server ``Removing``. Each proxy stops sending it requests and reports the open ones. The
server leaves when no request is open or the drain time of its group is over.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Final

from localcloud.core.store import Store

LOAD_BALANCERS: Final = "alb.load_balancers"
LISTENERS: Final = "alb.listeners"
RULES: Final = "alb.rules"
SERVER_GROUPS: Final = "alb.server_groups"
SERVERS: Final = "alb.servers"
ACLS: Final = "alb.acls"
ACL_ENTRIES: Final = "alb.acl_entries"
LISTENER_ACLS: Final = "alb.listener_acls"
HEALTH: Final = "alb.health"

_DEFAULT_DRAIN_SECONDS: Final = 300

Document = dict[str, Any]


def server_key(server_group_id: str, server_id: str, port: int) -> str:
    """Return the key of a server of a group."""
    return f"{server_group_id}/{server_id}/{port}"


def servers_of(store: Store, server_group_id: str) -> list[tuple[str, Document]]:
    """Return the keys and records of a group's servers."""
    return [
        (key, server)
        for key, server in store.table(SERVERS).items()
        if server["server_group_id"] == server_group_id
    ]


def add_server(
    store: Store,
    *,
    server_group_id: str,
    server_id: str,
    address: str,
    port: int,
    weight: int = 100,
) -> str:
    """Add a server to a group, or make a ``Removing`` one available again; return its key.

    Args:
        store: The stack's store.
        server_group_id: The group.
        server_id: The instance.
        address: The address of the server.
        port: The port of the server.
        weight: Its share of the requests, 0 to 100.
    """
    key = server_key(server_group_id, server_id, port)
    store.table(SERVERS).put(
        key,
        {
            "server_group_id": server_group_id,
            "server_id": server_id,
            "address": address,
            "port": port,
            "weight": weight,
            "status": "Available",
        },
    )
    return key


def remove_server(store: Store, key: str) -> None:
    """Stop new requests to a server; ``drop_server`` removes it once it is drained."""

    def change(server: Document | None) -> Document | None:
        if server is None or server["status"] == "Removing":
            return server
        return {**server, "status": "Removing", "removing_since": time.time()}

    store.table(SERVERS).update(key, change)


def drop_server(store: Store, key: str) -> None:
    """Remove a server from its group at once."""
    store.table(SERVERS).delete(key)


def load_balancers_of(store: Store, server_group_id: str) -> set[str]:
    """Return the load balancers that forward to a group."""
    listeners = dict(store.table(LISTENERS).items())
    found = {
        str(listener["loadBalancerId"])
        for listener in listeners.values()
        if server_group_id in targets(listener.get("defaultActions") or ())
    }
    for rule in store.table(RULES).values():
        listener = listeners.get(rule["listenerId"])
        if listener is not None and server_group_id in targets(rule["ruleActions"]):
            found.add(str(listener["loadBalancerId"]))
    return found


def targets(actions: Any) -> Iterator[str]:
    """Yield the server groups that actions forward to."""
    for action in actions:
        config = action.get("forwardGroupConfig") or {}
        for entry in config.get("serverGroupTuples") or ():
            yield str(entry["serverGroupId"])


def drain_seconds(store: Store, server_group_id: str) -> float:
    """Return how long a removed server may finish its open requests."""
    group = store.table(SERVER_GROUPS).get(server_group_id) or {}
    config = group.get("connectionDrainConfig") or {}
    if not config.get("connectionDrainEnabled"):
        return 0.0
    return float(config.get("connectionDrainTimeout", _DEFAULT_DRAIN_SECONDS))


def drained(store: Store, key: str) -> bool:
    """Return whether a ``Removing`` server has no open requests, or its drain time is over."""
    server = store.table(SERVERS).get(key)
    if server is None:
        return True
    if server["status"] != "Removing":
        return False
    group = server["server_group_id"]
    if time.time() - server["removing_since"] >= drain_seconds(store, group):
        return True
    reports = [
        store.table(HEALTH).get(f"{load_balancer}/{key}")
        for load_balancer in load_balancers_of(store, group)
    ]
    return all(
        report is not None and report["status"] == "Removing" and report["in_flight"] == 0
        for report in reports
    )


def health_of(store: Store, key: str) -> str:
    """Return the health of a server in its load balancers: ``Normal``, ``Abnormal`` or ``Initial``.

    It is ``Unused`` if no load balancer forwards to the server.
    """
    server = store.table(SERVERS).get(key)
    if server is None:
        return "Unused"
    balancers = load_balancers_of(store, server["server_group_id"])
    found = {
        (store.table(HEALTH).get(f"{balancer}/{key}") or {}).get("health", "Initial")
        for balancer in balancers
    }
    for state in ("Abnormal", "Initial", "Normal"):
        if state in found:
            return state
    return "Unused"
