"""Workers: background work that belongs to a running local cloud, not to one request.

Owns the look-up of the one worker of each kind per context, which routes, handlers and the daemon
share. A service lists its workers in ``workers.workers(context)``. The daemon starts them once it
is up, and closes them before it stops any process.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from localcloud.core.resources import Context


class Worker(Protocol):
    """Background work of a service."""

    def start(self) -> None:
        """Start, and continue what an earlier daemon left unfinished."""

    def close(self) -> None:
        """End, and leave unfinished work for the next daemon."""


W = TypeVar("W", bound=Worker)

_LOCK = threading.RLock()
_WORKERS: weakref.WeakKeyDictionary[Any, dict[type[Any], Any]] = weakref.WeakKeyDictionary()


def worker_of(context: Context, kind: type[W], make: Callable[[Context], W]) -> W:
    """Return the context's worker of this class, created on first use.

    Args:
        context: The running local cloud; contexts with the same supervisor share their workers.
        kind: The worker's class.
        make: Creates the worker.
    """
    with _LOCK:
        workers = _WORKERS.setdefault(context.supervisor, {})
        if kind not in workers:
            workers[kind] = make(context)
        found = workers[kind]
    if not isinstance(found, kind):
        raise TypeError(f"{found!r} is not a {kind.__name__}")
    return found
