"""Local Quota Center: the quotas of the account and their use.

Owns GetProductQuota. It counts the use in the records of the products.
"""
