"""Secrets that are read again when whoever was shown them refuses them.

Owns when KMS is asked again. Does not own how a secret is read (`rag.settings`), nor who notices
the refusal (`providers.clients.elasticsearch`, `rag.generate`). So a password can be changed while
the application runs, and nothing has to be restarted.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from pydantic import SecretStr

from rag.errors import RagError

__all__ = ["HeldSecret"]

_AGAIN_SECONDS = 5.0
_log = logging.getLogger(__name__)


class HeldSecret:
    """A secret, and the way to read it again.

    Args:
        read: Reads it. It may block.
        clock: Seconds that only grow.

    Raises:
        RagError: It cannot be read.
    """

    def __init__(
        self, read: Callable[[], SecretStr], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._read = read
        self._clock = clock
        self._value = read()
        self._asked_at: float | None = None
        self._asking = asyncio.Lock()

    @property
    def value(self) -> str:
        """As it was read last."""
        return self._value.get_secret_value()

    async def renewed(self, refused: str) -> str | None:
        """Another value than the one that was refused, if there is one.

        It is read again every five seconds at most: a password that is wrong in KMS as well must
        not turn every question into a request there.
        """
        async with self._asking:
            now = self._clock()
            if self.value == refused and (
                self._asked_at is None or now - self._asked_at >= _AGAIN_SECONDS
            ):
                self._asked_at = now
                try:
                    self._value = await asyncio.to_thread(self._read)
                except RagError as error:
                    _log.warning("a secret was refused and cannot be read again: %s", error)
            return None if self.value == refused else self.value
