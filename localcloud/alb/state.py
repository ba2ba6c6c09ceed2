"""What load balancers have in the store: written by the control plane, read by the proxies.

Owns the tables, the servers of server groups, and the agreement on draining: a server that is to
go is ``Removing``; a proxy that sends it nothing new says so with the requests still under way; it
is gone when none is left or its group's time is over.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Final

from localcloud.core.store import Store

__all__ = [
    "ACLS",
    "ACL_ENTRIES",
    "HEALTH",
    "LISTENERS",
    "LISTENER_ACLS",
    "LOAD_BALANCERS",
    "RULES",
    "SERVERS",
    "SERVER_GROUPS",
    "add_server",
    "drain_seconds",
    "drained",
    "drop_server",
    "health_of",
    "load_balancers_of",
    "remove_server",
    "server_key",
    "servers_of",
    "targets",
]

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
    """Return what names one server of a group."""
    return f"{server_group_id}/{server_id}/{port}"


def servers_of(store: Store, server_group_id: str) -> list[tuple[str, Document]]:
    """Return the servers of a group by their keys."""
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
    owner: str = "",
) -> str:
    """Put a server into a group, or take one back that was to go; its key.

    Args:
        store: The stack's store.
        server_group_id: The group.
        server_id: The instance.
        address: Where it is.
        port: Where it listens.
        weight: Its share of the requests, 0 to 100.
        owner: The scaling group that manages it; empty for one that was declared.
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
            "owner": owner,
        },
    )
    return key


def remove_server(store: Store, key: str) -> None:
    """Send a server nothing new; it leaves the group once it is drained (``drop_server``)."""

    def change(server: Document | None) -> Document | None:
        if server is None or server["status"] == "Removing":
            return server
        return {**server, "status": "Removing", "removing_since": time.time()}

    store.table(SERVERS).update(key, change)


def drop_server(store: Store, key: str) -> None:
    """Take a server out of its group at once."""
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
    """Return the server groups that actions forward to."""
    for action in actions:
        config = action.get("forwardGroupConfig") or {}
        for entry in config.get("serverGroupTuples") or ():
            yield str(entry["serverGroupId"])


def drain_seconds(store: Store, server_group_id: str) -> float:
    """Return how long a server that is removed may finish its requests."""
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
    """``Normal``, ``Abnormal`` or ``Initial``: what the load balancers say of a server.

    A server that no load balancer forwards to is ``Unused``.
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
