"""What a stack costs, before it does.

Owns: the price table with its sources, the estimate of what is declared, its difference from
another, and the check against the budget while a preview runs. Does not own: bills. All figures are
pay-as-you-go list prices, each with its source and day, or said to be assumed.
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
