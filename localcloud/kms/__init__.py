"""KMS: secrets and keys, with the permissions of the roles that read them.

Owns secrets and their versions, and the records of keys. Local keys encrypt nothing; a bucket or a
secret only records the key that it names.
"""

__all__: list[str] = []
