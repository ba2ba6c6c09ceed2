"""Secrets that are read again when a service refuses them.

Owns the decision when to ask KMS again. Does not own the reading (`rag.settings`) or the detection
of a refusal (`providers.clients.elasticsearch`, `rag.generate`). A password can change while the
application runs, without a restart.
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
    """A secret that can be read again.

    Args:
        read: Reads the secret. It may block.
        clock: A monotonic clock, in seconds.

    Raises:
        RagError: The secret cannot be read.
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
        """The value that was read last."""
        return self._value.get_secret_value()

    async def renewed(self, refused: str) -> str | None:
        """Return a value other than the refused one, or None.

        It asks KMS at most every five seconds. Otherwise a password that is also wrong in KMS
        would turn every question into a request to KMS.
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
