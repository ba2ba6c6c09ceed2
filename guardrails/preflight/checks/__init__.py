"""The checks, in the order of the report: identity, region, capacity, names, cost.

Each is a small function of a `Subject` and a `Cloud`. A check that does not apply to a stack has no
line.
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
"""Every check, in the order of the report."""
