"""Estimates of a stack's cost before it is created.

Owns: the price table with its sources, the estimate for declared resources, the difference between
two estimates, and the budget check during a preview. Does not own: bills. All figures are
pay-as-you-go list prices. Each has its source and date, or is marked as assumed.
"""

from guardrails.cost.estimates import coverage, estimate
from guardrails.cost.model import (
    SPOT,
    Difference,
    Estimate,
    Kept,
    Line,
    Period,
    Resource,
    Unpriced,
    difference,
)
from guardrails.cost.prices import Basis, Price, PriceTable, PriceTableError, load_prices

__all__ = [
    "SPOT",
    "Basis",
    "Difference",
    "Estimate",
    "Kept",
    "Line",
    "Period",
    "Price",
    "PriceTable",
    "PriceTableError",
    "Resource",
    "Unpriced",
    "coverage",
    "difference",
    "estimate",
    "load_prices",
]
