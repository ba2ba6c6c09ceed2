"""The local OSS: the object store that oss2 talks to, on disk, on one loopback address.

Owns the server process (``python -m localcloud.oss serve --home HOME``), what it stores, and the
``alicloud:oss`` resource types. Why it keeps objects itself:
docs/adr/0003-oss-on-sqlite-and-files.md.
"""

__all__: list[str] = []
