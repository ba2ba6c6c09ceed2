"""Estimates of a stack's cost before it is created.

Owns: the price table with its sources, the estimate for declared resources, the difference between
two estimates, and the budget check during a preview. Does not own: bills. All figures are
pay-as-you-go list prices. Each has its source and date, or is marked as assumed.
"""
