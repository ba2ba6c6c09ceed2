"""Retries of idempotent calls: exponential back-off with jitter and a limit of attempts.

Owns when to try again; tenacity does the rest. Only calls that may safely happen twice go through
here. Creating a paid job does not: ``dlc.DlcClient.create_job`` looks for the job instead.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import tenacity

from .errors import TransientError

__all__ = ["Retries"]

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

    # About 12 s in all: a service that restarts is back by then.
    attempts: int = 7
    base_delay_seconds: float = 0.25
    max_delay_seconds: float = 8.0
    sleep: Callable[[float], None] = time.sleep

    def call(self, function: Callable[[], T]) -> T:
        """Call ``function`` until it returns or the attempts are used up.

        Raises:
            ClientError: The last error of ``function``. Errors that are not transient are raised at
                once.
        """
        base, most = self.base_delay_seconds / 2, self.max_delay_seconds / 2
        # Half of each pause is random, so that callers that failed together do not retry together.
        pause = tenacity.wait_exponential(multiplier=base, max=most)
        jitter = tenacity.wait_random_exponential(multiplier=base, max=most)
        retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(self.attempts),
            wait=pause + jitter,
            retry=tenacity.retry_if_exception_type(TransientError),
            sleep=self.sleep,
            reraise=True,
        )
        return retrying(function)
