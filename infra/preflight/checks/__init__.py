"""The checks, in the order in which they are told: who asks, where to, what is wanted there, cost.

Each is one small function over a `Subject` and a `Cloud`. A check that does not concern a stack
finds nothing and has no line.
"""

from infra.preflight.checks import identity, models, money, place, search, storage
from infra.preflight.result import Check

__all__ = ["CHECKS"]

CHECKS: tuple[Check, ...] = (
    *identity.CHECKS,
    *place.CHECKS,
    *search.CHECKS,
    *models.CHECKS,
    *storage.CHECKS,
    *money.CHECKS,
)
"""Every check. The first is whether there are credentials: what needs them waits for it."""
