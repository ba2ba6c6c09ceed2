"""Threads that belong to a running local cloud rather than to a request.

Owns finding the one worker of a kind that serves a context, so that routes, handlers and the daemon
share it. A service has ``workers.workers(context)``; the daemon starts what it returns once it is
up, and closes it before it stops any process.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from localcloud.core.resources import Context


class Worker(Protocol):
    """What a service does on its own."""

    def start(self) -> None:
        """Begin, taking up what an earlier daemon left."""

    def close(self) -> None:
        """End, leaving everything for the next daemon to take up."""


W = TypeVar("W", bound=Worker)

_LOCK = threading.RLock()
_WORKERS: weakref.WeakKeyDictionary[Any, dict[type[Any], Any]] = weakref.WeakKeyDictionary()


def worker_of(context: Context, kind: type[W], make: Callable[[Context], W]) -> W:
    """The worker of that kind that serves ``context``, made on first use.

    Args:
        context: The local cloud; told from others by its supervisor.
        kind: The worker's class.
        make: Makes one.
    """
    with _LOCK:
        workers = _WORKERS.setdefault(context.supervisor, {})
        if kind not in workers:
            workers[kind] = make(context)
        found = workers[kind]
    if not isinstance(found, kind):
        raise TypeError(f"{found!r} is no {kind.__name__}")
    return found
