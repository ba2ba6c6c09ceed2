"""The order in which a client asks the nodes of a service, and when it asks again.

Owns the state of each node, the order that follows from it, and the pauses between attempts. Pure:
the caller passes the time. Does not own the requests (`rag.embed`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tenacity import RetryCallState, wait_random_exponential

__all__ = ["Node", "PassingError", "follow", "order", "wait"]

_BACKOFF = wait_random_exponential(multiplier=0.15, max=7.5)


@dataclass
class Node:
    """The state of one node.

    Attributes:
        url: Its address.
        failed_at: When it failed last, if it has not answered since; None while it answers, and
            before its first request.
        leaving: Whether the configuration no longer names it. It stays in use until a node that
            the configuration names answers.
    """

    url: str
    failed_at: float | None = None
    leaving: bool = False


def order(nodes: Sequence[Node], turn: int) -> list[Node]:
    """Return the nodes in the order to ask them.

    Nodes that answer come first, starting with another one at each turn, which spreads the load.
    Nodes that are leaving come next. Nodes that failed come last, the one that failed longest ago
    first, so that a request waits for them only if no other node answers.
    """
    named = [node for node in nodes if node.failed_at is None and not node.leaving]
    start = turn % len(named) if named else 0
    leaving = [node for node in nodes if node.failed_at is None and node.leaving]
    failed = [node for node in nodes if node.failed_at is not None]
    failed.sort(key=lambda node: (node.leaving, node.failed_at))
    return [*named[start:], *named[:start], *leaving, *failed]


def follow(nodes: Sequence[Node], urls: Iterable[str], now: float) -> list[Node]:
    """Return the nodes after the configuration changed to `urls`.

    A new node counts as failed until it has answered, because it may still be starting. A node that
    is not in `urls` stays and is marked as leaving.
    """
    named = list(dict.fromkeys(urls))
    known = {node.url: node for node in nodes}
    found = []
    for url in named:
        node = known.get(url) or Node(url, failed_at=now)
        node.leaving = False
        found.append(node)
    for node in nodes:
        if node.url not in named:
            node.leaving = True
            found.append(node)
    return found


class PassingError(Exception):
    """A node did not answer this time.

    Attributes:
        failed: Whether the node gets no requests until it is healthy.
        retry_after_seconds: How long the node asks clients to wait.
        too_old: Whether the node does not know the request, because its version is older.
    """

    def __init__(
        self,
        message: str,
        *,
        failed: bool = True,
        retry_after_seconds: float = 0.0,
        too_old: bool = False,
    ) -> None:
        super().__init__(message)
        self.failed = failed
        self.retry_after_seconds = retry_after_seconds
        self.too_old = too_old


def wait(state: RetryCallState) -> float:
    """Return how long to wait: exponentially longer, but at least as long as the nodes ask for."""
    error = state.outcome and state.outcome.exception()
    asked_for = error.retry_after_seconds if isinstance(error, PassingError) else 0.0
    return max(asked_for, _BACKOFF(state))
