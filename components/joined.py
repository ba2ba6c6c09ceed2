"""Waits until a node has joined its OpenSearch cluster.

Owns: the hook that a node runs after its creation. It makes an update roll from node to node: the
next node is replaced once the cluster is green with this one. The first nodes of a new cluster
cannot wait, because a majority must exist before the cluster forms.
While the hook runs, the engine reports no other resource as complete, because it keeps the state of
the node locked (`CreateStep.Apply` of pulumi 3.259.0). Long steps beside it, such as a training,
still run.

https://docs.opensearch.org/2.19/api-reference/cluster-api/cluster-health/ (read 2026-11).
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Sequence

import httpx
import pulumi

__all__ = ["NodeNotJoinedError", "joined_hook", "wait_until_joined"]

# A node boots, fetches the package and copies its shards.
DEADLINE_SECONDS = 1800.0
_PAUSE_SECONDS = 3.0
_REQUEST_TIMEOUT_SECONDS = 10.0


class NodeNotJoinedError(Exception):
    """A node did not join its cluster in time."""


def joined_hook(
    name: str,
    node_name: str,
    urls: pulumi.Output[list[str]],
    *,
    may_be_first: bool,
    ca_certificate: pulumi.Output[str],
    password: pulumi.Output[str],
) -> pulumi.ResourceHook:
    """Return a hook that waits for a node.

    Args:
        name: The hook's name, unique in the program.
        node_name: The node's name in the cluster.
        urls: URLs of the cluster's nodes.
        may_be_first: Whether the cluster may not exist yet. If no node answers, there is then
            nothing to wait for.
        ca_certificate: The authority of their certificates, as PEM text.
        password: Password of the user `deployer`.
    """

    async def wait(_args: pulumi.ResourceHookArgs) -> None:
        context = ssl.create_default_context(cadata=str(await ca_certificate.future()))
        # The authority signs for this cluster only, so the chain alone identifies a node.
        context.check_hostname = False
        async with httpx.AsyncClient(
            verify=context,
            auth=("deployer", str(await password.future())),
            timeout=_REQUEST_TIMEOUT_SECONDS,
        ) as client:
            found = list(await urls.future() or ())
            pulumi.log.info(
                await wait_until_joined(client, node_name, found, may_be_first=may_be_first)
            )

    return pulumi.ResourceHook(name, wait)


async def wait_until_joined(
    client: httpx.AsyncClient,
    node_name: str,
    urls: Sequence[str],
    *,
    may_be_first: bool,
    deadline_seconds: float = DEADLINE_SECONDS,
    pause_seconds: float = _PAUSE_SECONDS,
) -> str:
    """Wait until a node is in its cluster and the cluster is green; return a line for the log.

    Raises:
        NodeNotJoinedError: The deadline passed.
    """
    deadline = time.monotonic() + deadline_seconds
    state = await _state(client, node_name, urls)
    if state is None and may_be_first:
        return f"{node_name}: no node of the cluster answers yet, so this update does not wait"
    while state != (True, "green"):
        if time.monotonic() > deadline:
            joined, status = state or (False, "not reachable")
            raise NodeNotJoinedError(
                f"OpenSearch node {node_name} {'has joined' if joined else 'has not joined'} the "
                f"cluster, which is {status}, after {deadline_seconds:.0f} s. The nodes after it "
                f"are unchanged. Read the node's journal (unit customrag-opensearch), then run "
                f"`pulumi up` again"
            )
        await asyncio.sleep(pause_seconds)
        state = await _state(client, node_name, urls)
    return f"{node_name} has joined the cluster, which is green"


async def _state(
    client: httpx.AsyncClient, node_name: str, urls: Sequence[str]
) -> tuple[bool, str] | None:
    """Return whether the node is in the cluster, and the cluster's status; None without one."""
    for url in urls:
        try:
            health = await client.get(f"{url}/_cluster/health")
            nodes = await client.get(f"{url}/_cat/nodes", params={"h": "name", "format": "json"})
        except httpx.HTTPError:
            continue
        if health.is_success and nodes.is_success:
            names = {item["name"] for item in nodes.json()}
            return node_name in names, str(health.json()["status"])
    return None
