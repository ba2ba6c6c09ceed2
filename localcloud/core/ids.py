"""Resource ids, from one seeded source per stack.

Owns the generation of ids. It does not own the prefix and length of each kind of id: services
choose those. Two stacks with the same seed and the same order of calls get the same ids.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"


class Ids:
    """A source of ids.

    Args:
        seed: The text that the ids are derived from; one per stack.
        counter: Returns the next number and never repeats one. The daemon keeps it in the store, so
            that ids stay unique after a restart.
    """

    def __init__(self, seed: str, counter: Callable[[], int]) -> None:
        self._seed = seed
        self._counter = counter

    def new(self, prefix: str, length: int = 20) -> str:
        """Return a new id: ``prefix`` followed by ``length`` lower-case letters and digits."""
        digest = hashlib.sha512(f"{self._seed}\0{prefix}\0{self._counter()}".encode()).digest()
        number = int.from_bytes(digest, "big")
        characters = []
        for _ in range(length):
            number, index = divmod(number, len(_ALPHABET))
            characters.append(_ALPHABET[index])
        return prefix + "".join(characters)

    def digits(self, length: int) -> str:
        """Return a new decimal id of ``length`` digits; the first is not 0."""
        digest = hashlib.sha512(f"{self._seed}\0digits\0{self._counter()}".encode()).digest()
        low = 10 ** (length - 1)
        return str(low + int.from_bytes(digest, "big") % (9 * low))
