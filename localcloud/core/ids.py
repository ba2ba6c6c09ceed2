"""Identifiers of the local cloud, from one seeded source per stack.

Owns how an id is made; the length and prefix of each kind of id are its service's. Two stacks
with the same seed and the same order of calls hand out the same ids.
"""

from __future__ import annotations

import hashlib
import itertools
import threading
from collections.abc import Callable

_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"


class Ids:
    """A source of ids.

    Args:
        seed: What the ids are derived from; one per stack.
        counter: Hands out the next number, never one twice. The default counts in this process
            only; the daemon passes one that is kept in the store, so ids survive a restart.
    """

    def __init__(self, seed: str, counter: Callable[[], int] | None = None) -> None:
        self._seed = seed
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._counter = counter if counter is not None else self._count

    def _count(self) -> int:
        with self._lock:
            return next(self._numbers)

    def new(self, prefix: str, length: int = 20) -> str:
        """A new id: ``prefix`` followed by ``length`` lower-case letters and digits."""
        digest = hashlib.sha512(f"{self._seed}\0{prefix}\0{self._counter()}".encode()).digest()
        number = int.from_bytes(digest, "big")
        characters = []
        for _ in range(length):
            number, index = divmod(number, len(_ALPHABET))
            characters.append(_ALPHABET[index])
        return prefix + "".join(characters)

    def digits(self, length: int) -> str:
        """A new decimal id of ``length`` digits that does not start with 0."""
        digest = hashlib.sha512(f"{self._seed}\0digits\0{self._counter()}".encode()).digest()
        low = 10 ** (length - 1)
        return str(low + int.from_bytes(digest, "big") % (9 * low))
