"""Retries of idempotent calls: exponential back-off with full jitter, bounded attempts.

Owns when to try again. Only calls that may safely happen twice go through here; creating a paid job
does not (``dlc.DlcClient.create_job`` looks for the job instead).
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from .errors import TransientError

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Retries:
    """How often, and after what pause, a failed idempotent call is tried again.

    Attributes:
        attempts: Calls made at most, the first included.
        base_delay_seconds: Upper bound of the pause before the second call; doubles each time.
        max_delay_seconds: Upper bound of any pause.
        sleep: Pauses for the seconds given; replaced in tests.
    """

    # About 12 s in all: a service that is restarted is back by then.
    attempts: int = 7
    base_delay_seconds: float = 0.25
    max_delay_seconds: float = 8.0
    sleep: Callable[[float], None] = time.sleep

    def call(self, function: Callable[[], T]) -> T:
        """Call ``function`` until it returns or the attempts are used up.

        Raises:
            ClientError: Whatever ``function`` raised last; errors that are not transient at once.
        """
        for attempt in range(1, self.attempts + 1):
            try:
                return function()
            except TransientError:
                if attempt == self.attempts:
                    raise
                bound = min(self.max_delay_seconds, self.base_delay_seconds * 2 ** (attempt - 1))
                # Jitter spreads callers that failed together; it decides nothing secret.
                self.sleep(random.uniform(bound / 2, bound))  # noqa: S311
        raise AssertionError("attempts must be at least 1")
