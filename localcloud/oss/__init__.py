"""The local OSS: the object store that oss2 talks to, on disk and on a loopback address.

Owns the server process (``python -m localcloud.oss serve --home HOME``), what it stores, and the
``alicloud:oss`` resource types. docs/adr/0003-oss-on-sqlite-and-files.md says why it stores objects
itself.
"""

__all__: list[str] = []
