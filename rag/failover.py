"""Which node of a service is asked, and which after it when that one fails.

Owns what is remembered of each node, and the order made of it: pure, but for the clock's readings,
which are given. Does not own asking (`rag.embed`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = ["Node", "follow", "order"]


@dataclass
class Node:
    """What is remembered of one node.

    Attributes:
        url: Where it answers.
        failed_at: When it failed last, if it has not answered since; None while it answers, and
            for a node that nobody has asked yet.
        leaving: No longer among those that are named: asked until one of them answers.
    """

    url: str
    failed_at: float | None = None
    leaving: bool = False


def order(nodes: Sequence[Node], turn: int) -> list[Node]:
    """The nodes as they are to be asked, first to last.

    Those that answer come first, another one with each turn, so that all have the same to do. Those
    that are leaving help out. Those that failed come last, the one that failed longest ago first:
    as long as another answers, nobody waits for them.
    """
    named = [node for node in nodes if node.failed_at is None and not node.leaving]
    start = turn % len(named) if named else 0
    leaving = [node for node in nodes if node.failed_at is None and node.leaving]
    failed = [node for node in nodes if node.failed_at is not None]
    failed.sort(key=lambda node: (node.leaving, node.failed_at))
    return [*named[start:], *named[:start], *leaving, *failed]


def follow(nodes: Sequence[Node], urls: Iterable[str], now: float) -> list[Node]:
    """The nodes once `urls` are named in place of others.

    A new one counts as failed until it has answered: it may still be starting. What is not named
    any more stays, as one that is leaving.
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
