"""The checks, in the order in which they are told: who asks, where to, what is wanted there, cost.

Each is one small function over a `Subject` and a `Cloud`. A check that does not concern a stack
finds nothing and has no line.
"""

from guardrails.preflight.checks import (
    edge,
    identity,
    models,
    money,
    place,
    placeholders,
    reach,
    search,
    storage,
)
from guardrails.preflight.result import Check

__all__ = ["CHECKS"]

CHECKS: tuple[Check, ...] = (
    *placeholders.CHECKS,
    *identity.CHECKS,
    *place.CHECKS,
    *search.CHECKS,
    *reach.CHECKS,
    *models.CHECKS,
    *storage.CHECKS,
    *edge.CHECKS,
    *money.CHECKS,
)
"""Every check, in the order of the list."""
