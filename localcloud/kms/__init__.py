"""KMS: secrets, read by roles that may, and keys.

Owns secrets and their versions, and the records of keys. Keys encrypt nothing here: what a bucket
or secret names as its key is recorded.
"""

__all__: list[str] = []
