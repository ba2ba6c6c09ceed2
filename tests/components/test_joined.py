"""Waiting for an OpenSearch node: against a fake cluster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from components.joined import NodeNotJoinedError, wait_until_joined

pytestmark = pytest.mark.anyio
URLS = ("https://10.0.0.1:9200", "https://10.0.0.2:9200")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class FakeCluster:
    """Answers with one state after the other; None is a node that does not answer."""

    def __init__(self, *states: tuple[Sequence[str], str] | None) -> None:
        self._states = list(states)
        self.looks = 0

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        state = self._states[0]
        if state is None:
            if request.url.host == "10.0.0.2":
                self._next()
            raise httpx.ConnectError("refused", request=request)
        names, status = state
        if request.url.path == "/_cluster/health":
            return httpx.Response(200, json={"status": status})
        self._next()
        return httpx.Response(200, json=[{"name": name} for name in names])

    def _next(self) -> None:
        self.looks += 1
        if len(self._states) > 1:
            self._states.pop(0)


async def wait(cluster: FakeCluster, **changes: Any) -> str:
    options: dict[str, Any] = {"may_be_first": False, "pause_seconds": 0.0, **changes}
    async with cluster.client() as client:
        return await wait_until_joined(client, "data-2", URLS, **options)


async def test_node_is_awaited_until_the_cluster_is_green_with_it() -> None:
    both = ("data-1", "data-2")
    cluster = FakeCluster(
        None, (("data-1",), "green"), (both, "yellow"), (both, "green"), (both, "green")
    )
    assert await wait(cluster) == "data-2 has joined the cluster, which is green"
    assert cluster.looks == 4


async def test_first_node_of_a_new_cluster_does_not_wait() -> None:
    assert "does not wait" in await wait(FakeCluster(None), may_be_first=True)


async def test_first_node_of_an_existing_cluster_waits() -> None:
    cluster = FakeCluster((("data-1",), "yellow"), (("data-1", "data-2"), "green"))
    assert "has joined" in await wait(cluster, may_be_first=True)


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (None, "has not joined the cluster, which is not reachable"),
        ((("data-1",), "yellow"), "has not joined the cluster, which is yellow"),
        ((("data-1", "data-2"), "red"), "has joined the cluster, which is red"),
    ],
)
async def test_deadline_says_what_was_found(
    state: tuple[Sequence[str], str] | None, said: str
) -> None:
    with pytest.raises(NodeNotJoinedError, match=said):
        await wait(FakeCluster(state), deadline_seconds=-1.0)
