"""Quota Center: how much of a product the account may use, and uses.

Owns GetProductQuota. What is used is counted by the products' own records.
"""
